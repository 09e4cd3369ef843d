/** How often, how well, how long; and whether approvals are answered in time. */
import { useQuery } from "@tanstack/react-query";
import { BarChart3 } from "lucide-react";
import { useSearchParams } from "react-router";
import { misc, workflows } from "@/api/calls";
import type { Metrics as Answer } from "@/api/types";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { statusLook } from "@/components/Status";
import { Table } from "@/components/Table";
import { duration } from "@/components/Time";

const PERIODS = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
] as const;
const ORDER = ["success", "failed", "cancelled", "waiting", "running", "pending"];

export default function Metrics() {
  const [query, setQuery] = useSearchParams();
  const days = query.get("days") ?? "30";
  const workflowId = query.get("workflow") ?? "";
  const since = new Date(
    Math.floor(Date.now() / 3_600_000) * 3_600_000 - Number(days) * 86_400_000,
  ).toISOString();
  const metrics = useQuery({
    queryKey: ["metrics", days, workflowId],
    queryFn: () => misc.metrics({ since, workflowId: workflowId || undefined }),
  });
  const list = useQuery({ queryKey: ["workflows"], queryFn: workflows.list });
  const set = (key: string, value: string): void => {
    const next = new URLSearchParams(query);
    if (value) next.set(key, value);
    else next.delete(key);
    setQuery(next, { replace: true });
  };
  return (
    <Page
      title="Metrics"
      actions={
        <>
          <select
            aria-label="Workflow"
            className="input !w-56"
            value={workflowId}
            onChange={(event) => set("workflow", event.target.value)}
          >
            <option value="">All workflows</option>
            {list.data?.items.map((workflow) => (
              <option key={workflow.id} value={workflow.id}>
                {workflow.name}
              </option>
            ))}
          </select>
          <select
            aria-label="Period"
            className="input !w-auto"
            value={days}
            onChange={(event) => set("days", event.target.value)}
          >
            {PERIODS.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </>
      }
    >
      {metrics.isPending ? (
        <Loading />
      ) : metrics.isError ? (
        <Failure error={metrics.error} retry={() => void metrics.refetch()} />
      ) : metrics.data.totalExecutions === 0 ? (
        <div className="panel">
          <Empty icon={<BarChart3 size={22} />} title="Nothing ran in this time">
            How often runs go well, how long they and their steps take, and whether approvals come in time: it
            is counted from the first run on.
          </Empty>
        </div>
      ) : (
        <Content data={metrics.data} />
      )}
    </Page>
  );
}

function Content({ data }: { data: Answer }) {
  const sla = data.approvalSla;
  const counts = data.byStatus as Record<string, number>;
  return (
    <div className="flex flex-col gap-4">
      <dl className="grid grid-cols-4 gap-3 max-md:grid-cols-2">
        <Figure
          name="Executions"
          value={String(data.totalExecutions)}
          hint={ORDER.filter((status) => counts[status])
            .map((status) => `${counts[status]} ${statusLook(status).word.toLowerCase()}`)
            .join(", ")}
        />
        <Figure name="Success rate" value={percent(data.successRate)} hint="of those that ended" />
        <Figure name="Average time" value={duration(data.averageExecutionTime)} hint="from begin to end" />
        <Figure
          name="Approvals in time"
          value={percent(sla.compliance)}
          hint={`${sla.decidedInTime} in time, ${sla.expired} expired, ${sla.pending} open`}
        />
      </dl>
      <section className="panel p-4">
        <h2 className="label mb-3">Executions by day</h2>
        <Days days={everyDay(data)} />
      </section>
      <div className="grid grid-cols-2 gap-4 max-lg:grid-cols-1">
        <section>
          <h2 className="label mb-1.5">Time by node</h2>
          {data.nodeExecutionTime.length ? (
            <Table
              label="Time by node"
              rows={data.nodeExecutionTime}
              keyOf={(row) => row.nodeId}
              columns={[
                { title: "Node", cell: (row) => <span className="font-mono text-xs">{row.nodeId}</span> },
                { title: "Runs", className: "text-right", cell: (row) => row.count },
                { title: "Failures", className: "text-right", cell: (row) => row.failures || "" },
                {
                  title: "Average",
                  className: "text-right tabular-nums",
                  cell: (row) => duration(row.average),
                },
                {
                  title: "Longest",
                  className: "text-right tabular-nums",
                  cell: (row) => duration(row.longest),
                },
              ]}
            />
          ) : (
            <p className="panel p-4 text-ink-2">Choose one workflow to see the times of its nodes.</p>
          )}
        </section>
        <section>
          <h2 className="label mb-1.5">Who approves, and how soon</h2>
          {sla.byApprover.length ? (
            <Table
              label="Approvers"
              rows={sla.byApprover}
              keyOf={(row) => row.userId}
              columns={[
                { title: "Person", cell: (row) => row.email ?? row.userId },
                { title: "Decisions", className: "text-right", cell: (row) => row.approvals },
                {
                  title: "On average after",
                  className: "text-right tabular-nums",
                  cell: (row) => duration(row.averageSeconds * 1000),
                },
              ]}
            />
          ) : (
            <p className="panel p-4 text-ink-2">Nobody has decided anything in this time.</p>
          )}
        </section>
        <section>
          <h2 className="label mb-1.5">How long approvals take</h2>
          {sla.byWorkflow.length ? (
            <Table
              label="Approvals by workflow"
              rows={sla.byWorkflow}
              keyOf={(row) => row.workflowId}
              columns={[
                { title: "Workflow", cell: (row) => row.name ?? row.workflowId },
                { title: "Decided", className: "text-right", cell: (row) => row.decidedInTime },
                { title: "In time", className: "text-right", cell: (row) => percent(row.compliance) },
                {
                  title: "On average after",
                  className: "text-right tabular-nums",
                  cell: (row) => (row.averageSeconds == null ? "" : duration(row.averageSeconds * 1000)),
                },
              ]}
            />
          ) : (
            <p className="panel p-4 text-ink-2">No approval was asked for in this time.</p>
          )}
        </section>
      </div>
    </div>
  );
}

function Figure({ name, value, hint }: { name: string; value: string; hint: string }) {
  return (
    <div className="panel p-4">
      <dt className="label">{name}</dt>
      <dd className="mt-1 text-2xl font-semibold tracking-tight tabular-nums">{value}</dd>
      <dd className="mt-0.5 line-clamp-2 text-xs text-ink-3">{hint}</dd>
    </div>
  );
}

function Days({ days }: { days: Answer["days"] }) {
  const most = Math.max(...days.map((day) => day.total), 1);
  return (
    <div
      role="img"
      aria-label={days
        .filter((day) => day.total)
        .map((day) => `${day.day}: ${day.total}`)
        .join(", ")}
      className="flex h-36 items-end gap-[3px]"
    >
      {days.map((day) => {
        const counts = day.byStatus as Record<string, number>;
        return (
          <div
            key={day.day}
            title={`${day.day}: ${day.total}`}
            className="flex h-full min-w-0 flex-1 flex-col justify-end overflow-hidden rounded-sm bg-sunken"
          >
            {ORDER.filter((status) => counts[status]).map((status) => (
              <div
                key={status}
                className={statusLook(status).bar}
                style={{ height: `${(counts[status]! / most) * 100}%` }}
              />
            ))}
          </div>
        );
      })}
    </div>
  );
}

/** Days on which nothing ran are part of the picture. */
function everyDay(data: Answer): Answer["days"] {
  const known = new Map(data.days.map((day) => [day.day, day]));
  const result: Answer["days"] = [];
  const last = new Date(data.until).getTime();
  for (let time = new Date(data.since).getTime(); time <= last; time += 86_400_000) {
    const day = new Date(time).toISOString().slice(0, 10);
    result.push(known.get(day) ?? { day, total: 0, byStatus: {}, averageExecutionTime: null });
  }
  const end = new Date(last).toISOString().slice(0, 10);
  if (result.at(-1)?.day !== end)
    result.push(known.get(end) ?? { day: end, total: 0, byStatus: {}, averageExecutionTime: null });
  return result;
}

function percent(value: number | null): string {
  if (value === null) return "–";
  return `${Math.round(value * 1000) / 10} %`;
}
