/** A workflow in small: its steps where the canvas would draw them, and how they follow each other. */
import { useMemo } from "react";
import { edgesOf, nodesOf, positionsOf } from "@/domain/definition";
import { FAILED, typeOf, type Catalogue } from "@/domain/nodeTypes";
import { HEAD_HEIGHT, NODE_WIDTH, placeMissing } from "@/domain/placing";
import type { PlainMap } from "@/domain/tree";
import { nodeLook } from "../canvas/nodeLook";

const HEIGHT = 150;
const PAD = 24;

export function Picture({ raw, catalogue }: { raw: PlainMap; catalogue: Catalogue }) {
  const { nodes, edges, places, box } = useMemo(() => {
    const nodes = nodesOf(raw);
    const edges = edgesOf(raw);
    const size = { width: NODE_WIDTH, height: HEAD_HEIGHT };
    // On its side: a card is wider than it is high, a workflow higher than it is wide.
    const placed = placeMissing(nodes, edges, positionsOf(raw), () => size);
    const places = Object.fromEntries(
      Object.entries(placed).map(([id, { x, y }]) => [id, { x: y * 1.15, y: x * 0.62 }]),
    );
    const xs = Object.values(places).map((place) => place.x);
    const ys = Object.values(places).map((place) => place.y);
    const left = Math.min(...xs, 0) - PAD;
    const top = Math.min(...ys, 0) - PAD;
    const box = {
      left,
      top,
      width: Math.max(...xs, 0) + 64 - left + PAD,
      height: Math.max(...ys, 0) + 64 - top + PAD,
    };
    return { nodes, edges, places, box };
  }, [raw]);
  return (
    <div className="border-b border-line bg-[var(--canvas)]">
      <ol className="sr-only" aria-label="Steps">
        {nodes.map((node) => (
          <li key={node.id}>{node.label}</li>
        ))}
      </ol>
      <svg
        aria-hidden
        width="100%"
        height={HEIGHT}
        viewBox={`${box.left} ${box.top} ${box.width} ${box.height}`}
        preserveAspectRatio="xMidYMid meet"
      >
        {edges.map((edge) => {
          const from = places[edge.source];
          const to = places[edge.target];
          if (!from || !to) return null;
          const [x1, y1, x2, y2] = [from.x + 64, from.y + 32, to.x, to.y + 32];
          const middle = (x1 + x2) / 2;
          const red = edge.label === FAILED || edge.label === "Rejected";
          return (
            <path
              key={edge.id}
              d={`M ${x1} ${y1} C ${middle} ${y1}, ${middle} ${y2}, ${x2} ${y2}`}
              fill="none"
              strokeWidth={3}
              stroke={red ? "var(--danger)" : "var(--line-strong)"}
              strokeDasharray={red ? "8 6" : undefined}
              opacity={red ? 0.7 : 1}
            />
          );
        })}
        {nodes.map((node) => {
          const place = places[node.id];
          if (!place) return null;
          const trigger = typeof raw["trigger"] === "string" ? raw["trigger"] : undefined;
          const { icon: Icon, ink } = nodeLook(node.type, typeOf(catalogue, node, trigger)?.variant);
          return (
            <g key={node.id} transform={`translate(${place.x} ${place.y})`} className={ink}>
              <title>{node.label}</title>
              <rect
                width={64}
                height={64}
                rx={14}
                fill="var(--panel)"
                stroke="var(--line-strong)"
                strokeWidth={2}
              />
              <Icon x={16} y={16} width={32} height={32} />
            </g>
          );
        })}
      </svg>
    </div>
  );
}
