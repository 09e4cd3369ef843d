/** The last runs, oldest first: one bar each. */
import { Link } from "react-router";
import type { WorkflowSummary } from "@/api/types";
import { statusLook } from "../Status";
import { Ago, exactTime } from "../Time";

export function Strip({ workflow }: { workflow: WorkflowSummary }) {
  const runs = workflow.lastExecutions ?? [];
  if (runs.length === 0) return <span className="text-xs text-ink-3">never run</span>;
  return (
    <span className="flex items-center gap-[3px]">
      {[...runs].reverse().map((run) => (
        <Link
          key={run.id}
          to={`/executions/${run.id}`}
          aria-label={`${statusLook(run.status).word}, ${exactTime(run.triggeredAt)}`}
          title={`${statusLook(run.status).word}, ${exactTime(run.triggeredAt)}`}
          className={`h-4 w-2 rounded-[2px] ${statusLook(run.status).bar} hover:opacity-70`}
        />
      ))}
      <span className="ml-1.5 text-xs">
        <Ago at={runs[0]!.triggeredAt} />
      </span>
    </span>
  );
}
