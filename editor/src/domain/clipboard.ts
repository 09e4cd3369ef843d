/**
 * Copy nodes out of one workflow and paste them into another.
 *
 * Copies get new ids, their edges among themselves come along, and what they
 * say about each other in expressions follows the new ids.
 */
import {
  edgesOf,
  nodesOf,
  positionsOf,
  withEdge,
  withNode,
  withPositions,
  type Position,
  type WorkflowEdge,
  type WorkflowNode,
} from "./definition";
import { renameInPlain } from "./holes";
import { copiedId } from "./ids";
import type { PlainMap } from "./tree";

export interface Clip {
  kind: "dataroll/nodes";
  nodes: WorkflowNode[];
  edges: WorkflowEdge[];
  positions: Record<string, Position>;
}

export function clipOf(
  raw: PlainMap,
  ids: ReadonlySet<string>,
  shown: Record<string, Position> = positionsOf(raw),
): Clip {
  return {
    kind: "dataroll/nodes",
    nodes: nodesOf(raw).filter((node) => ids.has(node.id)),
    edges: edgesOf(raw).filter((edge) => ids.has(edge.source) && ids.has(edge.target)),
    positions: Object.fromEntries(Object.entries(shown).filter(([id]) => ids.has(id))),
  };
}

/** A clip from text, or undefined when the text is something else. */
export function readClip(text: string): Clip | undefined {
  if (!text.includes('"dataroll/nodes"')) return undefined;
  try {
    const clip = JSON.parse(text) as Clip;
    const good =
      clip.kind === "dataroll/nodes" &&
      Array.isArray(clip.nodes) &&
      clip.nodes.every((node) => typeof node.id === "string");
    return good ? clip : undefined;
  } catch {
    return undefined;
  }
}

export function paste(raw: PlainMap, clip: Clip, offset: Position): { raw: PlainMap; ids: string[] } {
  const taken = new Set(nodesOf(raw).map((node) => node.id));
  const names = new Map<string, string>();
  for (const node of clip.nodes) {
    const id = taken.has(node.id) ? copiedId(node.id, taken) : node.id;
    names.set(node.id, id);
    taken.add(id);
  }
  let next = raw;
  for (const node of clip.nodes) {
    next = withNode(next, { ...node, id: names.get(node.id)!, data: renameInPlain(node.data, names) });
  }
  for (const edge of clip.edges) {
    next = withEdge(next, { ...edge, source: names.get(edge.source)!, target: names.get(edge.target)! });
  }
  const positions = Object.entries(clip.positions).flatMap(([id, { x, y }]) =>
    names.has(id) ? [[names.get(id)!, { x: x + offset.x, y: y + offset.y }] as const] : [],
  );
  if (positions.length) next = withPositions(next, Object.fromEntries(positions));
  return { raw: next, ids: [...names.values()] };
}
