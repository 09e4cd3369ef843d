/**
 * What the server says about node types, and how a node finds its own.
 *
 * The editor knows no node type by name: forms, handles, palette and completion
 * all come from here. A type this server does not know is kept untouched.
 */
import type { WorkflowNode } from "./definition";
import type { Plain, PlainMap } from "./tree";

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: Plain;
  examples?: Plain[];
  enum?: Plain[];
  const?: Plain;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  minimum?: number;
  $ref?: string;
  $defs?: Record<string, Schema>;
  "x-widget"?: string;
  "x-secret"?: boolean;
}

export interface NodeType {
  type: string;
  variant: string;
  /** The configuration key that names the variant, where the type has variants. */
  discriminator: string | null;
  label: string;
  summary: string;
  description: string;
  branches: string[];
  canFail: boolean;
  starts: boolean;
  effect: "none" | "reads" | "writes";
  idempotent: boolean;
  configSchema: Schema;
  outputSchema: Schema;
}

export interface Catalogue {
  all: NodeType[];
  find(type: string, variant: string): NodeType | undefined;
}

export function catalogueOf(items: NodeType[]): Catalogue {
  const byKey = new Map(items.map((item) => [`${item.type}/${item.variant}`, item]));
  return { all: items, find: (type, variant) => byKey.get(`${type}/${variant}`) };
}

export const EMPTY_CATALOGUE: Catalogue = catalogueOf([]);

export function typeOf(
  catalogue: Catalogue,
  node: WorkflowNode,
  workflowTrigger = "manual",
): NodeType | undefined {
  const plain = catalogue.find(node.type, "");
  if (plain) return plain;
  const sample = catalogue.all.find((item) => item.type === node.type);
  if (!sample?.discriminator) return undefined;
  const variant = node.data[sample.discriminator];
  // A trigger node may leave its kind to the workflow's own `trigger`.
  const chosen = typeof variant === "string" ? variant : node.type === "trigger" ? workflowTrigger : "";
  return catalogue.find(node.type, chosen);
}

export const SUCCESS = "";
export const FAILED = "Failed";

/** The ways out of a node, first the one that an unlabelled edge means. */
export function outcomesOf(type: NodeType | undefined): string[] {
  if (!type) return [SUCCESS];
  return [...(type.branches.length ? type.branches : [SUCCESS]), ...(type.canFail ? [FAILED] : [])];
}

/** The label that an edge drawn from this outcome carries. */
export function edgeLabelFor(outcome: string): string | undefined {
  return outcome === SUCCESS ? undefined : outcome;
}

/** The outcome that an edge hangs on: unlabelled means the first. */
export function outcomeOf(type: NodeType | undefined, label: string | undefined): string {
  return label ?? type?.branches[0] ?? SUCCESS;
}

/** What a step's data looks like when it is new: its variant, and the defaults that need an answer. */
export function freshData(type: NodeType): PlainMap {
  const data: PlainMap = {};
  if (type.discriminator) data[type.discriminator] = type.variant;
  for (const key of type.configSchema.required ?? []) {
    const schema = type.configSchema.properties?.[key] ?? {};
    const name = configKey(type, key);
    if (schema["x-widget"] === "connection") data[name] = "{{ connectionId }}";
    else if (schema["x-widget"] === "approvers") data[name] = ["{{ currentUser.teamOwner }}"];
  }
  return data;
}

/** The key of the definition for a key of the schema: a condition's left side is called `condition`. */
export function configKey(type: NodeType, key: string): string {
  return type.type === "condition" && key === "left" ? "condition" : key;
}

export interface Field {
  key: string;
  schema: Schema;
  required: boolean;
  widget: string;
  label: string;
  secret: boolean;
}

const ACRONYMS: Record<string, string> = { id: "ID", sql: "SQL", url: "URL", orm: "ORM", smtp: "SMTP" };

/** `connectionId` → "Connection", `lockTimeout` → "Lock timeout". */
export function words(key: string): string {
  const parts = key
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(" ");
  if (parts.length > 1 && parts.at(-1) === "id") parts.pop();
  const text = parts.map((part) => ACRONYMS[part] ?? part).join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function fieldsOf(type: NodeType): Field[] {
  const required = new Set(type.configSchema.required ?? []);
  return Object.entries(type.configSchema.properties ?? {}).flatMap(([key, schema]) => {
    const widget =
      schema["x-widget"] ?? schema.anyOf?.find((option) => option["x-widget"])?.["x-widget"] ?? "";
    if (widget === "hidden") return [];
    const secret = widget === "secret" || Boolean(schema["x-secret"]);
    const name = configKey(type, key);
    return [{ key: name, schema, required: required.has(key), widget, label: words(name), secret }];
  });
}
