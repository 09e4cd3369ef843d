/** One node on the canvas. It is told its id alone and reads the rest by it, so that it is drawn when it changes and not otherwise. */
import { Handle, Position, type NodeProps } from "@xyflow/react";
import { AlertCircle, AlertTriangle, Ban, RotateCcw } from "lucide-react";
import { memo } from "react";
import { FAILED, outcomesOf, typeOf } from "@/domain/nodeTypes";
import { BRANCH_HEIGHT, branchShare, HEAD_HEIGHT } from "@/domain/placing";
import { useRun } from "@/store/run";
import { triggerOf, useWorkflow } from "@/store/workflow";
import { statusLook, StatusIcon } from "../Status";
import { nodeLook } from "./nodeLook";

const RING: Record<string, string> = {
  running: "border-run running-ring",
  waiting: "border-wait",
  success: "border-ok",
  failed: "border-danger",
  unknown: "border-warn",
};

export const NodeCard = memo(function NodeCard({ id, selected }: NodeProps) {
  const node = useWorkflow((state) => state.byId.get(id));
  const catalogue = useWorkflow((state) => state.catalogue);
  const trigger = useWorkflow((state) => triggerOf(state.raw));
  const problems = useWorkflow((state) => state.nodeProblems.get(id));
  const run = useRun((state) => state.statuses.get(id));
  const replaying = useRun((state) => state.executionId !== null);
  const failedUsed = useWorkflow((state) => state.caught.has(id));
  if (!node) return null;
  const type = typeOf(catalogue, node, trigger);
  const { icon: Icon, ink, soft } = nodeLook(node.type, type?.variant);
  const outcomes = outcomesOf(type);
  const branches = type?.branches ?? [];
  const worst = problems?.some((problem) => problem.severity === "error")
    ? "error"
    : problems?.length
      ? "warning"
      : undefined;
  const disabled = node.data["disabled"] === true;
  const dim = disabled || (replaying && (!run || run.status === "skipped" || run.status === "pending"));
  const border = run
    ? (RING[run.status] ?? "border-line-strong")
    : worst === "error"
      ? "border-danger"
      : selected
        ? "border-accent"
        : "border-line-strong";

  return (
    <div
      className={`node-card group relative h-full w-full rounded-lg border bg-panel ${border} ${selected ? "ring-2 ring-accent/40" : ""} ${dim ? "opacity-60" : ""}`}
    >
      <div className="flex items-center gap-2.5 px-2.5" style={{ height: HEAD_HEIGHT - 2 }}>
        <span
          className={`node-icon flex size-8 shrink-0 items-center justify-center rounded-md ${ink} ${soft}`}
        >
          <Icon size={16} />
        </span>
        <span className="near-only min-w-0 flex-1">
          <span
            dir="auto"
            title={node.label}
            className={`block truncate text-sm leading-4.5 font-medium ${disabled ? "line-through" : ""}`}
          >
            {node.label}
          </span>
          <span className="block truncate font-mono text-[0.68rem] leading-4 text-ink-3">{node.id}</span>
        </span>
        {disabled && <Ban size={14} className="near-only shrink-0 text-ink-3" aria-label="Disabled" />}
        {run ? (
          <span className="near-only flex shrink-0 items-center gap-1" title={statusLook(run.status).word}>
            {Boolean(run.retryCount) && (
              <span className="flex items-center text-[0.68rem] text-warn">
                <RotateCcw size={10} />
                {run.retryCount}
              </span>
            )}
            <StatusIcon status={run.status} size={16} />
            <span className="sr-only">{statusLook(run.status).word}</span>
          </span>
        ) : (
          worst && (
            <span
              className={`near-only flex shrink-0 items-center gap-0.5 rounded-full px-1 text-[0.68rem] font-semibold ${worst === "error" ? "bg-danger-soft text-danger" : "bg-warn-soft text-warn"}`}
              title={problems?.map((problem) => problem.message).join("\n")}
            >
              {worst === "error" ? <AlertCircle size={12} /> : <AlertTriangle size={12} />}
              {problems?.length}
              <span className="sr-only">{worst === "error" ? " errors" : " warnings"}</span>
            </span>
          )
        )}
      </div>
      {branches.length > 0 && (
        <div className="near-only flex border-t border-line" style={{ height: BRANCH_HEIGHT - 1 }}>
          {branches.map((branch) => (
            <span
              key={branch}
              className="flex flex-1 items-center justify-center border-r border-line/60 text-[0.7rem] text-ink-2 last:border-0"
            >
              {branch}
            </span>
          ))}
        </div>
      )}
      {!type?.starts && node.type !== "trigger" && (
        <Handle type="target" position={Position.Top} id="in" role="img" aria-label={`Into ${node.label}`} />
      )}
      {outcomes
        .filter((outcome) => outcome !== FAILED)
        .map((outcome, index, ways) => (
          <Handle
            key={outcome || "out"}
            type="source"
            position={Position.Bottom}
            id={outcome || "out"}
            data-outcome={outcome}
            style={{ left: `${branchShare(index, ways.length) * 100}%` }}
            role="img"
            aria-label={outcome ? `${outcome} of ${node.label}` : `After ${node.label}`}
          />
        ))}
      {outcomes.includes(FAILED) && (
        <>
          <Handle
            type="source"
            position={Position.Right}
            id={FAILED}
            data-outcome={FAILED}
            style={{ top: HEAD_HEIGHT / 2 }}
            className={failedUsed || selected ? "" : "!opacity-0 group-hover:!opacity-100"}
            role="img"
            aria-label={`Failed of ${node.label}`}
          />
          <span
            aria-hidden
            style={{ top: HEAD_HEIGHT / 2 }}
            className={`pointer-events-none absolute left-full mt-1 ml-1.5 text-[0.68rem] text-danger ${selected && !failedUsed ? "" : "hidden group-hover:block"}`}
          >
            Failed
          </span>
        </>
      )}
    </div>
  );
});
