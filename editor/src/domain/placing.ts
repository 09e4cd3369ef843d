/** How large a node is drawn, and where nodes go that nobody has placed. */
import type { Position, WorkflowEdge, WorkflowNode } from "./definition";
import { inOrder } from "./graph";
import type { NodeType } from "./nodeTypes";

export const NODE_WIDTH = 224;
export const HEAD_HEIGHT = 58;
export const BRANCH_HEIGHT = 26;
export const GRID = 8;

export interface Size {
  width: number;
  height: number;
}

export function sizeOf(type: NodeType | undefined): Size {
  const branches = type?.branches.length ?? 0;
  return { width: NODE_WIDTH, height: HEAD_HEIGHT + (branches ? branches * BRANCH_HEIGHT + 6 : 0) };
}

/**
 * Columns by the longest way from a start: quick, the same every time, and free of overlaps.
 * Tidy (`tidy.ts`) does better and takes longer.
 */
export function placeAll(
  nodes: readonly WorkflowNode[],
  edges: readonly WorkflowEdge[],
  size: (node: WorkflowNode) => Size,
): Record<string, Position> {
  const column = new Map<string, number>();
  const ordered = inOrder(nodes, edges);
  for (const node of ordered) if (!column.has(node.id)) column.set(node.id, 0);
  const outgoing = new Map<string, WorkflowEdge[]>();
  for (const edge of edges) outgoing.set(edge.source, [...(outgoing.get(edge.source) ?? []), edge]);
  const wish = new Map<string, number>();
  for (const node of ordered) {
    const here = column.get(node.id)!;
    (outgoing.get(node.id) ?? []).forEach((edge, index) => {
      column.set(edge.target, Math.max(column.get(edge.target) ?? 0, here + 1));
      // The first way out goes on in the same row, the others below it.
      const row = (wish.get(node.id) ?? 0) + index * (HEAD_HEIGHT + 48);
      if (!wish.has(edge.target)) wish.set(edge.target, row);
    });
  }
  const positions: Record<string, Position> = {};
  const floor = new Map<number, number>();
  for (const node of ordered) {
    const at = column.get(node.id)!;
    const y = Math.max(wish.get(node.id) ?? 0, floor.get(at) ?? 0);
    positions[node.id] = { x: at * (NODE_WIDTH + 88), y };
    floor.set(at, y + size(node).height + 48);
  }
  return positions;
}

/** Placed where the text says; what it does not place goes where `placeAll` would put it, shifted free. */
export function placeMissing(
  nodes: readonly WorkflowNode[],
  edges: readonly WorkflowEdge[],
  known: Record<string, Position>,
  size: (node: WorkflowNode) => Size,
): Record<string, Position> {
  const missing = nodes.filter((node) => !known[node.id]);
  if (missing.length === 0) return known;
  const all = placeAll(nodes, edges, size);
  if (missing.length === nodes.length) return all;
  const placed = nodes.filter((node) => known[node.id]);
  const bottom = Math.max(...placed.map((node) => known[node.id]!.y + size(node).height));
  const top = Math.min(...missing.map((node) => all[node.id]!.y));
  const result = { ...known };
  for (const node of missing)
    result[node.id] = { x: all[node.id]!.x, y: all[node.id]!.y - top + bottom + 48 };
  return result;
}

export function overlaps(a: Position & Size, b: Position & Size): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
