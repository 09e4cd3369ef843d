/**
 * Nodes and edges in the form that React Flow wants, made again only where something changed.
 *
 * They carry no data: sizes and handles are known beforehand, so nothing needs
 * to be measured, and what is outside the window need not be drawn at all.
 */
import { MarkerType, Position, type Edge, type Node } from "@xyflow/react";
import type { Position as Place, WorkflowEdge, WorkflowNode } from "@/domain/definition";
import { FAILED, outcomeOf, outcomesOf, typeOf, type Catalogue, type NodeType } from "@/domain/nodeTypes";
import { branchShare, HEAD_HEIGHT, NODE_WIDTH, sizeOf } from "@/domain/placing";

const DOT = 10;

function handlesOf(
  type: NodeType | undefined,
  isTrigger: boolean,
  height: number,
): NonNullable<Node["handles"]> {
  const dot = { width: DOT, height: DOT };
  const handles: NonNullable<Node["handles"]> = [];
  if (!type?.starts && !isTrigger) {
    handles.push({
      id: "in",
      type: "target",
      position: Position.Top,
      x: NODE_WIDTH / 2 - DOT / 2,
      y: -DOT / 2,
      ...dot,
    });
  }
  const outcomes = outcomesOf(type);
  const ways = outcomes.filter((outcome) => outcome !== FAILED);
  for (const outcome of outcomes) {
    if (outcome === FAILED) {
      const y = HEAD_HEIGHT / 2 - DOT / 2;
      handles.push({
        id: FAILED,
        type: "source",
        position: Position.Right,
        x: NODE_WIDTH - DOT / 2,
        y,
        ...dot,
      });
    } else {
      const x = NODE_WIDTH * branchShare(ways.indexOf(outcome), ways.length) - DOT / 2;
      handles.push({
        id: outcome || "out",
        type: "source",
        position: Position.Bottom,
        x,
        y: height - DOT / 2,
        ...dot,
      });
    }
  }
  return handles;
}

export class Shapes {
  private nodes = new Map<string, { shape: Node; node: WorkflowNode; type: NodeType | undefined }>();
  private edges = new Map<string, { shape: Edge; key: string }>();
  private shownNodes: Node[] = [];
  private shownEdges: Edge[] = [];

  nodesFor(
    nodes: readonly WorkflowNode[],
    positions: Record<string, Place>,
    selection: ReadonlySet<string>,
    catalogue: Catalogue,
    trigger: string,
  ): Node[] {
    const next = new Map<string, { shape: Node; node: WorkflowNode; type: NodeType | undefined }>();
    const result = nodes.map((node) => {
      const type = typeOf(catalogue, node, trigger);
      const position = positions[node.id] ?? { x: 0, y: 0 };
      const selected = selection.has(node.id);
      const old = this.nodes.get(node.id);
      const unchanged =
        old &&
        old.type === type &&
        old.node.label === node.label &&
        old.shape.position.x === position.x &&
        old.shape.position.y === position.y &&
        old.shape.selected === selected;
      if (unchanged) {
        next.set(node.id, old);
        return old.shape;
      }
      const size = sizeOf(type);
      const shape: Node = {
        id: node.id,
        type: "step",
        position,
        data: {},
        selected,
        width: size.width,
        height: size.height,
        measured: size,
        handles: handlesOf(type, node.type === "trigger", size.height),
        ariaLabel: `${node.label}, ${type?.label ?? node.type}`,
      };
      next.set(node.id, { shape, node, type });
      return shape;
    });
    this.nodes = next;
    this.shownNodes = sameOr(this.shownNodes, result);
    return this.shownNodes;
  }

  edgesFor(
    edges: readonly WorkflowEdge[],
    byId: ReadonlyMap<string, WorkflowNode>,
    selection: ReadonlySet<string>,
    catalogue: Catalogue,
    trigger: string,
    live: (edge: WorkflowEdge) => boolean | undefined,
  ): Edge[] {
    const next = new Map<string, { shape: Edge; key: string }>();
    const result = edges.flatMap((edge) => {
      const source = byId.get(edge.source);
      if (!source || !byId.has(edge.target)) return [];
      const type = typeOf(catalogue, source, trigger);
      const outcome = outcomeOf(type, edge.label);
      const known = outcomesOf(type);
      const sourceHandle = (known.includes(outcome) ? outcome : known[0]) || "out";
      const alive = live(edge);
      const selected = selection.has(edge.id);
      const key = `${edge.source}|${edge.target}|${sourceHandle}|${edge.label ?? ""}|${selected}|${String(alive)}`;
      const old = this.edges.get(edge.id);
      if (old?.key === key) {
        next.set(edge.id, old);
        return [old.shape];
      }
      const red = edge.label === FAILED || edge.label === "Rejected";
      const shape: Edge = {
        id: edge.id,
        type: "flow",
        source: edge.source,
        target: edge.target,
        sourceHandle,
        targetHandle: "in",
        selected,
        data: { live: alive },
        ...(edge.label ? { label: edge.label } : {}),
        ariaLabel: `From ${edge.source} to ${edge.target}${edge.label ? ` when ${edge.label}` : ""}`,
        markerEnd: {
          type: MarkerType.ArrowClosed,
          width: 16,
          height: 16,
          color: selected
            ? "var(--accent-ink)"
            : red
              ? "var(--danger)"
              : alive
                ? "var(--ok)"
                : "var(--line-strong)",
        },
      };
      next.set(edge.id, { shape, key });
      return [shape];
    });
    this.edges = next;
    this.shownEdges = sameOr(this.shownEdges, result);
    return this.shownEdges;
  }
}

/** The list as it was where nothing in it changed: then nobody draws anything. */
function sameOr<T>(before: T[], now: T[]): T[] {
  return before.length === now.length && now.every((item, index) => item === before[index]) ? before : now;
}
