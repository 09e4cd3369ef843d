/**
 * Which values went where in a run: what each node's expressions speak of, with what it was.
 *
 *     variableFlow(nodes, edges, run).links[0]  →  { from: "discover-1.migrations", to: "dryrun-1" }
 */
import type { WorkflowEdge, WorkflowNode } from "./definition";
import { inOrder } from "./graph";
import { holesIn, namesIn } from "./holes";
import { isMap, type Plain } from "./tree";

export interface Source {
  key: string;
  /** The node that it came out of; undefined for inputs and variables. */
  node: string | undefined;
  name: string;
  value: unknown;
}

export interface Target {
  node: WorkflowNode;
  /** Keys of its configuration that use a value. */
  fields: string[];
}

export interface Flow {
  sources: Source[];
  targets: Target[];
  links: { from: string; to: string }[];
}

interface Run {
  context: unknown;
  nodeExecutions: readonly { nodeId: string; output?: unknown }[];
}

const IMPLICIT = ["connectionId", "currentUser", "trigger", "execution"];

export function variableFlow(
  nodes: readonly WorkflowNode[],
  edges: readonly WorkflowEdge[],
  variables: readonly { name: string; type: string }[],
  run: Run,
): Flow {
  const ids = new Set(nodes.map((node) => node.id));
  const given = new Set([...variables.map((variable) => variable.name), ...IMPLICIT]);
  const secrets = new Set(variables.filter(({ type }) => type === "secret").map(({ name }) => name));
  const outputs = new Map(run.nodeExecutions.map((node) => [node.nodeId, node.output]));
  const context = (run.context ?? {}) as Record<string, unknown>;
  const values = (context["variables"] ?? {}) as Record<string, unknown>;
  const inputs = (context["context"] ?? {}) as Record<string, unknown>;
  const sources = new Map<string, Source>();
  const links = new Map<string, { from: string; to: string }>();
  const targets: Target[] = [];
  const ordered = inOrder(nodes, edges);
  for (const node of ordered) {
    const fields: string[] = [];
    for (const [key, value] of Object.entries(node.data)) {
      for (const use of usesIn(value)) {
        let source: Source | undefined;
        if (ids.has(use.name)) {
          const output = outputs.get(use.name);
          const member = use.members[0] === "output" ? use.members[1] : use.members[0];
          source = {
            key: `${use.name}.${member ?? "output"}`,
            node: use.name,
            name: member ?? "output",
            value: member && use.members[0] === "output" ? memberOf(output, member) : output,
          };
        } else {
          const name = use.name === "variables" ? use.members[0] : use.name;
          if (!name || !given.has(name)) continue;
          const known = name in values ? values[name] : (inputs[name] ?? context[name]);
          source = { key: name, node: undefined, name, value: secrets.has(name) ? "•••" : known };
        }
        if (!sources.has(source.key)) sources.set(source.key, source);
        const link = `${source.key}>${node.id}`;
        if (!links.has(link)) links.set(link, { from: source.key, to: node.id });
        if (!fields.includes(key)) fields.push(key);
      }
    }
    if (fields.length) targets.push({ node, fields });
  }
  const place = new Map(ordered.map((node, index) => [node.id, index]));
  const rank = (source: Source): number => (source.node === undefined ? -1 : place.get(source.node)!);
  return {
    sources: [...sources.values()].sort((a, b) => rank(a) - rank(b)),
    targets,
    links: [...links.values()],
  };
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

interface ValueUse {
  name: string;
  members: string[];
}

function* usesIn(value: Plain): Generator<ValueUse> {
  if (typeof value === "string") {
    for (const hole of holesIn(value)) {
      for (const use of namesIn(hole.inner)) {
        const members = /^(?:\??\.\s*[A-Za-z_$][\w$]*)*/.exec(hole.inner.slice(use.end))![0];
        yield { name: use.name, members: members.split(/\??\.\s*/).slice(1) };
      }
    }
  } else if (Array.isArray(value)) {
    for (const item of value) yield* usesIn(item);
  } else if (isMap(value)) {
    for (const item of Object.values(value)) yield* usesIn(item);
  }
}
