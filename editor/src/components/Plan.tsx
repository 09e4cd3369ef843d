/** Exactly what would run: files, statements, rows, locks, warnings. */
import { AlertTriangle, Lock, RotateCcw, ShieldCheck } from "lucide-react";
import type { Plan } from "@/api/types";
import { Badge } from "./Status";
import { duration } from "./Time";

export function PlanCard({ plan }: { plan: Plan }) {
  const statements = plan.statements ?? [];
  return (
    <article className="rounded-lg border border-line">
      <header className="flex flex-wrap items-center gap-2 border-b border-line bg-sunken/60 px-3 py-1.5 text-sm">
        <span className="font-medium">
          {plan.migrations?.length ?? 0} {plan.migrations?.length === 1 ? "migration" : "migrations"}
        </span>
        {plan.tool && <Badge>{plan.tool}</Badge>}
        {plan.destructive && (
          <Badge tone="danger">
            <AlertTriangle size={11} /> destructive
          </Badge>
        )}
        {plan.rollbackRehearsed && (
          <Badge tone="ok">
            <RotateCcw size={11} /> rollback rehearsed
          </Badge>
        )}
        {plan.method && <span className="text-xs text-ink-3">tried in a {plan.method}</span>}
        {plan.planHash && (
          <span
            className="ml-auto flex items-center gap-1 font-mono text-[0.7rem] text-ink-3"
            title={plan.planHash}
          >
            <ShieldCheck size={12} /> {plan.planHash.replace("sha256:", "").slice(0, 12)}
          </span>
        )}
      </header>
      {(plan.migrations?.length ?? 0) > 0 && (
        <ul className="flex flex-wrap gap-1 border-b border-line px-3 py-2">
          {plan.migrations!.map((migration) => (
            <li
              key={migration.id}
              className="rounded bg-sunken px-1.5 font-mono text-xs leading-5"
              title={migration.checksum ?? undefined}
            >
              {migration.name}
            </li>
          ))}
        </ul>
      )}
      {statements.length > 0 && (
        <ol>
          {statements.map((statement, index) => (
            <li
              key={index}
              className={`border-b border-line px-3 py-2 last:border-0 ${statement.destructive ? "border-l-2 border-l-danger" : ""}`}
            >
              <pre
                tabIndex={0}
                aria-label={`Statement ${index + 1}`}
                className="max-h-48 overflow-auto font-mono text-xs leading-4.5 whitespace-pre-wrap"
              >
                {statement.sql}
              </pre>
              <div className="mt-1 flex flex-wrap gap-x-3 gap-y-1 text-xs text-ink-3">
                {statement.migration && <span>{statement.migration}</span>}
                {statement.rows !== null && statement.rows !== undefined && (
                  <span>{statement.rows} rows</span>
                )}
                {statement.milliseconds !== undefined && <span>{duration(statement.milliseconds)}</span>}
                {(statement.locks?.length ?? 0) > 0 && (
                  <span className="flex items-center gap-1 text-warn">
                    <Lock size={11} /> {statement.locks!.join(", ")}
                  </span>
                )}
                {(statement.rewrites?.length ?? 0) > 0 && (
                  <span className="text-warn">rewrites {statement.rewrites!.join(", ")}</span>
                )}
                {statement.warnings?.map((warning) => (
                  <span key={warning} className="text-warn">
                    {warning}
                  </span>
                ))}
              </div>
            </li>
          ))}
        </ol>
      )}
      {plan.warnings?.map((warning) => (
        <p key={warning} className="flex gap-1.5 border-t border-line px-3 py-1.5 text-xs text-warn">
          <AlertTriangle size={12} className="mt-0.5 shrink-0" /> {warning}
        </p>
      ))}
    </article>
  );
}
