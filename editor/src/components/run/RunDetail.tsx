/** The run as a whole: what it waits for, why it ended, what it was given. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { approvals } from "@/api/calls";
import type { Execution as Run } from "@/api/types";
import { Json } from "../Json";
import { exactTime } from "../Time";

export function RunDetail({ run }: { run: Run }) {
  const waiting = useQuery({
    queryKey: ["approvals", "of", run.id],
    queryFn: () => approvals.list({ executionId: run.id }),
    enabled: run.status === "waiting",
  });
  const open = waiting.data?.items.filter((approval) => approval.status === "pending") ?? [];
  return (
    <div className="flex flex-col gap-3">
      <h2 className="text-base font-semibold">The run</h2>
      {run.reason && <p className="text-ink-2">{run.reason}</p>}
      {run.dispatchError && (
        <p className="rounded-md bg-danger-soft px-2.5 py-2 text-danger">{run.dispatchError}</p>
      )}
      {run.error && (
        <p className="rounded-md bg-danger-soft px-2.5 py-2 break-words whitespace-pre-wrap text-danger">
          {run.error}
        </p>
      )}
      {open.map((approval) => (
        <Link
          key={approval.id}
          to={`/approvals/${approval.id}`}
          className="rounded-md bg-wait-soft px-2.5 py-2 font-medium text-wait hover:underline"
        >
          It waits for an approval: {approval.nodeId}
        </Link>
      ))}
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-1 text-sm">
        {[
          ["Asked for", exactTime(run.triggeredAt)],
          ["Began", run.startedAt ? exactTime(run.startedAt) : "–"],
          ["Ended", run.completedAt ? exactTime(run.completedAt) : "–"],
        ].map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-ink-3">{name}</dt>
            <dd className="tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
      <Json label="Started with" value={run.context} />
      <Json label="Output" value={run.output} />
    </div>
  );
}
