/** Questions about the drawing: who comes before whom, and may this edge be drawn. */
import type { WorkflowEdge, WorkflowNode } from "./definition";
import { outcomeOf, typeOf, type Catalogue } from "./nodeTypes";

type Neighbours = ReadonlyMap<string, readonly string[]>;

/** Asked again and again of the same drawing; a list of edges is never changed, only replaced. */
const known = { targets: new WeakMap<object, Neighbours>(), sources: new WeakMap<object, Neighbours>() };

export function targetsOf(edges: readonly WorkflowEdge[]): Neighbours {
  return remembered(known.targets, edges, (edge) => [edge.source, edge.target]);
}

export function sourcesOf(edges: readonly WorkflowEdge[]): Neighbours {
  return remembered(known.sources, edges, (edge) => [edge.target, edge.source]);
}

function remembered(
  found: WeakMap<object, Neighbours>,
  edges: readonly WorkflowEdge[],
  pair: (edge: WorkflowEdge) => [string, string],
): Neighbours {
  const before = found.get(edges);
  if (before) return before;
  const made = grouped(edges, pair);
  found.set(edges, made);
  return made;
}

function grouped(
  edges: readonly WorkflowEdge[],
  pair: (edge: WorkflowEdge) => [string, string],
): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const edge of edges) {
    const [from, to] = pair(edge);
    const list = result.get(from);
    if (list) list.push(to);
    else result.set(from, [to]);
  }
  return result;
}

/** Everything that can be reached from a node, without the node itself unless there is a loop. */
export function reachable(from: string, next: Neighbours): Set<string> {
  const found = new Set<string>();
  const waiting = [...(next.get(from) ?? [])];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    waiting.push(...(next.get(id) ?? []));
  }
  return found;
}

/** The nodes that have run, or been skipped, before this one may. */
export function ancestors(id: string, edges: readonly WorkflowEdge[]): Set<string> {
  return reachable(id, sourcesOf(edges));
}

export interface Connection {
  source: string;
  target: string;
  label?: string | undefined;
}

/** Why this edge may not be drawn, in words for the person who tried; undefined if it may. */
export function refusal(
  wanted: Connection,
  nodes: readonly WorkflowNode[],
  edges: readonly WorkflowEdge[],
  catalogue: Catalogue,
): string | undefined {
  const source = nodes.find((node) => node.id === wanted.source);
  const target = nodes.find((node) => node.id === wanted.target);
  if (!source || !target) return "One end of this edge does not exist.";
  if (wanted.source === wanted.target) return "A node cannot follow itself.";
  const targetType = typeOf(catalogue, target);
  if (target.type === "trigger") return "Nothing can lead into a trigger: it starts the run.";
  if (targetType?.starts) return `Nothing can lead into “${target.label}”: it starts by itself.`;
  const sourceType = typeOf(catalogue, source);
  const outcome = outcomeOf(sourceType, wanted.label);
  const duplicate = edges.some(
    (edge) =>
      edge.source === wanted.source &&
      edge.target === wanted.target &&
      outcomeOf(sourceType, edge.label) === outcome,
  );
  if (duplicate) return "These two are connected already.";
  if (reachable(wanted.target, targetsOf(edges)).has(wanted.source)) {
    return `That would be a loop: “${target.label}” already leads to “${source.label}”.`;
  }
  return undefined;
}

/** Every node that an outcome of `source` may still lead to: those that {@link refusal} says nothing against. */
export function possibleTargets(
  source: WorkflowNode,
  label: string | undefined,
  nodes: readonly WorkflowNode[],
  edges: readonly WorkflowEdge[],
  catalogue: Catalogue,
): WorkflowNode[] {
  const before = ancestors(source.id, edges);
  const type = typeOf(catalogue, source);
  const outcome = outcomeOf(type, label);
  const after = new Set(
    edges
      .filter((edge) => edge.source === source.id && outcomeOf(type, edge.label) === outcome)
      .map((edge) => edge.target),
  );
  return nodes.filter(
    (node) =>
      node.id !== source.id &&
      !before.has(node.id) &&
      !after.has(node.id) &&
      node.type !== "trigger" &&
      !typeOf(catalogue, node)?.starts,
  );
}

/** Nodes in the order they can run; members of loops come last, in the order of the text. */
export function inOrder(nodes: readonly WorkflowNode[], edges: readonly WorkflowEdge[]): WorkflowNode[] {
  const missing = new Map(nodes.map((node) => [node.id, 0]));
  for (const edge of edges) {
    if (missing.has(edge.target) && missing.has(edge.source))
      missing.set(edge.target, missing.get(edge.target)! + 1);
  }
  const next = targetsOf(edges);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ready = nodes.filter((node) => missing.get(node.id) === 0);
  const result: WorkflowNode[] = [];
  for (let node = ready.shift(); node; node = ready.shift()) {
    result.push(node);
    for (const id of next.get(node.id) ?? []) {
      const left = (missing.get(id) ?? 0) - 1;
      missing.set(id, left);
      if (left === 0) ready.push(byId.get(id)!);
    }
  }
  const placed = new Set(result);
  return [...result, ...nodes.filter((node) => !placed.has(node))];
}
