/** Before a version is made: what it does differently, in words, as text and as code. */
import { useQuery } from "@tanstack/react-query";
import { Tabs } from "radix-ui";
import { lazy, Suspense, useMemo, useState } from "react";
import toast from "react-hot-toast";
import { workflows } from "@/api/calls";
import { ApiError } from "@/api/http";
import { compare, type Change } from "@/domain/compare";
import { readPlain } from "@/domain/read";
import { isMap, type PlainMap } from "@/domain/tree";
import { useSaving } from "@/store/saving";
import { useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { FieldFrame } from "../Field";
import { Loading } from "../Page";
import { Badge } from "../Status";

const DiffView = lazy(() => import("./DiffView"));
const TONE = { high: "danger", medium: "warn", low: "mute" } as const;
const SIGN = { added: "+", removed: "−", changed: "~" } as const;

export function PublishDialog({ onClose }: { onClose: () => void }) {
  const workflow = useSaving((state) => state.workflow);
  const problems = useWorkflow((state) => state.problems);
  const source = useWorkflow((state) => state.source);
  const catalogue = useWorkflow((state) => state.catalogue);
  const raw = useWorkflow((state) => state.raw);
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
  const changes = useMemo(
    () => compare(plainOf(old?.content, old?.format), raw, catalogue),
    [old, raw, catalogue],
  );
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
          <Tabs.Root defaultValue="words">
            <Tabs.List aria-label="Differences" className="flex gap-4 border-b border-line">
              {[
                ["words", `Changes (${changes.length})`],
                ["text", "Definition"],
                ["python", "Prefect code"],
              ].map(([value, name]) => (
                <Tabs.Trigger
                  key={value}
                  value={value!}
                  className="-mb-px h-8 border-b-2 border-transparent text-sm font-medium text-ink-3 data-[state=active]:border-accent data-[state=active]:text-ink"
                >
                  {name}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            <div className="h-[38vh] overflow-auto">
              <Tabs.Content value="words" tabIndex={-1}>
                <ChangeList changes={changes} />
              </Tabs.Content>
              <Suspense fallback={<Loading rows={3} />}>
                <Tabs.Content value="text" className="h-full" tabIndex={-1}>
                  <DiffView
                    label="Difference of the definition"
                    before={old?.content ?? ""}
                    after={definition.content}
                    language={definition.format}
                  />
                </Tabs.Content>
                <Tabs.Content value="python" className="h-full" tabIndex={-1}>
                  <DiffView
                    label="Difference of the generated flow"
                    before={old?.source ?? ""}
                    after={source ?? ""}
                    language="python"
                  />
                </Tabs.Content>
              </Suspense>
            </div>
          </Tabs.Root>
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

export function ChangeList({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0)
    return (
      <p className="py-4 text-ink-2">
        What runs does not change; only places, comments or the way of writing do.
      </p>
    );
  return (
    <ul className="py-1" aria-label="Changes in words">
      {changes.map((change, index) => (
        <li key={index} className="flex items-start gap-2.5 border-b border-line py-1.5 last:border-0">
          <span aria-hidden className="w-3 text-center font-mono text-ink-3">
            {SIGN[change.kind]}
          </span>
          <span className="min-w-0 flex-1 break-words">{change.text}</span>
          <Badge tone={TONE[change.risk]}>
            {change.risk === "high" ? "look twice" : change.risk === "medium" ? "notable" : "minor"}
          </Badge>
        </li>
      ))}
    </ul>
  );
}

function plainOf(text: string | undefined, format: "yaml" | "json" = "yaml"): PlainMap {
  if (!text) return {};
  try {
    const plain = readPlain(text, format);
    return isMap(plain) ? plain : {};
  } catch {
    return {};
  }
}
