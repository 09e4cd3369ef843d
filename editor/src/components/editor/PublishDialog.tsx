/** Before a version is made: what it does differently. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import toast from "react-hot-toast";
import { workflows } from "@/api/calls";
import { ApiError } from "@/api/http";
import { useSaving } from "@/store/saving";
import { useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { FieldFrame } from "../Field";
import { Loading } from "../Page";
import { Differences, NOTHING } from "./Differences";

export function PublishDialog({ onClose }: { onClose: () => void }) {
  const workflow = useSaving((state) => state.workflow);
  const problems = useWorkflow((state) => state.problems);
  const source = useWorkflow((state) => state.source);
  const definition = useWorkflow((state) => state.definition);
  const publish = useWorkflow((state) => state.publishWorkflow);
  const [changelog, setChangelog] = useState("");
  const [busy, setBusy] = useState(false);
  const live = workflow?.isPublished ? workflow.publishedVersion : null;
  const before = useQuery({
    queryKey: ["version", workflow?.id, live],
    queryFn: () => workflows.version(workflow!.id, live!),
    enabled: typeof live === "number",
  });
  const old = before.data;
  const draft = useMemo(() => ({ ...definition, source }), [definition, source]);
  const warnings = problems.filter((problem) => problem.severity === "warning");
  const errors = problems.filter((problem) => problem.severity === "error");
  // What was changed a moment ago has not been looked at yet, and the code is still that of before.
  const checking = useWorkflow(
    (state) => state.checking || state.definition.content !== state.history.now.text,
  );
  const waiting = checking || (typeof live === "number" && before.isPending);

  async function go(): Promise<void> {
    setBusy(true);
    try {
      await publish({ ...(changelog ? { changelog } : {}), acknowledge: warnings.length > 0 });
      const made = useSaving.getState().workflow;
      if (useSaving.getState().conflict) return onClose();
      toast.success(`Version ${made?.publishedVersion} is published`);
      if (made?.inFlight?.length)
        toast(`${made.inFlight.length} runs of earlier versions end as they began.`);
      setChangelog("");
      onClose();
    } catch (error) {
      toast.error(
        error instanceof ApiError && error.status === 422
          ? "The server found problems; they are listed below the canvas."
          : (error as Error).message,
      );
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog
      open
      onClose={onClose}
      width="max-w-4xl"
      title={live ? "Publish a new version" : "Publish"}
      description={
        live
          ? `Version ${live} runs now. Runs that have begun end as they began.`
          : "From now on it can be started. The first version cannot be changed afterwards, only followed by a second."
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button weight="primary" disabled={busy || waiting || errors.length > 0} onClick={() => void go()}>
            {busy ? "Publishing…" : "Publish"}
          </Button>
        </>
      }
    >
      {waiting ? (
        <Loading />
      ) : (
        <div className="flex flex-col gap-3">
          {errors.length > 0 && (
            <ul role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-sm text-danger">
              {errors.map((problem, index) => (
                <li key={index}>{problem.message}</li>
              ))}
            </ul>
          )}
          {warnings.length > 0 && (
            <ul className="rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
              {warnings.map((warning, index) => (
                <li key={index}>{warning.message}</li>
              ))}
            </ul>
          )}
          <div className="flex h-[40vh] flex-col">
            <Differences before={old ?? NOTHING} after={draft} />
          </div>
          <FieldFrame label="What changed, for those who read the history">
            {({ id }) => (
              <textarea
                id={id}
                rows={2}
                className="input"
                value={changelog}
                onChange={(event) => setChangelog(event.target.value)}
              />
            )}
          </FieldFrame>
        </div>
      )}
    </Dialog>
  );
}
