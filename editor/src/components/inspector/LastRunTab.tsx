/** What this node did in the newest run. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { executions, workflows } from "@/api/calls";
import type { WorkflowNode } from "@/domain/definition";
import { useRun } from "@/store/run";
import { useWorkflow } from "@/store/workflow";
import { Json } from "../Json";
import { StatusBadge } from "../Status";
import { Ago, duration } from "../Time";

export function LastRunTab({ node }: { node: WorkflowNode }) {
  const workflowId = useWorkflow((state) => state.workflowId);
  const shown = useRun((state) => state.executionId);
  const newest = useQuery({
    queryKey: ["executions", "newest", workflowId],
    queryFn: () => workflows.executions(workflowId, { limit: "1" }),
    enabled: workflowId !== "" && !shown,
  });
  const id = shown ?? newest.data?.items[0]?.id;
  const run = useQuery({
    queryKey: ["execution", id],
    queryFn: () => executions.get(id!),
    enabled: id !== undefined,
  });
  const done = run.data?.nodeExecutions.find((execution) => execution.nodeId === node.id);
  if (!id && !newest.isPending)
    return <p className="text-ink-2">This workflow has never run. Test it with sample data.</p>;
  if (!done)
    return (
      <p className="text-ink-2">{run.isPending ? "Loading…" : "This node took no part in the newest run."}</p>
    );
  return (
    <div className="flex flex-col gap-3">
      <div className="flex items-center gap-2">
        <StatusBadge status={done.status} />
        <span className="text-xs text-ink-2">{duration(done.duration)}</span>
        <Link to={`/executions/${id}`} className="ml-auto text-xs text-accent-ink hover:underline">
          <Ago at={run.data?.triggeredAt} /> · open
        </Link>
      </div>
      {done.reason && <p className="text-ink-2">{done.reason}</p>}
      {done.error !== null && done.error !== undefined && (
        <Json label="Error" value={done.error} tone="danger" />
      )}
      <Json label="Output" value={done.output} />
      <Json label="Input" value={done.input} />
    </div>
  );
}
