/** What is wrong, each with the way to it, and a button where the server knows what would mend it. */
import { AlertCircle, AlertTriangle, CheckCircle2, CloudOff, Wrench } from "lucide-react";
import toast from "react-hot-toast";
import type { Problem } from "@/domain/problems";
import { useWorkflow } from "@/store/workflow";
import { Button } from "../Button";

export function ProblemList({ problems }: { problems: readonly Problem[] }) {
  const { byId, setSelectedNode, unchecked, readOnly } = useWorkflow();
  if (problems.length === 0) {
    return unchecked ? (
      <p className="flex items-center gap-2 py-2 text-ink-2">
        <CloudOff size={15} className="text-warn" /> Not checked: the server does not answer.
      </p>
    ) : (
      <p className="flex items-center gap-2 py-2 text-ink-2">
        <CheckCircle2 size={15} className="text-ok" /> Nothing is wrong.
      </p>
    );
  }
  return (
    <ul className="flex flex-col">
      {problems.map((problem, index) => {
        const node = problem.node ? byId.get(problem.node) : undefined;
        return (
          <li
            key={`${problem.code}${problem.node}${problem.field}${index}`}
            className="flex flex-wrap items-start justify-end gap-x-2 border-b border-line last:border-0"
          >
            <button
              type="button"
              className="flex min-w-0 flex-1 basis-56 items-start gap-2 rounded-md px-1.5 py-1.5 text-left hover:bg-sunken disabled:cursor-default"
              disabled={!node}
              onClick={() => node && setSelectedNode(node, problem.field ?? undefined)}
            >
              {problem.severity === "error" ? (
                <AlertCircle size={14} className="mt-0.5 shrink-0 text-danger" aria-label="Error" />
              ) : (
                <AlertTriangle size={14} className="mt-0.5 shrink-0 text-warn" aria-label="Warning" />
              )}
              <span className="min-w-0 flex-1">
                <span className="block">{problem.message}</span>
                {problem.hint && <span className="block text-xs text-ink-2">{problem.hint}</span>}
                {problem.path && problem.path.length > 1 && (
                  <span className="block font-mono text-[0.7rem] text-ink-3">{problem.path.join(" → ")}</span>
                )}
              </span>
              <span className="shrink-0 text-right font-mono text-[0.7rem] text-ink-3">
                {problem.node}
                {problem.field ? `.${problem.field}` : ""}
                {problem.line ? <span className="block">line {problem.line}</span> : null}
              </span>
            </button>
            {problem.fix && !readOnly && <FixButton fix={problem.fix} />}
          </li>
        );
      })}
    </ul>
  );
}

function FixButton({ fix }: { fix: NonNullable<Problem["fix"]> }) {
  const checking = useWorkflow((state) => state.checking);
  const mend = useWorkflow((state) => state.fix);
  return (
    <Button
      className="my-1 shrink-0"
      size="small"
      icon={<Wrench size={12} />}
      disabled={checking}
      onClick={() => {
        if (mend(fix)) toast.success(fix.title, { duration: 2000 });
        else toast.error("The definition has changed since. Look again in a moment.");
      }}
    >
      {fix.title}
    </Button>
  );
}
