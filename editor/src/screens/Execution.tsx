/** One run: how it went over time, on the drawing as it was then, node by node, with its logs. */
import { useQuery } from "@tanstack/react-query";
import { ReactFlowProvider } from "@xyflow/react";
import { Tabs } from "radix-ui";
import { useEffect, useMemo, useState } from "react";
import { useParams } from "react-router";
import { misc, workflows } from "@/api/calls";
import type { Execution as Run } from "@/api/types";
import { TabBar } from "@/components/TabBar";
import { Canvas } from "@/components/canvas/Canvas";
import { Gantt } from "@/components/Gantt";
import { Logs } from "@/components/Logs";
import { Failure, Loading } from "@/components/Page";
import { NodeDetail } from "@/components/run/NodeDetail";
import { NodeTable } from "@/components/run/NodeTable";
import { RunDetail } from "@/components/run/RunDetail";
import { RunHeader } from "@/components/run/RunHeader";
import { Scrubber } from "@/components/run/Scrubber";
import { VariableFlow } from "@/components/run/VariableFlow";
import { useNow } from "@/components/Time";
import type { WorkflowNode } from "@/domain/definition";
import { isFinished } from "@/domain/statuses";
import { statusesAt, timeline, type Timeline } from "@/domain/timeline";
import { catalogueOf } from "@/store/catalogue";
import { useExecution } from "@/store/following";
import { useRun } from "@/store/run";
import { useWorkflow } from "@/store/workflow";

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

const VIEWS = [
  ["nodes", "Timeline"],
  ["table", "Nodes"],
  ["flow", "Variable flow"],
  ["logs", "Logs"],
] as const;

const NONE: WorkflowNode[] = [];

function Screen({ run }: { run: Run }) {
  const [nodeId, setNodeId] = useState<string>();
  const [moment, setMoment] = useState<number>();
  const [tab, setTab] = useState("nodes");
  const done = isFinished(run.status);
  const now = useNow(done ? 60_000 : 1000);
  const drawn = useWorkflow((state) => (state.workflowId === `run:${run.id}` ? state.nodes : NONE));
  const line = useMemo(() => (done ? timeline(run, 0) : timeline(run, now, drawn)), [run, done, now, drawn]);
  const node = run.nodeExecutions.find((one) => one.nodeId === nodeId);
  useDrawing(run, line, moment, nodeId);
  useChosenOnCanvas(setNodeId);

  return (
    <main id="main" className="flex h-full flex-col overflow-hidden" tabIndex={-1}>
      <RunHeader run={run} now={now} />
      <div className="flex min-h-0 flex-1 max-lg:flex-col max-lg:overflow-y-auto">
        <section
          aria-label="The drawing"
          className="flex min-h-0 w-[44%] flex-col border-r border-line max-lg:w-full max-lg:min-h-72 max-lg:flex-1"
        >
          <div className="min-h-0 flex-1">
            <Canvas label="The run on the canvas" frozen />
          </div>
          <Scrubber line={line} moment={moment} onChange={setMoment} />
        </section>
        <div className="flex min-w-0 flex-1 flex-col max-lg:min-h-[34rem]">
          <Tabs.Root value={tab} onValueChange={setTab} className="flex min-h-0 flex-[5] flex-col bg-panel">
            <TabBar label="Views of the run" small className="px-3" tabs={VIEWS} />
            <Tabs.Content
              value="nodes"
              data-scrolls
              className="relative min-h-0 flex-1 overflow-auto p-2"
              tabIndex={-1}
            >
              <Gantt line={line} selected={nodeId} onSelect={setNodeId} moment={moment} />
            </Tabs.Content>
            <Tabs.Content value="table" className="min-h-0 flex-1 overflow-auto p-2" tabIndex={-1}>
              <NodeTable run={run} onSelect={setNodeId} />
            </Tabs.Content>
            <Tabs.Content value="flow" className="min-h-0 flex-1 overflow-auto p-3" tabIndex={-1}>
              <VariableFlow run={run} selected={nodeId} onSelect={setNodeId} />
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
            {node ? <NodeDetail node={node} onClose={() => setNodeId(undefined)} /> : <RunDetail run={run} />}
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
  // Only a replay depends on the time line; a run that goes on is drawn as it is, not once a second.
  const replayed = useMemo(
    () => (moment === undefined ? undefined : statusesAt(run, line, moment)),
    [run, line, moment],
  );
  useEffect(() => {
    useRun
      .getState()
      .show(
        run.id,
        new Map(
          run.nodeExecutions.map(({ nodeId: id, status, duration, retryCount }) => [
            id,
            { status: replayed?.get(id) ?? status, duration, retryCount },
          ]),
        ),
      );
  }, [run, replayed]);
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
