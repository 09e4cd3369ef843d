/** What an expression gives, beside its field. */
import { useDeferredValue, useMemo } from "react";
import { holesIn } from "@/domain/holes";
import type { Name } from "@/domain/scope";
import { useTrial, useTried } from "./trial";

export function ExpressionPreview({ text, scope }: { text: string; scope: readonly Name[] }) {
  const later = useDeferredValue(text);
  const inner = useMemo(
    () =>
      holesIn(later)
        .find((one) => one.closed && one.inner.trim())
        ?.inner.trim(),
    [later],
  );
  const trial = useTrial(scope, inner !== undefined);
  const answer = useTried(inner, trial);
  if (inner === undefined || !answer.data) return null;
  const real = [...trial.real].some((name) => inner.includes(name));
  const { ok, result: value, message, type } = answer.data;
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
