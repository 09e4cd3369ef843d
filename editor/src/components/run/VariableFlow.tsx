/** Values on the left, the nodes that used them on the right, and a line for each use. */
import { useMemo, useState, type ReactNode } from "react";
import type { Execution as Run } from "@/api/types";
import { variableFlow } from "@/domain/variableFlow";
import { useWorkflow } from "@/store/workflow";

const ROW = 44;

interface VariableFlowProps {
  run: Run;
  selected: string | undefined;
  onSelect: (nodeId: string) => void;
}

export function VariableFlow({ run, selected, onSelect }: VariableFlowProps) {
  const nodes = useWorkflow((state) => state.nodes);
  const edges = useWorkflow((state) => state.edges);
  const variables = useWorkflow((state) => state.variables);
  const flow = useMemo(() => variableFlow(nodes, edges, variables, run), [nodes, edges, variables, run]);
  /** The value or node that somebody points at: its lines stand out. */
  const [pointed, setPointed] = useState<string>();
  const labels = useMemo(() => new Map(nodes.map((node) => [node.id, node.label])), [nodes]);
  if (flow.links.length === 0) return <p className="p-1 text-ink-2">No node of this run uses a value.</p>;

  const height = Math.max(flow.sources.length, flow.targets.length) * ROW;
  const left = new Map(flow.sources.map((source, index) => [source.key, (index + 0.5) * ROW]));
  const right = new Map(flow.targets.map(({ node }, index) => [node.id, (index + 0.5) * ROW]));
  const active = pointed ?? (selected ? `node:${selected}` : undefined);
  const lit = (link: { from: string; to: string }): boolean =>
    active === link.from ||
    active === `node:${link.to}` ||
    active === `node:${flow.sources.find((source) => source.key === link.from)?.node ?? ""}`;
  const any = active !== undefined && flow.links.some(lit);
  const dimmed = (key: string): boolean =>
    any && !flow.links.some((link) => lit(link) && (link.from === key || `node:${link.to}` === key));

  return (
    <div className="grid min-w-[560px] grid-cols-[minmax(0,1fr)_minmax(60px,0.45fr)_minmax(0,0.8fr)] text-sm">
      <p className="label pb-1">Values</p>
      <span />
      <p className="label pb-1">Used by</p>
      <ul aria-label="Values" style={{ height }}>
        {flow.sources.map((source) => (
          <Row
            key={source.key}
            dim={dimmed(source.key)}
            onPoint={(inside) => setPointed(inside ? source.key : undefined)}
            onClick={() => source.node && onSelect(source.node)}
            disabled={!source.node}
          >
            <span className="flex min-w-0 items-baseline gap-1.5">
              <span className="truncate font-medium">
                {source.node ? (labels.get(source.node) ?? source.node) : "Input"}
              </span>
              <code className="truncate text-xs text-accent-ink">{source.name}</code>
            </span>
            <span
              className="block truncate font-mono text-[0.7rem] text-ink-3"
              title={preview(source.value, 600)}
            >
              {preview(source.value, 80)}
            </span>
          </Row>
        ))}
      </ul>
      <svg
        aria-hidden
        width="100%"
        height={height}
        viewBox={`0 0 100 ${height}`}
        preserveAspectRatio="none"
        className="overflow-visible"
      >
        {flow.links.map((link) => {
          const from = left.get(link.from)!;
          const to = right.get(link.to)!;
          const bright = lit(link);
          return (
            <path
              key={`${link.from}>${link.to}`}
              d={`M 0 ${from} C 50 ${from}, 50 ${to}, 100 ${to}`}
              fill="none"
              vectorEffect="non-scaling-stroke"
              stroke={bright ? "var(--accent-ink)" : "var(--line-strong)"}
              strokeWidth={bright ? 2 : 1.5}
              opacity={any && !bright ? 0.35 : 1}
            />
          );
        })}
      </svg>
      <ul aria-label="Used by" style={{ height }}>
        {flow.targets.map(({ node, fields }) => (
          <Row
            key={node.id}
            dim={dimmed(`node:${node.id}`)}
            onPoint={(inside) => setPointed(inside ? `node:${node.id}` : undefined)}
            onClick={() => onSelect(node.id)}
          >
            <span className="block truncate font-medium">{node.label}</span>
            <span className="block truncate font-mono text-[0.7rem] text-ink-3">{fields.join(", ")}</span>
          </Row>
        ))}
      </ul>
    </div>
  );
}

function Row({
  dim,
  disabled = false,
  onPoint,
  onClick,
  children,
}: {
  dim: boolean;
  disabled?: boolean;
  onPoint: (inside: boolean) => void;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <li style={{ height: ROW }} className="py-0.5">
      <button
        type="button"
        aria-disabled={disabled}
        onClick={onClick}
        onMouseEnter={() => onPoint(true)}
        onMouseLeave={() => onPoint(false)}
        onFocus={() => onPoint(true)}
        onBlur={() => onPoint(false)}
        className={`h-full w-full rounded-md border border-line bg-panel px-2 text-left leading-4 hover:border-line-strong ${dim ? "opacity-45" : ""}`}
      >
        {children}
      </button>
    </li>
  );
}

function preview(value: unknown, most: number): string {
  if (value === undefined || value === null) return "–";
  if (typeof value === "string") return value.length > most ? `${value.slice(0, most - 1)}…` : value;
  const text = JSON.stringify(value) ?? "";
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
