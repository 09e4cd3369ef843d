/** The logs of the run that is shown, or of the newest one. */
import { useQuery } from "@tanstack/react-query";
import { workflows } from "@/api/calls";
import { useRun } from "@/store/run";
import { useWorkflow } from "@/store/workflow";
import { Logs } from "../Logs";

export function NewestLogs() {
  const workflowId = useWorkflow((state) => state.workflowId);
  const selected = useWorkflow((state) => state.selectedNode?.id);
  const shown = useRun((state) => state.executionId);
  const newest = useQuery({
    queryKey: ["executions", "newest", workflowId],
    queryFn: () => workflows.executions(workflowId, { limit: "1" }),
    refetchInterval: 10_000,
  });
  const run = newest.data?.items[0];
  const id = shown ?? run?.id;
  if (!id) return <p className="p-3 text-ink-2">Logs appear here when the workflow has run.</p>;
  return (
    <Logs
      executionId={id}
      nodeId={selected}
      live={!run || !["success", "failed", "cancelled"].includes(run.status)}
    />
  );
}
