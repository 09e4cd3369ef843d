/** Past and present runs, of one workflow or of all. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Activity } from "lucide-react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { executions, workflows } from "@/api/calls";
import type { ExecutionSummary } from "@/api/types";
import { Button } from "@/components/Button";
import { LiveMark } from "@/components/LiveMark";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Person } from "@/components/Person";
import { Badge, StatusBadge } from "@/components/Status";
import { Table } from "@/components/Table";
import { Ago, duration, useNow } from "@/components/Time";
import { useSession } from "@/store/session";
import { FilterSelect } from "@/components/FilterSelect";

const STATUSES = ["pending", "running", "waiting", "success", "failed", "cancelled"];

export default function Executions() {
  const { id } = useParams();
  const go = useNavigate();
  const [query, setQuery] = useSearchParams();
  const status = query.get("status") ?? "";
  const since = query.get("since") ?? "";
  const triggeredBy = query.get("triggeredBy") ?? "";
  const me = useSession((session) => session.me);
  const workflow = useQuery({
    queryKey: ["workflow-name", id],
    queryFn: () => workflows.get(id!),
    enabled: id !== undefined,
  });
  const filter = {
    status: status || undefined,
    triggeredBy: triggeredBy || undefined,
    since: sinceOf(since),
  };
  const list = useInfiniteQuery({
    queryKey: ["executions", id ?? "all", status, since, triggeredBy],
    queryFn: ({ pageParam }) => {
      const asked = { ...filter, cursor: pageParam ?? undefined };
      return id ? workflows.executions(id, asked) : executions.list(asked);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor ?? null,
    refetchInterval: 10_000,
  });
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = Boolean(status || since || triggeredBy);

  function set(key: string, value: string): void {
    const next = new URLSearchParams(query);
    if (value) next.set(key, value);
    else next.delete(key);
    setQuery(next, { replace: true });
  }

  return (
    <Page
      title={id ? `Executions of ${workflow.data?.data.name ?? "…"}` : "Executions"}
      actions={
        <>
          <LiveMark />
          {id && (
            <Link
              to={`/workflows/${id}/editor`}
              className="text-sm font-medium text-accent-ink hover:underline"
            >
              Open the editor
            </Link>
          )}
        </>
      }
    >
      <div className="mb-3 flex flex-wrap gap-2">
        <FilterSelect
          label="Status"
          value={status}
          onChange={(value) => set("status", value)}
          choices={STATUSES}
        />
        <FilterSelect
          label="Started"
          value={since}
          onChange={(value) => set("since", value)}
          choices={["1h", "24h", "7d", "30d"]}
          words={{
            "1h": "in the last hour",
            "24h": "in the last day",
            "7d": "in the last week",
            "30d": "in the last month",
          }}
        />
        <FilterSelect
          label="Started by"
          value={triggeredBy}
          onChange={(value) => set("triggeredBy", value)}
          choices={[...(me ? [me.id] : []), "schedule", "webhook", "event"]}
          words={me ? { [me.id]: "me" } : {}}
        />
      </div>
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : rows.length === 0 ? (
        <div className="panel">
          <Empty
            icon={<Activity size={22} />}
            title={filtered ? "No run fits" : "Nothing has run yet"}
            action={
              filtered ? (
                <Button onClick={() => setQuery({}, { replace: true })}>Show all</Button>
              ) : (
                <Button onClick={() => void go(id ? `/workflows/${id}/editor` : "/workflows")}>
                  {id ? "Open the editor" : "Go to the workflows"}
                </Button>
              )
            }
          >
            {!filtered && "Publish a workflow and run it, or test a draft in the editor."}
          </Empty>
        </div>
      ) : (
        <>
          <Table
            label="Executions"
            rows={rows}
            keyOf={(run) => run.id}
            columns={[
              { title: "Status", className: "w-32", cell: (run) => <StatusBadge status={run.status} /> },
              {
                title: "Run",
                className: "min-w-56",
                cell: (run) => (
                  <div>
                    <Link to={`/executions/${run.id}`} className="font-medium hover:underline">
                      {run.workflowName ?? workflow.data?.data.name ?? run.workflowId}
                    </Link>
                    <span className="ml-1.5 text-xs text-ink-3">v{run.version}</span>
                    {run.dryRun && (
                      <span className="ml-1.5">
                        <Badge tone="accent">try only</Badge>
                      </span>
                    )}
                    {run.reason && (
                      <div className="line-clamp-1 max-w-2xl text-xs text-ink-3">{run.reason}</div>
                    )}
                  </div>
                ),
              },
              {
                title: "Started by",
                cell: (run) => (
                  <span className="text-ink-2">
                    <Person id={run.triggeredBy} />
                  </span>
                ),
              },
              { title: "Started", cell: (run) => <Ago at={run.triggeredAt} /> },
              {
                title: "Took",
                className: "text-right whitespace-nowrap tabular-nums",
                cell: (run) => <Took run={run} />,
              },
            ]}
          />
          {list.hasNextPage && (
            <div className="mt-3 text-center">
              <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show older ones
              </Button>
            </div>
          )}
        </>
      )}
    </Page>
  );
}

function Took({ run }: { run: ExecutionSummary }) {
  const now = useNow(1000);
  if (run.duration !== null && run.duration !== undefined) return <>{duration(run.duration)}</>;
  if (!run.startedAt || ["success", "failed", "cancelled"].includes(run.status))
    return <span className="text-ink-3">–</span>;
  return <span className="text-ink-2">{duration(now - new Date(run.startedAt).getTime())}…</span>;
}

function sinceOf(word: string): string | undefined {
  const hours = { "1h": 1, "24h": 24, "7d": 168, "30d": 720 }[word];
  // Whole minutes, so that the same question is asked twice and answered from memory.
  return hours
    ? new Date(Math.floor(Date.now() / 60_000) * 60_000 - hours * 3_600_000).toISOString()
    : undefined;
}
