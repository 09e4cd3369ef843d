/**
 * Two versions in one drawing: what is new, what is gone, what says something else.
 *
 *     markedGraph(before, after, catalogue).nodes  →  [{ id: "approval-1", mark: "removed", x, y, … }]
 */
import { edgesOf, nodesOf, type Position, type WorkflowEdge, type WorkflowNode } from "./definition";
import { reachable, targetsOf } from "./graph";
import { typeOf, type Catalogue } from "./nodeTypes";
import { placeAll, sizeOf, type Size } from "./placing";
import { equal, type PlainMap } from "./tree";

export type Mark = "same" | "added" | "removed" | "changed";

export interface MarkedNode extends Position, Size {
  id: string;
  node: WorkflowNode;
  mark: Mark;
}

export interface MarkedEdge {
  id: string;
  source: MarkedNode;
  target: MarkedNode;
  label?: string;
  mark: Mark;
}

export interface MarkedGraph {
  nodes: MarkedNode[];
  edges: MarkedEdge[];
}

export function markedGraph(before: PlainMap, after: PlainMap, catalogue: Catalogue): MarkedGraph {
  const old = new Map(nodesOf(before).map((node) => [node.id, node]));
  const now = nodesOf(after);
  const kept = new Set(now.map((node) => node.id));
  const all = [...now, ...[...old.values()].filter((node) => !kept.has(node.id))];
  const oldEdges = edgesOf(before);
  const newEdges = edgesOf(after);
  const is = new Set(newEdges.map((edge) => edge.id));
  const was = new Set(oldEdges.map((edge) => edge.id));
  const gone = oldEdges.filter((edge) => !is.has(edge.id));

  const places = placeAll(all, withoutLoops(newEdges, gone), (node) => sizeOf(typeOf(catalogue, node)));
  const nodes = all.map((node): MarkedNode => {
    const mark = !kept.has(node.id) ? "removed" : markOf(old.get(node.id), node);
    return { id: node.id, node, mark, ...places[node.id]!, ...sizeOf(typeOf(catalogue, node)) };
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const edges = [...newEdges, ...gone].flatMap((edge): MarkedEdge[] => {
    const source = byId.get(edge.source);
    const target = byId.get(edge.target);
    if (!source || !target) return [];
    const mark = !is.has(edge.id) ? "removed" : was.has(edge.id) ? "same" : "added";
    return [{ id: edge.id, source, target, mark, ...(edge.label ? { label: edge.label } : {}) }];
  });
  return { nodes, edges };
}

function markOf(was: WorkflowNode | undefined, node: WorkflowNode): Mark {
  if (!was) return "added";
  const same = was.type === node.type && was.label === node.label && equal(was.data, node.data);
  return same ? "same" : "changed";
}

/** An edge that was turned round would be a loop with what it became: such a one does not place anything. */
function withoutLoops(edges: WorkflowEdge[], gone: WorkflowEdge[]): WorkflowEdge[] {
  const next = targetsOf([...edges, ...gone]);
  return [...edges, ...gone.filter((edge) => !reachable(edge.target, next).has(edge.source))];
}
