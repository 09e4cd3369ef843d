/** What an expression gives, with the newest run's data; before the first run with made-up data of the right shape. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo } from "react";
import { executions, expressions, workflows } from "@/api/calls";
import { holesIn } from "@/domain/holes";
import { sampleScope } from "@/domain/sample";
import type { Name } from "@/domain/scope";
import { useWorkflow } from "@/store/workflow";

export function ExpressionPreview({ text, scope }: { text: string; scope: readonly Name[] }) {
  const later = useDeferredValue(text);
  const hole = useMemo(() => holesIn(later).find((one) => one.closed && one.inner.trim()), [later]);
  const workflowId = useWorkflow((state) => state.workflowId);
  const newest = useQuery({
    queryKey: ["executions", "newest", workflowId],
    queryFn: () => workflows.executions(workflowId, { limit: "1" }),
    enabled: hole !== undefined && workflowId !== "" && !workflowId.startsWith("run:"),
    staleTime: 30_000,
  });
  const id = newest.data?.items[0]?.id;
  const run = useQuery({
    queryKey: ["execution", id],
    queryFn: () => executions.get(id!),
    enabled: hole !== undefined && id !== undefined,
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
  const values = useMemo(() => sampleScope(scope, outputs), [scope, outputs]);
  const inner = hole?.inner.trim() ?? "";
  const real = [...outputs.keys()].some((name) => inner.includes(name));
  const result = useQuery({
    queryKey: ["expression", inner, values],
    queryFn: ({ signal }) => expressions.check(inner, values, signal),
    enabled: hole !== undefined && (id === undefined ? newest.isFetched : run.isFetched),
    retry: false,
    staleTime: 60_000,
    placeholderData: (before) => before,
  });
  if (!hole || !result.data) return null;
  const { ok, result: value, message, type } = result.data;
  return (
    <p className="flex items-baseline gap-1.5 text-xs text-ink-3" aria-live="polite">
      {ok ? (
        <>
          <span className="min-w-0 truncate font-mono text-ink-2" title={JSON.stringify(value)}>
            = {short(value)}
          </span>
          <span className="shrink-0">{real ? "in the newest run" : "with sample data"}</span>
          {type && <span className="shrink-0">· {type}</span>}
        </>
      ) : (
        <span className="text-danger">{message}</span>
      )}
    </p>
  );
}

function short(value: unknown): string {
  if (Array.isArray(value) && value.length > 1) return `list of ${value.length}`;
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 48 ? `${text.slice(0, 45)}…` : text;
}
