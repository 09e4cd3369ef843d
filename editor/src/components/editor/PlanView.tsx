/** What the newest run's dry runs said would happen, for the chosen node or for all of them. */
import { useQuery } from "@tanstack/react-query";
import { executions, workflows } from "@/api/calls";
import type { Plan } from "@/api/types";
import { useWorkflow } from "@/store/workflow";
import { PlanCard } from "../Plan";
import { Ago } from "../Time";

export function PlanView() {
  const workflowId = useWorkflow((state) => state.workflowId);
  const selected = useWorkflow((state) => state.selectedNode);
  const newest = useQuery({
    queryKey: ["executions", "newest", workflowId],
    queryFn: () => workflows.executions(workflowId, { limit: "1" }),
  });
  const id = newest.data?.items[0]?.id;
  const run = useQuery({
    queryKey: ["execution", id],
    queryFn: () => executions.get(id!),
    enabled: id !== undefined,
  });
  const plans = (run.data?.nodeExecutions ?? []).filter((node) => {
    const output = node.output as Plan | null;
    return typeof output === "object" && output !== null && typeof output.planHash === "string";
  });
  const mine = plans.filter((node) => node.nodeId === selected?.id);
  const shown = mine.length ? mine : plans;
  if (shown.length === 0) {
    return (
      <p className="text-ink-2">
        A plan appears here after a dry run. Use Test: with “try only” nothing is changed.
      </p>
    );
  }
  return (
    <div className="flex flex-col gap-3">
      <p className="text-xs text-ink-3">
        From the run <Ago at={run.data?.triggeredAt} />. What will run is planned afresh, and an approval
        holds for exactly what it showed.
      </p>
      {shown.map((node) => (
        <section key={node.nodeId} aria-label={`Plan of ${node.nodeName}`}>
          <h4 className="label mb-1">{node.nodeName}</h4>
          <PlanCard plan={node.output as Plan} />
        </section>
      ))}
    </div>
  );
}
