/** Both versions as one drawing: new in green, changed in yellow, gone in red and dashed. */
import { useEffect, useMemo, useRef } from "react";
import { markedGraph, type Mark, type MarkedNode } from "@/domain/markedGraph";
import { typeOf, type Catalogue } from "@/domain/nodeTypes";
import type { PlainMap } from "@/domain/tree";
import { nodeLook } from "../canvas/nodeLook";

const PAD = 16;
const STROKE = {
  same: "var(--line-strong)",
  added: "var(--ok)",
  removed: "var(--danger)",
  changed: "var(--warn)",
} as const;
const SIGN = { same: "", added: "+", removed: "−", changed: "~" } as const;
const WORD = { same: "", added: "new", removed: "gone", changed: "changed" } as const;

export function GraphDifference({
  before,
  after,
  catalogue,
}: {
  before: PlainMap;
  after: PlainMap;
  catalogue: Catalogue;
}) {
  const { nodes, edges } = useMemo(() => markedGraph(before, after, catalogue), [before, after, catalogue]);
  const width = Math.max(0, ...nodes.map((node) => node.x + node.width));
  const height = Math.max(0, ...nodes.map((node) => node.y + node.height));
  const left = Math.min(0, ...nodes.map((node) => node.x));
  const touched = nodes.filter((node) => node.mark !== "same");
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.querySelector("[data-touched]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [nodes]);
  return (
    <figure className="flex h-full flex-col gap-2 py-2">
      <ul className="sr-only" aria-label="Steps that differ">
        {touched.map((node) => (
          <li key={node.id}>
            {node.node.label}: {WORD[node.mark]}
          </li>
        ))}
      </ul>
      <div ref={place} className="min-h-0 flex-1 overflow-auto rounded-md bg-[var(--canvas)]">
        <svg
          aria-hidden
          className="block"
          // As a whole where it can still be read like that, else in half its size, to scroll through.
          style={{
            width: `max(100%, ${(width - left + 2 * PAD) / 2}px)`,
            height: `max(100%, ${(height + 2 * PAD) / 2}px)`,
          }}
          viewBox={`${left - PAD} ${-PAD} ${width - left + 2 * PAD} ${height + 2 * PAD}`}
        >
          {edges.map((edge) => (
            <path
              key={`${edge.id} ${edge.mark}`}
              d={curve(edge.source, edge.target)}
              fill="none"
              stroke={STROKE[edge.mark]}
              strokeWidth={edge.mark === "same" ? 1.5 : 2}
              strokeDasharray={edge.mark === "removed" ? "6 5" : undefined}
            >
              <title>{edge.label}</title>
            </path>
          ))}
          {nodes.map((node) => (
            <Card key={node.id} card={node} catalogue={catalogue} trigger={after["trigger"]} />
          ))}
        </svg>
      </div>
      <figcaption className="flex gap-4 text-xs text-ink-2">
        {(["added", "changed", "removed"] as const).map((mark) => (
          <span key={mark} className="flex items-center gap-1.5">
            <svg aria-hidden width="14" height="14">
              <rect x="1" y="1" width="12" height="12" rx="3" fill="var(--panel)" {...frame(mark)} />
            </svg>
            {nodes.filter((node) => node.mark === mark).length} {WORD[mark]}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function Card({ card, catalogue, trigger }: { card: MarkedNode; catalogue: Catalogue; trigger: unknown }) {
  const variant = typeOf(catalogue, card.node, typeof trigger === "string" ? trigger : undefined)?.variant;
  const { icon: Icon, ink } = nodeLook(card.node.type, variant);
  const gone = card.mark === "removed";
  return (
    <g
      transform={`translate(${card.x} ${card.y})`}
      opacity={gone ? 0.75 : 1}
      data-touched={card.mark === "same" ? undefined : card.mark}
    >
      <title>{card.node.label}</title>
      <rect width={card.width} height={card.height} rx={8} fill="var(--panel)" {...frame(card.mark)} />
      <g className={ink}>
        <Icon x={12} y={card.height / 2 - 8} width={16} height={16} />
      </g>
      <text
        x={38}
        y={card.height / 2 + 4.5}
        fontSize={13}
        fill="var(--ink)"
        textDecoration={gone ? "line-through" : undefined}
      >
        {short(card.node.label)}
      </text>
      {SIGN[card.mark] && (
        <text
          x={card.width - 14}
          y={card.height / 2 + 6}
          fontSize={16}
          textAnchor="end"
          fill={STROKE[card.mark]}
        >
          {SIGN[card.mark]}
        </text>
      )}
    </g>
  );
}

function frame(mark: Mark) {
  return {
    stroke: STROKE[mark],
    strokeWidth: mark === "same" ? 1 : 2,
    strokeDasharray: mark === "removed" ? "6 5" : undefined,
  };
}

function curve(from: MarkedNode, to: MarkedNode): string {
  const [x1, y1] = [from.x + from.width / 2, from.y + from.height];
  const [x2, y2] = [to.x + to.width / 2, to.y];
  const bend = Math.max(24, Math.abs(y2 - y1) / 2);
  return `M ${x1} ${y1} C ${x1} ${y1 + bend}, ${x2} ${y2 - bend}, ${x2} ${y2}`;
}

function short(label: string): string {
  const letters = [...label];
  return letters.length > 24 ? `${letters.slice(0, 23).join("")}…` : label;
}
