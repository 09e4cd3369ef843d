/** An edge: its way, and the label of the outcome that it follows. */
import { BaseEdge, EdgeLabelRenderer, getBezierPath, useStore, type EdgeProps } from "@xyflow/react";
import { memo } from "react";
import { FAILED } from "@/domain/nodeTypes";

const INK: Record<string, string> = {
  Failed: "var(--danger)",
  Rejected: "var(--danger)",
  No: "var(--ink-3)",
  Expired: "var(--warn)",
  Approved: "var(--ok)",
  Yes: "var(--ok)",
};

export const FlowEdge = memo(function FlowEdge({
  id,
  sourceX,
  sourceY,
  targetX,
  targetY,
  sourcePosition,
  targetPosition,
  label,
  selected,
  markerEnd,
  data,
}: EdgeProps) {
  const near = useStore((state) => state.transform[2] > 0.45);
  const [path, x, y] = getBezierPath({
    sourceX,
    sourceY,
    targetX,
    targetY,
    sourcePosition,
    targetPosition,
    curvature: 0.3,
  });
  const text = typeof label === "string" ? label : "";
  const ink = INK[text] ?? "var(--ink-3)";
  const live = data?.["live"];
  return (
    <>
      <BaseEdge
        id={id}
        path={path}
        interactionWidth={18}
        {...(markerEnd ? { markerEnd } : {})}
        style={{
          stroke: selected
            ? "var(--accent-ink)"
            : text === FAILED || text === "Rejected"
              ? "var(--danger)"
              : live === true
                ? "var(--ok)"
                : "var(--line-strong)",
          strokeWidth: selected ? 2.5 : 1.75,
          ...(text === FAILED ? { strokeDasharray: "5 4" } : {}),
          ...(live === false ? { opacity: 0.35 } : {}),
        }}
      />
      {text && near && (
        <EdgeLabelRenderer>
          <span
            className="pointer-events-none absolute rounded-full border border-line bg-panel px-1.5 text-[0.68rem] font-medium"
            style={{ transform: `translate(-50%,-50%) translate(${x}px,${y}px)`, color: ink }}
          >
            {text}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
