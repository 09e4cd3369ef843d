/** How large a node is drawn, and where nodes go that nobody has placed: from top to bottom. */
import type { Position, WorkflowEdge, WorkflowNode } from "./definition";
import { inOrder } from "./graph";
import type { NodeType } from "./nodeTypes";

export const NODE_WIDTH = 224;
export const HEAD_HEIGHT = 58;
export const BRANCH_HEIGHT = 28;
export const GRID = 8;
const GAP = { x: 64, y: 54 };

export interface Size {
  width: number;
  height: number;
}

export function sizeOf(type: NodeType | undefined): Size {
  return { width: NODE_WIDTH, height: HEAD_HEIGHT + (type?.branches.length ? BRANCH_HEIGHT : 0) };
}

/** Where the handle of the nth way out stands, as a share of the width. */
export function branchShare(index: number, count: number): number {
  return (index + 0.5) / count;
}

/**
 * Rows by the longest way from a start: quick, the same every time, and free of overlaps.
 * Tidy (`tidy.ts`) does better and takes longer.
 */
export function placeAll(
  nodes: readonly WorkflowNode[],
  edges: readonly WorkflowEdge[],
  size: (node: WorkflowNode) => Size,
): Record<string, Position> {
  const ordered = inOrder(nodes, edges);
  const row = new Map(ordered.map((node) => [node.id, 0]));
  const outgoing = new Map<string, WorkflowEdge[]>();
  for (const edge of edges) {
    const list = outgoing.get(edge.source);
    if (list) list.push(edge);
    else outgoing.set(edge.source, [edge]);
  }
  const wish = new Map<string, number>();
  const step = NODE_WIDTH + GAP.x;
  for (const node of ordered) {
    const here = row.get(node.id)!;
    (outgoing.get(node.id) ?? []).forEach((edge, index) => {
      row.set(edge.target, Math.max(row.get(edge.target) ?? 0, here + 1));
      // The first way out goes straight on, the others beside it.
      if (!wish.has(edge.target)) wish.set(edge.target, (wish.get(node.id) ?? 0) + index * step);
    });
  }
  const heights: number[] = [];
  for (const node of ordered) {
    const at = row.get(node.id)!;
    heights[at] = Math.max(heights[at] ?? 0, size(node).height);
  }
  const tops: number[] = [];
  for (let at = 0, y = 0; at < heights.length; at++) {
    tops.push(y);
    y += Math.ceil(((heights[at] ?? HEAD_HEIGHT) + GAP.y) / GRID) * GRID;
  }
  const positions: Record<string, Position> = {};
  const free = new Map<number, number>();
  for (const node of ordered) {
    const at = row.get(node.id)!;
    const x = Math.max(wish.get(node.id) ?? 0, free.get(at) ?? 0);
    positions[node.id] = { x, y: tops[at]! };
    free.set(at, x + step);
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
