/** One node of a run: input, output, error, and the reason for a skip. */
import type { NodeExecution } from "@/api/types";
import { Json } from "../Json";
import { PlanCard } from "../Plan";
import { Badge, StatusBadge } from "../Status";
import { duration } from "../Time";
import { errorText } from "./errorText";

export function NodeDetail({ node, onClose }: { node: NodeExecution; onClose: () => void }) {
  const output = node.output as { planHash?: string } | null;
  return (
    <div className="flex flex-col gap-3">
      <div>
        <button type="button" className="text-xs text-accent-ink hover:underline" onClick={onClose}>
          ← The run
        </button>
        <h2 className="text-base font-semibold">{node.nodeName}</h2>
        <p className="font-mono text-xs text-ink-3">{node.nodeId}</p>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <StatusBadge status={node.status} />
        {node.branch && <Badge tone="accent">{node.branch}</Badge>}
        <span className="text-xs text-ink-2">{duration(node.duration)}</span>
        {node.retryCount > 0 && <span className="text-xs text-warn">{node.retryCount} retries</span>}
      </div>
      {node.reason && <p className="rounded-md bg-sunken px-2.5 py-2 text-ink-2">{node.reason}</p>}
      {node.error !== null && node.error !== undefined && (
        <p className="rounded-md bg-danger-soft px-2.5 py-2 break-words whitespace-pre-wrap text-danger">
          {errorText(node.error)}
        </p>
      )}
      {typeof output?.planHash === "string" && <PlanCard plan={output} />}
      <Json label="Output" value={node.output} />
      <Json label="Input" value={node.input} />
      {node.error !== null && typeof node.error === "object" && (
        <Json label="Error in full" value={node.error} />
      )}
    </div>
  );
}
