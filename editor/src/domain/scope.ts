/**
 * What an expression may speak of at one node, with types: completion, and hints in the inspector.
 *
 * Only what has run before is offered: upstream nodes by their output schemas,
 * the workflow's inputs, its variables; secrets only where the field takes them.
 */
import type { WorkflowEdge, WorkflowNode, WorkflowVariable } from "./definition";
import { ancestors } from "./graph";
import { typeOf, type Catalogue, type Schema } from "./nodeTypes";

export interface Name {
  name: string;
  schema: Schema;
  info: string;
}

const IMPLICIT: Name[] = [
  { name: "connectionId", schema: { type: "string" }, info: "the connection the run was started with" },
  {
    name: "currentUser",
    info: "who started the run",
    schema: {
      type: "object",
      properties: {
        id: { type: "string" },
        email: { type: "string" },
        name: { type: "string" },
        teamOwner: { type: "string" },
      },
    },
  },
  { name: "trigger", schema: {}, info: "what the run was started with" },
  {
    name: "execution",
    info: "this run",
    schema: { type: "object", properties: { id: { type: "string" }, startedAt: { type: "string" } } },
  },
];

export function scopeAt(
  nodeId: string,
  definition: {
    nodes: readonly WorkflowNode[];
    edges: readonly WorkflowEdge[];
    variables: readonly WorkflowVariable[];
    trigger?: string;
  },
  catalogue: Catalogue,
  secrets = false,
): Name[] {
  const before = ancestors(nodeId, definition.edges);
  const nodes = definition.nodes
    .filter((node) => before.has(node.id) && node.id !== nodeId)
    .map((node) => {
      const type = typeOf(catalogue, node, definition.trigger);
      const output: Schema = type?.outputSchema ?? {};
      return {
        name: node.id,
        info: node.label,
        schema: {
          type: "object",
          ...(output.$defs ? { $defs: output.$defs } : {}),
          properties: { output, status: { type: "string" }, error: {} },
        },
      };
    });
  const shown = definition.variables.filter((variable) => secrets || variable.type !== "secret");
  const variables = shown.map((variable) => ({
    name: variable.name,
    info: variable.description ?? "variable",
    schema: {
      type: variable.type === "secret" ? "string" : variable.type,
      // What is tried before anything has run is tried with this.
      ...(variable.default === undefined || variable.type === "secret" ? {} : { default: variable.default }),
    },
  }));
  const all: Name = {
    name: "variables",
    info: "all variables",
    schema: {
      type: "object",
      properties: Object.fromEntries(variables.map(({ name, schema }) => [name, schema])),
    },
  };
  return [...nodes.reverse(), ...variables, ...IMPLICIT, all];
}

const LIST_METHODS: [string, string][] = [
  ["length", "number"],
  ["filter", "(item => …) list"],
  ["map", "(item => …) list"],
  ["some", "(item => …) boolean"],
  ["every", "(item => …) boolean"],
  ["find", "(item => …) item"],
  ["includes", "(value) boolean"],
  ["slice", "(from, to) list"],
  ["join", "(text) string"],
];
const TEXT_METHODS: [string, string][] = [
  ["length", "number"],
  ["includes", "(text) boolean"],
  ["startsWith", "(text) boolean"],
  ["endsWith", "(text) boolean"],
  ["toLowerCase", "() string"],
  ["toUpperCase", "() string"],
  ["trim", "() string"],
  ["split", "(text) list"],
  ["slice", "(from, to) string"],
];

export interface Suggestion {
  label: string;
  /** The type, as shown beside it. */
  detail: string;
  info: string;
  kind: "node" | "name" | "property" | "method";
}

/** What may follow this beginning of an expression, and where the word being typed begins. */
export function suggest(
  before: string,
  scope: readonly Name[],
): { from: number; options: Suggestion[] } | undefined {
  const chain =
    /((?:[A-Za-z_$][\w$]*(?:-[\w$]+)*)(?:\s*\??\.\s*[A-Za-z_$][\w$]*|\[\d+\])*)?\s*(\??\.)\s*([\w$]*)$/.exec(
      before,
    );
  if (chain?.[2] && chain[1]) {
    const schema = schemaOfChain(chain[1], scope);
    if (!schema) return undefined;
    return { from: before.length - chain[3]!.length, options: membersOf(schema) };
  }
  if (/[.)\]]\s*[\w$]*$/.test(before) && !/[\s(,!&|?:=<>+*/%-][\w$-]*$/.test(before)) return undefined;
  const word = /[A-Za-z_$][\w$-]*$/.exec(before)?.[0] ?? "";
  const options = scope.map(({ name, schema, info }): Suggestion => {
    const node = Boolean(schema.properties?.["output"]);
    return { label: name, detail: node ? "node" : typeName(schema), info, kind: node ? "node" : "name" };
  });
  return { from: before.length - word.length, options };
}

function schemaOfChain(chain: string, scope: readonly Name[]): Schema | undefined {
  const [root, ...steps] = chain.match(/[A-Za-z_$][\w$]*(?:-[\w$]+)*|\[\d+\]/g) ?? [];
  const start = scope.find(({ name }) => name === root)?.schema;
  if (!start) return undefined;
  // The definitions travel along: a nested schema points into its outermost one.
  const defs = { ...start.$defs, ...start.properties?.["output"]?.$defs };
  let here: Schema | undefined = start;
  for (const step of steps) {
    here = resolve(here, defs);
    here = step.startsWith("[") ? here?.items : here?.properties?.[step];
    if (!here) return undefined;
  }
  const found = resolve(here, defs);
  return found && { ...found, $defs: defs };
}

/** Follow a reference; of a choice with null take what is not null. */
export function resolve(
  schema: Schema | undefined,
  defs: Record<string, Schema> = schema?.$defs ?? {},
): Schema | undefined {
  if (!schema) return undefined;
  if (schema.$ref) return resolve(defs[schema.$ref.replace("#/$defs/", "")], defs);
  const choice = schema.anyOf?.find((option) => option.type !== "null");
  return choice && !schema.properties ? resolve(choice, defs) : schema;
}

export function membersOf(schema: Schema): Suggestion[] {
  const methods = schema.type === "array" ? LIST_METHODS : schema.type === "string" ? TEXT_METHODS : [];
  return [
    ...Object.entries(schema.properties ?? {}).map(([label, inner]): Suggestion => ({
      label,
      detail: typeName(inner, schema.$defs),
      info: inner.description ?? "",
      kind: "property",
    })),
    ...methods.map(([label, detail]): Suggestion => ({ label, detail, info: "", kind: "method" })),
  ];
}

export function typeName(schema: Schema, defs: Record<string, Schema> = schema.$defs ?? {}): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf;
  if (choices) return choices.map((choice) => typeName(choice, defs)).join(" | ");
  const found = resolve(schema, defs);
  if (!found) return "any";
  if (found.type === "array") return `list of ${found.items ? typeName(found.items, defs) : "any"}`;
  if (found.type === "object") return found.title ?? "object";
  if (found.type === "integer") return "number";
  return typeof found.type === "string" ? found.type : "any";
}
