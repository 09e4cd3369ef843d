/** What run this is, how it stands, and what can be done with it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Ban, Copy, ExternalLink, RotateCw } from "lucide-react";
import { useState } from "react";
import toast from "react-hot-toast";
import { Link, useNavigate } from "react-router";
import { executions, workflows } from "@/api/calls";
import type { Execution as Run } from "@/api/types";
import { isFinished } from "@/domain/statuses";
import { useMay } from "@/store/session";
import { Button } from "../Button";
import { Confirm } from "../Dialog";
import { LiveMark } from "../LiveMark";
import { Person } from "../Person";
import { Badge, StatusBadge } from "../Status";
import { Ago, duration } from "../Time";

export function RunHeader({ run, now }: { run: Run; now: number }) {
  const go = useNavigate();
  const may = useMay("developer");
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const done = isFinished(run.status);
  const cancel = useMutation({
    mutationFn: () => executions.cancel(run.id),
    onSuccess: () => toast.success("It is being cancelled"),
    onError: (error) => toast.error(error.message),
    onSettled: () => queries.invalidateQueries({ queryKey: ["execution", run.id] }),
  });
  const again = useMutation({
    mutationFn: () => {
      const began = (run.context ?? {}) as { context?: unknown; variables?: unknown };
      return workflows.execute(run.workflowId, {
        context: began.context ?? {},
        variables: began.variables ?? {},
      });
    },
    onSuccess: ({ id }) => void go(`/executions/${id}`),
    onError: (error) => toast.error(error.message),
  });
  const took = run.duration ?? (run.startedAt && !done ? now - new Date(run.startedAt).getTime() : null);
  return (
    <header className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-panel px-4 py-2">
      <h1 className="text-base font-semibold">
        <Link to={`/workflows/${run.workflowId}/executions`} className="hover:underline">
          {run.workflowName ?? "Run"}
        </Link>
      </h1>
      <StatusBadge status={run.status} />
      {run.dryRun && <Badge tone="accent">try only</Badge>}
      <span className="text-xs text-ink-2">
        version {run.version} · by <Person id={run.triggeredBy} /> · <Ago at={run.triggeredAt} /> ·{" "}
        {duration(took)}
      </span>
      <LiveMark />
      <div className="ml-auto flex gap-1.5">
        <PrefectLink run={run} />
        {!done && may && (
          <Button
            weight="danger"
            icon={<Ban size={14} />}
            onClick={() => setAsking(true)}
            disabled={Boolean(run.cancelRequestedAt)}
          >
            {run.cancelRequestedAt ? "Being cancelled…" : "Cancel"}
          </Button>
        )}
        {done && !run.dryRun && may && (
          <Button icon={<RotateCw size={14} />} onClick={() => again.mutate()} disabled={again.isPending}>
            Run again
          </Button>
        )}
        <Button onClick={() => void go(`/workflows/${run.workflowId}/editor`)}>Editor</Button>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => cancel.mutate()}
        title="Cancel this run?"
        verb="Cancel the run"
        danger
      >
        The step that runs now is stopped where it safely can be; what is done stays done. Nothing is rolled
        back.
      </Confirm>
    </header>
  );
}

/** Prefect's own page of the run; where the server does not know it there is still the id. */
function PrefectLink({ run }: { run: Run }) {
  const id = run.prefectFlowRunId;
  if (!id) return null;
  if (!run.prefectUrl) {
    return (
      <Button
        icon={<Copy size={14} />}
        onClick={() => {
          void navigator.clipboard?.writeText(id);
          toast.success("The id of the flow run in Prefect is copied");
        }}
      >
        Prefect id
      </Button>
    );
  }
  return (
    <a
      className="inline-flex h-[30px] items-center gap-1.5 rounded-md border border-line-strong bg-panel px-2.5 text-sm font-medium hover:bg-sunken"
      href={run.prefectUrl}
      target="_blank"
      rel="noreferrer"
    >
      <ExternalLink size={14} /> Prefect
    </a>
  );
}
