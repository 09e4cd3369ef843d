/** One run: how it went over time, on the drawing as it was then, node by node, with its logs. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ReactFlowProvider } from "@xyflow/react";
import { Ban, ExternalLink, Pause, Play, RotateCw, SkipBack } from "lucide-react";
import { Tabs } from "radix-ui";
import { useEffect, useMemo, useState } from "react";
import toast from "react-hot-toast";
import { Link, useNavigate, useParams } from "react-router";
import { approvals, executions, misc, workflows } from "@/api/calls";
import type { Execution as Run, NodeExecution } from "@/api/types";
import { Button, IconButton } from "@/components/Button";
import { Canvas } from "@/components/canvas/Canvas";
import { Confirm } from "@/components/Dialog";
import { Gantt } from "@/components/Gantt";
import { Json } from "@/components/Json";
import { LiveMark } from "@/components/LiveMark";
import { Logs } from "@/components/Logs";
import { Failure, Loading } from "@/components/Page";
import { Person } from "@/components/Person";
import { PlanCard } from "@/components/Plan";
import { Badge, StatusBadge } from "@/components/Status";
import { Table } from "@/components/Table";
import { Ago, duration, exactTime, useNow } from "@/components/Time";
import { statusesAt, timeline, type Timeline } from "@/domain/timeline";
import { catalogueOf } from "@/store/catalogue";
import { follow } from "@/store/live";
import { useRun } from "@/store/run";
import { useWorkflow } from "@/store/workflow";

const FINISHED = ["success", "failed", "cancelled"];

export default function Execution() {
  const { id = "" } = useParams();
  const run = useExecution(id);
  if (run.isError) return <Failure error={run.error} retry={() => void run.refetch()} />;
  if (!run.data) return <Loading />;
  return (
    <ReactFlowProvider>
      <Screen run={run.data} key={id} />
    </ReactFlowProvider>
  );
}

/** The run, again whenever the server says that something happened; asked now and then in any case. */
function useExecution(id: string) {
  const queries = useQueryClient();
  const run = useQuery({
    queryKey: ["execution", id],
    queryFn: () => executions.get(id),
    refetchInterval: (query) =>
      query.state.data && FINISHED.includes(query.state.data.status) ? false : 5000,
  });
  const known = run.data !== undefined;
  const after = run.data?.liveSeq;
  useEffect(() => {
    if (!known) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = follow(
      `execution:${id}`,
      (event) => {
        if (event.kind === "log") return;
        // Several nodes may settle at once: one question for all of them.
        timer ??= setTimeout(() => {
          timer = undefined;
          void queries.invalidateQueries({ queryKey: ["execution", id] });
        }, 120);
      },
      after,
    );
    return () => {
      stop();
      clearTimeout(timer);
    };
    // The first number is where following begins; later ones follow from the events themselves.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id, known, queries]);
  return run;
}

function Screen({ run }: { run: Run }) {
  const [nodeId, setNodeId] = useState<string>();
  const [moment, setMoment] = useState<number>();
  const [tab, setTab] = useState("nodes");
  const done = FINISHED.includes(run.status);
  const now = useNow(done ? 60_000 : 1000);
  const line = useMemo(() => timeline(run, done ? 0 : now), [run, done, now]);
  const node = run.nodeExecutions.find((one) => one.nodeId === nodeId);
  useDrawing(run, line, moment, nodeId);
  useChosenOnCanvas(setNodeId);

  return (
    <main id="main" className="flex h-full flex-col overflow-hidden" tabIndex={-1}>
      <Header run={run} now={now} />
      <div className="flex min-h-0 flex-1 max-lg:flex-col">
        <section
          aria-label="The drawing"
          className="flex min-h-0 w-[44%] flex-col border-r border-line max-lg:w-full max-lg:flex-1"
        >
          <div className="min-h-0 flex-1">
            <Canvas label="The run on the canvas" frozen />
          </div>
          <Scrubber line={line} moment={moment} onChange={setMoment} />
        </section>
        <div className="flex min-w-0 flex-1 flex-col">
          <Tabs.Root value={tab} onValueChange={setTab} className="flex min-h-0 flex-[5] flex-col bg-panel">
            <Tabs.List
              aria-label="Views of the run"
              className="flex h-8 shrink-0 gap-3 border-b border-line px-3"
            >
              {[
                ["nodes", "Timeline"],
                ["table", "Nodes"],
                ["flow", "Variable flow"],
                ["logs", "Logs"],
              ].map(([value, name]) => (
                <Tabs.Trigger
                  key={value}
                  value={value!}
                  className="-mb-px border-b-2 border-transparent text-xs font-medium text-ink-3 data-[state=active]:border-accent data-[state=active]:text-ink"
                >
                  {name}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            <Tabs.Content value="nodes" className="min-h-0 flex-1 overflow-auto p-2" tabIndex={-1}>
              <Gantt line={line} selected={nodeId} onSelect={setNodeId} moment={moment} />
            </Tabs.Content>
            <Tabs.Content value="table" className="min-h-0 flex-1 overflow-auto p-2" tabIndex={-1}>
              <NodeTable run={run} onSelect={setNodeId} />
            </Tabs.Content>
            <Tabs.Content value="flow" className="min-h-0 flex-1 overflow-auto p-3" tabIndex={-1}>
              <VariableFlow run={run} onSelect={setNodeId} />
            </Tabs.Content>
            <Tabs.Content value="logs" className="min-h-0 flex-1" tabIndex={-1}>
              <Logs executionId={run.id} nodeId={nodeId} live={!done} />
            </Tabs.Content>
          </Tabs.Root>
          <aside
            aria-label="Details"
            className="min-h-0 flex-[4] overflow-y-auto border-t border-line bg-panel p-4"
            tabIndex={0}
          >
            {node ? (
              <NodeDetail run={run} node={node} onClose={() => setNodeId(undefined)} />
            ) : (
              <RunDetail run={run} />
            )}
          </aside>
        </div>
      </div>
    </main>
  );
}

/** The version that ran is drawn, coloured by the run as of the chosen moment. */
function useDrawing(run: Run, line: Timeline, moment: number | undefined, nodeId: string | undefined): void {
  const version = useQuery({
    queryKey: ["version", run.workflowId, run.version],
    queryFn: () => workflows.version(run.workflowId, run.version),
    staleTime: Infinity,
  });
  const types = useQuery({ queryKey: ["node-types"], queryFn: misc.nodeTypes, staleTime: Infinity });
  useEffect(() => {
    if (types.data) useWorkflow.getState().setCatalogue(catalogueOf(types.data.items));
  }, [types.data]);
  useEffect(() => {
    if (!version.data) return;
    const { content, format } = version.data;
    useWorkflow.getState().loadDefinition({ content, format, id: `run:${run.id}`, readOnly: true });
  }, [version.data, run.id]);
  useEffect(() => {
    const at =
      moment === undefined
        ? new Map(run.nodeExecutions.map((one) => [one.nodeId, one.status]))
        : statusesAt(run, line, moment);
    const details = new Map(run.nodeExecutions.map((one) => [one.nodeId, one]));
    useRun
      .getState()
      .show(
        run.id,
        new Map(
          [...at].map(([id, status]) => [
            id,
            { status, duration: details.get(id)?.duration, retryCount: details.get(id)?.retryCount },
          ]),
        ),
      );
  }, [run, line, moment]);
  useEffect(() => () => useRun.getState().clear(), []);
  useEffect(() => {
    const { selectedNode, choose } = useWorkflow.getState();
    if (nodeId && selectedNode?.id !== nodeId) choose([nodeId]);
  }, [nodeId]);
}

function useChosenOnCanvas(onChoose: (nodeId: string | undefined) => void): void {
  useEffect(
    () =>
      useWorkflow.subscribe((state, before) => {
        if (state.selectedNode !== before.selectedNode) onChoose(state.selectedNode?.id);
      }),
    [onChoose],
  );
}

function Header({ run, now }: { run: Run; now: number }) {
  const go = useNavigate();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const done = FINISHED.includes(run.status);
  const cancel = useMutation({
    mutationFn: () => executions.cancel(run.id),
    onSuccess: () => toast.success("It is being cancelled"),
    onError: (error) => toast.error(error.message),
    onSettled: () => queries.invalidateQueries({ queryKey: ["execution", run.id] }),
  });
  const again = useMutation({
    mutationFn: () => {
      const began = (run.context ?? {}) as { context?: unknown; variables?: unknown };
      return workflows.execute(run.workflowId, {
        context: began.context ?? {},
        variables: began.variables ?? {},
      });
    },
    onSuccess: ({ id }) => void go(`/executions/${id}`),
    onError: (error) => toast.error(error.message),
  });
  const took = run.duration ?? (run.startedAt && !done ? now - new Date(run.startedAt).getTime() : null);
  return (
    <header className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-panel px-4 py-2">
      <h1 className="text-base font-semibold">
        <Link to={`/workflows/${run.workflowId}/executions`} className="hover:underline">
          {run.workflowName ?? "Run"}
        </Link>
      </h1>
      <StatusBadge status={run.status} />
      {run.dryRun && <Badge tone="accent">try only</Badge>}
      <span className="text-xs text-ink-2">
        version {run.version} · by <Person id={run.triggeredBy} /> · <Ago at={run.triggeredAt} /> ·{" "}
        {duration(took)}
      </span>
      <LiveMark />
      <div className="ml-auto flex gap-1.5">
        {run.prefectFlowRunId && <PrefectLink id={run.prefectFlowRunId} />}
        {!done && (
          <Button
            weight="danger"
            icon={<Ban size={14} />}
            onClick={() => setAsking(true)}
            disabled={Boolean(run.cancelRequestedAt)}
          >
            {run.cancelRequestedAt ? "Being cancelled…" : "Cancel"}
          </Button>
        )}
        {done && !run.dryRun && (
          <Button icon={<RotateCw size={14} />} onClick={() => again.mutate()} disabled={again.isPending}>
            Run again
          </Button>
        )}
        <Button onClick={() => void go(`/workflows/${run.workflowId}/editor`)}>Editor</Button>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => cancel.mutate()}
        title="Cancel this run?"
        verb="Cancel the run"
        danger
      >
        The step that runs now is stopped where it safely can be; what is done stays done. Nothing is rolled
        back.
      </Confirm>
    </header>
  );
}

/** Where Prefect's own page stands is known to the server's health answer; without it there is only the id. */
function PrefectLink({ id }: { id: string }) {
  const health = useQuery({
    queryKey: ["health"],
    queryFn: () => fetch("/api/health").then((answer) => answer.json() as Promise<Record<string, unknown>>),
    staleTime: Infinity,
  });
  const url =
    typeof health.data?.["prefectUrl"] === "string"
      ? health.data["prefectUrl"]
      : typeof health.data?.["prefectUiUrl"] === "string"
        ? health.data["prefectUiUrl"]
        : undefined;
  if (!url) {
    return (
      <Button
        icon={<ExternalLink size={14} />}
        onClick={() => {
          void navigator.clipboard?.writeText(id);
          toast.success("The id of the flow run in Prefect is copied");
        }}
      >
        Prefect id
      </Button>
    );
  }
  return (
    <a
      className="inline-flex h-[30px] items-center gap-1.5 rounded-md border border-line-strong bg-panel px-2.5 text-sm font-medium hover:bg-sunken"
      href={`${url.replace(/\/$/, "")}/runs/flow-run/${id}`}
      target="_blank"
      rel="noreferrer"
    >
      <ExternalLink size={14} /> Prefect
    </a>
  );
}

function Scrubber({
  line,
  moment,
  onChange,
}: {
  line: Timeline;
  moment: number | undefined;
  onChange: (moment: number | undefined) => void;
}) {
  const [playing, setPlaying] = useState(false);
  const at =
    moment === undefined
      ? line.moments.length - 1
      : Math.max(
          0,
          line.moments.findLastIndex((one) => one <= moment),
        );
  useEffect(() => {
    if (!playing) return;
    const timer = setTimeout(() => {
      if (at + 1 >= line.moments.length) {
        setPlaying(false);
        onChange(undefined);
      } else onChange(line.moments[at + 1]);
    }, 600);
    return () => clearTimeout(timer);
  }, [playing, at, line, onChange]);
  return (
    <div className="flex h-10 shrink-0 items-center gap-2 border-t border-line bg-panel px-3">
      <IconButton label="To the beginning" side="top" onClick={() => onChange(0)}>
        <SkipBack size={14} />
      </IconButton>
      <IconButton
        label={playing ? "Stop" : "Replay"}
        side="top"
        onClick={() => {
          if (!playing && at + 1 >= line.moments.length) onChange(0);
          setPlaying(!playing);
        }}
      >
        {playing ? <Pause size={14} /> : <Play size={14} />}
      </IconButton>
      <input
        type="range"
        aria-label="Moment of the run"
        aria-valuetext={moment === undefined ? "now" : `after ${duration(moment)}`}
        className="flex-1 accent-[var(--accent)]"
        min={0}
        max={line.moments.length - 1}
        step={1}
        value={at}
        onChange={(event) => {
          const step = Number(event.target.value);
          onChange(step >= line.moments.length - 1 ? undefined : line.moments[step]);
        }}
      />
      <span className="w-32 text-right text-xs whitespace-nowrap text-ink-2 tabular-nums">
        {moment === undefined ? "now" : `after ${duration(moment)}`} · step {at + 1}/{line.moments.length}
      </span>
    </div>
  );
}

function NodeTable({ run, onSelect }: { run: Run; onSelect: (nodeId: string) => void }) {
  return (
    <Table
      label="Nodes"
      rows={run.nodeExecutions}
      keyOf={(node) => node.nodeId}
      columns={[
        { title: "Status", cell: (node) => <StatusBadge status={node.status} /> },
        {
          title: "Node",
          cell: (node) => (
            <button
              type="button"
              className="text-left font-medium hover:underline"
              onClick={() => onSelect(node.nodeId)}
            >
              {node.nodeName} <span className="font-mono text-xs font-normal text-ink-3">{node.nodeId}</span>
            </button>
          ),
        },
        { title: "Outcome", cell: (node) => <span className="text-ink-2">{node.branch ?? ""}</span> },
        {
          title: "Why",
          cell: (node) => (
            <span className="line-clamp-2 max-w-xl text-xs text-ink-2">
              {node.reason ?? errorText(node.error)}
            </span>
          ),
        },
        { title: "Retries", className: "text-right", cell: (node) => node.retryCount || "" },
        { title: "Took", className: "text-right tabular-nums", cell: (node) => duration(node.duration) },
      ]}
    />
  );
}

function errorText(error: unknown): string {
  if (error === null || error === undefined) return "";
  if (typeof error === "object" && "message" in error) return String(error.message);
  return typeof error === "string" ? error : JSON.stringify(error);
}

/** Which node's output went into which node's input. */
function VariableFlow({ run, onSelect }: { run: Run; onSelect: (nodeId: string) => void }) {
  const nodes = useWorkflow((state) => state.nodes);
  const ids = new Set(nodes.map((node) => node.id));
  const rows = nodes.flatMap((node) => {
    const text = JSON.stringify(node.data);
    const used = [...text.matchAll(/([A-Za-z][\w]*(?:-\w+)*)\.output(?:\.(\w+))?/g)].filter((match) =>
      ids.has(match[1]!),
    );
    const seen = new Set<string>();
    return used.flatMap((match) => {
      const key = `${match[1]}.${match[2] ?? ""}`;
      if (seen.has(key)) return [];
      seen.add(key);
      const output = run.nodeExecutions.find((one) => one.nodeId === match[1])?.output as
        Record<string, unknown> | null | undefined;
      return [
        { from: match[1]!, field: match[2], to: node.id, value: match[2] ? output?.[match[2]] : output },
      ];
    });
  });
  const inputs = Object.entries(
    ((run.context ?? {}) as { variables?: Record<string, unknown> }).variables ?? {},
  );
  return (
    <div className="flex flex-col gap-1.5 text-sm">
      {inputs.map(([name, value]) => (
        <p key={name} className="font-mono text-xs">
          <span className="text-ink-3">variable</span> {name} = {preview(value)}
        </p>
      ))}
      {rows.map((row) => (
        <div
          key={`${row.from}.${row.field}>${row.to}`}
          className="flex flex-wrap items-center gap-2 rounded-md border border-line px-2 py-1"
        >
          <button
            type="button"
            className="font-mono text-xs hover:underline"
            onClick={() => onSelect(row.from)}
          >
            {row.from}
            {row.field ? `.${row.field}` : ""}
          </button>
          <span className="text-ink-3">→</span>
          <button
            type="button"
            className="font-mono text-xs hover:underline"
            onClick={() => onSelect(row.to)}
          >
            {row.to}
          </button>
          <span className="ml-auto max-w-md truncate font-mono text-xs text-ink-3">{preview(row.value)}</span>
        </div>
      ))}
      {rows.length + inputs.length === 0 && <p className="text-ink-2">No node uses another’s output.</p>}
    </div>
  );
}

function preview(value: unknown): string {
  if (value === undefined) return "not there yet";
  const text = JSON.stringify(value) ?? "";
  return text.length > 90 ? `${text.slice(0, 87)}…` : text;
}

function RunDetail({ run }: { run: Run }) {
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

function NodeDetail({ node, onClose }: { run: Run; node: NodeExecution; onClose: () => void }) {
  const output = node.output as { planHash?: string } | null;
  return (
    <div className="flex flex-col gap-3">
      <div>
        <button type="button" className="text-xs text-accent-ink hover:underline" onClick={onClose}>
          ← The run
        </button>
        <h2 className="text-base font-semibold">{node.nodeName}</h2>
        <p className="font-mono text-xs text-ink-3">{node.nodeId}</p>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <StatusBadge status={node.status} />
        {node.branch && <Badge tone="accent">{node.branch}</Badge>}
        <span className="text-xs text-ink-2">{duration(node.duration)}</span>
        {node.retryCount > 0 && <span className="text-xs text-warn">{node.retryCount} retries</span>}
      </div>
      {node.reason && <p className="rounded-md bg-sunken px-2.5 py-2 text-ink-2">{node.reason}</p>}
      {node.error !== null && node.error !== undefined && (
        <Json label="Error" value={node.error} tone="danger" />
      )}
      {typeof output?.planHash === "string" && <PlanCard plan={output} />}
      <Json label="Output" value={node.output} />
      <Json label="Input" value={node.input} />
    </div>
  );
}
