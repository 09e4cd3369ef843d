/** Trying expressions: with the newest run's data, and before the first run with made-up data of the right shape. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { executions, expressions, workflows } from "@/api/calls";
import { holesIn } from "@/domain/holes";
import { sampleScope } from "@/domain/sample";
import type { Name } from "@/domain/scope";
import { useWorkflow } from "@/store/workflow";

export interface Trial {
  values: Record<string, unknown>;
  /** Nodes whose output came out of a run. */
  real: ReadonlySet<string>;
  ready: boolean;
}

/** What stands behind each name of a scope. Nothing is asked for while it is not `wanted`. */
export function useTrial(scope: readonly Name[], wanted: boolean): Trial {
  const workflowId = useWorkflow((state) => state.workflowId);
  const newest = useQuery({
    queryKey: ["executions", "newest", workflowId],
    queryFn: () => workflows.executions(workflowId, { limit: "1" }),
    enabled: wanted && workflowId !== "" && !workflowId.startsWith("run:"),
    staleTime: 30_000,
  });
  const id = newest.data?.items[0]?.id;
  const run = useQuery({
    queryKey: ["execution", id],
    queryFn: () => executions.get(id!),
    enabled: wanted && id !== undefined,
    staleTime: 30_000,
  });
  const outputs = useMemo(
    () =>
      new Map(
        (run.data?.nodeExecutions ?? []).flatMap((node) =>
          node.output === null ? [] : [[node.nodeId, node.output] as const],
        ),
      ),
    [run.data],
  );
  const values = useMemo(() => (wanted ? sampleScope(scope, outputs) : {}), [wanted, scope, outputs]);
  const real = useMemo(() => new Set(outputs.keys()), [outputs]);
  return { values, real, ready: id === undefined ? newest.isFetched : run.isFetched };
}

function question(inner: string, trial: Trial, wanted: boolean) {
  return {
    queryKey: ["expression", inner, trial.values],
    queryFn: ({ signal }: { signal: AbortSignal }) => expressions.check(inner, trial.values, signal),
    enabled: wanted && trial.ready,
    retry: false,
    staleTime: 60_000,
  };
}

/** What one expression gives. */
export function useTried(inner: string | undefined, trial: Trial) {
  return useQuery({
    ...question(inner ?? "", trial, inner !== undefined),
    placeholderData: (before) => before,
  });
}

/** A text with its holes filled in, as far as they can be. */
export function useFilled(text: string, trial: Trial, wanted: boolean): string {
  const holes = useMemo(() => holesIn(text).filter((hole) => hole.closed && hole.inner.trim()), [text]);
  const answers = useQueries({
    queries: holes.map((hole) => question(hole.inner.trim(), trial, wanted)),
  });
  let result = "";
  let position = 0;
  holes.forEach((hole, index) => {
    const answer = answers[index]?.data;
    if (!answer?.ok) return;
    const { result: value } = answer;
    result += text.slice(position, hole.start);
    result += typeof value === "string" ? value : JSON.stringify(value);
    position = hole.end;
  });
  return result + text.slice(position);
}

/** What a field gives that is one expression and nothing else. */
export function useValue(field: unknown, trial: Trial, wanted: boolean): unknown {
  const holes = typeof field === "string" ? holesIn(field) : [];
  const only =
    holes.length === 1 && holes[0]!.closed && String(field).trim().startsWith("{{") ? holes[0]! : undefined;
  const answer = useTried(wanted && only?.inner.trim() ? only.inner.trim() : undefined, trial);
  return only ? (answer.data?.ok ? answer.data.result : undefined) : field;
}
