/** The drawing: nodes are dragged, connected, chosen and moved here. */
import {
  Background,
  BackgroundVariant,
  MiniMap,
  ReactFlow,
  useReactFlow,
  useStore,
  type Connection,
  type Edge,
  type EdgeChange,
  type Node,
  type NodeChange,
} from "@xyflow/react";
import { Maximize, Map as MapIcon, Minus, Plus } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState, type DragEvent } from "react";
import toast from "react-hot-toast";
import type { Position, WorkflowEdge } from "@/domain/definition";
import { refusal } from "@/domain/graph";
import { edgeLabelFor, outcomeOf, typeOf } from "@/domain/nodeTypes";
import { GRID, HEAD_HEIGHT, NODE_WIDTH } from "@/domain/placing";
import { usePreferences } from "@/store/preferences";
import { useRun } from "@/store/run";
import { triggerOf, useWorkflow } from "@/store/workflow";
import { addFromPalette, PALETTE_MIME } from "../editor/adding";
import { IconButton } from "../Button";
import { FlowEdge } from "./FlowEdge";
import { NodeCard } from "./NodeCard";
import { Shapes } from "./shapes";
import { useFirstView } from "./useFirstView";

const NODE_TYPES = { step: NodeCard };
const EDGE_TYPES = { flow: FlowEdge };
const SNAP: [number, number] = [GRID, GRID];
/** With more nodes than this only those in sight are drawn. */
const LARGE = 60;

export function Canvas({ label = "Workflow canvas", frozen = false }: { label?: string; frozen?: boolean }) {
  const nodes = useWorkflow((state) => state.nodes);
  const edges = useWorkflow((state) => state.edges);
  const byId = useWorkflow((state) => state.byId);
  const positions = useWorkflow((state) => state.positions);
  const selection = useWorkflow((state) => state.selection);
  const catalogue = useWorkflow((state) => state.catalogue);
  const trigger = useWorkflow((state) => triggerOf(state.raw));
  const { minimap, set } = usePreferences();
  const [dragged, setDragged] = useState<Record<string, Position>>({});
  const shapes = useRef(new Shapes());
  const edgeShapes = useRef(new Shapes());
  const flow = useReactFlow();
  const far = useStore((state) => state.transform[2] < 0.4);
  const live = useLiveEdges();

  // The cache lives as long as the canvas; React may draw twice, which does no harm to it.
  const settledNodes = useMemo(
    () => shapes.current.nodesFor(nodes, positions, selection, catalogue, trigger),
    [nodes, positions, selection, catalogue, trigger],
  );
  const shownNodes = useMemo(() => {
    if (Object.keys(dragged).length === 0) return settledNodes;
    return settledNodes.map((node) => (dragged[node.id] ? { ...node, position: dragged[node.id]! } : node));
  }, [settledNodes, dragged]);
  const shownEdges = useMemo(
    () => edgeShapes.current.edgesFor(edges, byId, selection, catalogue, trigger, live),
    [edges, byId, selection, catalogue, trigger, live],
  );

  const host = useRef<HTMLDivElement>(null);
  useFirstView(host, LARGE);

  // What is chosen elsewhere, in the text or in a list, comes into view.
  const chosen = useWorkflow((state) => state.selectedNode?.id);
  useEffect(() => {
    const place = chosen ? useWorkflow.getState().positions[chosen] : undefined;
    if (!place) return;
    const bring = (): void => {
      const box = host.current?.getBoundingClientRect();
      if (!box) return;
      const at = flow.flowToScreenPosition({ x: place.x + NODE_WIDTH / 2, y: place.y + HEAD_HEIGHT / 2 });
      const inside =
        at.x > box.left + 40 && at.x < box.right - 40 && at.y > box.top + 24 && at.y < box.bottom - 24;
      if (!inside)
        void flow.setCenter(place.x + NODE_WIDTH / 2, place.y + HEAD_HEIGHT / 2, { zoom: flow.getZoom() });
    };
    if (!host.current?.matches(":active")) return bring();
    // Not while it is pressed: the click would end beside it, on the canvas, and choose nothing.
    const released = (): void => void setTimeout(bring, 0);
    window.addEventListener("pointerup", released, { once: true });
    return () => window.removeEventListener("pointerup", released);
  }, [chosen, flow]);

  const onNodesChange = useCallback((changes: NodeChange<Node>[]) => {
    const store = useWorkflow.getState();
    const moving: Record<string, Position> = {};
    const settled: Record<string, Position> = {};
    let chosen: Set<string> | undefined;
    for (const change of changes) {
      if (change.type === "select") {
        chosen ??= new Set(store.selection);
        if (change.selected) chosen.add(change.id);
        else chosen.delete(change.id);
      } else if (change.type === "position" && change.position) {
        (change.dragging ? moving : settled)[change.id] = change.position;
      }
    }
    if (chosen) store.choose(chosen);
    if (Object.keys(moving).length) setDragged((before) => ({ ...before, ...moving }));
    if (Object.keys(settled).length) {
      setDragged({});
      const moved = Object.entries(settled).filter(([id, place]) => {
        const now = store.positions[id];
        return (
          now && (Math.round(now.x) !== Math.round(place.x) || Math.round(now.y) !== Math.round(place.y))
        );
      });
      // Arrow keys come one by one: a burst of them is one step of undo.
      if (moved.length) store.move(Object.fromEntries(moved), `move:${moved.map(([id]) => id).join()}`);
    }
  }, []);

  const onEdgesChange = useCallback((changes: EdgeChange<Edge>[]) => {
    const store = useWorkflow.getState();
    let chosen: Set<string> | undefined;
    for (const change of changes) {
      if (change.type !== "select") continue;
      chosen ??= new Set(store.selection);
      if (change.selected) chosen.add(change.id);
      else chosen.delete(change.id);
    }
    if (chosen) store.choose(chosen);
  }, []);

  const onConnect = useCallback((connection: Connection) => {
    const reason = useWorkflow.getState().addEdge(wanted(connection));
    if (reason) toast.error(reason);
  }, []);

  const mayConnect = useCallback((connection: Connection | Edge) => {
    const { nodes: all, edges: drawn, catalogue: known } = useWorkflow.getState();
    return refusal(wanted(connection as Connection), all, drawn, known) === undefined;
  }, []);

  function onDrop(event: DragEvent): void {
    const key = event.dataTransfer.getData(PALETTE_MIME);
    if (!key) return;
    event.preventDefault();
    const point = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const snapped = (value: number): number => Math.round(value / GRID) * GRID;
    addFromPalette(key, { x: snapped(point.x - NODE_WIDTH / 2), y: snapped(point.y - HEAD_HEIGHT / 2) });
  }

  return (
    <div
      ref={host}
      className={`relative h-full w-full ${far ? "far" : ""}`}
      role="region"
      aria-label={label}
      onDrop={onDrop}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(PALETTE_MIME)) event.preventDefault();
      }}
    >
      <ReactFlow
        nodes={shownNodes}
        edges={shownEdges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onConnect={onConnect}
        onConnectEnd={(_, state) => {
          if (state.isValid || !state.fromHandle || !state.toNode) return;
          const [from, to] =
            state.fromHandle.type === "source"
              ? [state.fromNode, state.toNode]
              : [state.toNode, state.fromNode];
          const label = state.fromHandle.type === "source" ? state.fromHandle.id : undefined;
          const store = useWorkflow.getState();
          const why = refusal(
            { source: from.id, target: to.id, ...labelled(label) },
            store.nodes,
            store.edges,
            store.catalogue,
          );
          if (why) toast.error(why);
          else if (state.fromHandle.type === "source")
            store.addEdge({ source: from.id, target: to.id, ...labelled(label) });
        }}
        isValidConnection={mayConnect}
        onlyRenderVisibleElements={nodes.length > LARGE}
        nodesDraggable={!frozen}
        nodesConnectable={!frozen}
        deleteKeyCode={null}
        snapToGrid
        snapGrid={SNAP}
        minZoom={0.08}
        maxZoom={2}
        multiSelectionKeyCode={["Meta", "Control"]}
        proOptions={{ hideAttribution: true }}
        disableKeyboardA11y={frozen}
        connectionRadius={28}
        zoomOnDoubleClick={false}
        defaultEdgeOptions={{ focusable: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={16} size={1} color="var(--dot)" />
        {minimap && !frozen && nodes.length > 0 && (
          <MiniMap
            pannable
            zoomable
            className="max-md:!hidden"
            ariaLabel="Overview of the canvas"
            bgColor="var(--panel)"
            maskColor="color-mix(in srgb, var(--canvas) 70%, transparent)"
            nodeColor="var(--line-strong)"
            nodeBorderRadius={6}
            style={{ width: 150, height: 92 }}
          />
        )}
      </ReactFlow>
      <div className="absolute bottom-3 left-3 flex items-center gap-0.5 rounded-lg border border-line bg-panel p-0.5 shadow-card">
        <IconButton label="Zoom out" keys="-" side="top" onClick={() => void flow.zoomOut()}>
          <Minus size={14} />
        </IconButton>
        <Zoom />
        <IconButton label="Zoom in" keys="+" side="top" onClick={() => void flow.zoomIn()}>
          <Plus size={14} />
        </IconButton>
        <IconButton
          label="Show everything"
          keys="F"
          side="top"
          onClick={() => void flow.fitView({ padding: 0.18, maxZoom: 1 })}
        >
          <Maximize size={14} />
        </IconButton>
        {!frozen && (
          <IconButton
            label="Minimap"
            side="top"
            aria-pressed={minimap}
            onClick={() => set({ minimap: !minimap })}
          >
            <MapIcon size={14} />
          </IconButton>
        )}
      </div>
    </div>
  );
}

function Zoom() {
  const zoom = useStore((state) => Math.round(state.transform[2] * 100));
  return <span className="w-10 text-center text-xs text-ink-2 tabular-nums">{zoom} %</span>;
}

function labelled(handle: string | null | undefined): { label?: string } {
  const label = edgeLabelFor(!handle || handle === "out" ? "" : handle);
  return label === undefined ? {} : { label };
}

function wanted(connection: Connection): { source: string; target: string; label?: string } {
  return { source: connection.source, target: connection.target, ...labelled(connection.sourceHandle) };
}

/** While a run is shown: whether an edge was followed. */
function useLiveEdges(): (edge: WorkflowEdge) => boolean | undefined {
  const statuses = useRun((state) => state.statuses);
  const replaying = useRun((state) => state.executionId !== null);
  return useCallback(
    (edge: WorkflowEdge) => {
      if (!replaying) return undefined;
      const from = statuses.get(edge.source)?.status;
      const to = statuses.get(edge.target)?.status;
      if (!from || from === "pending" || from === "running" || from === "waiting") return undefined;
      const { byId, catalogue, raw } = useWorkflow.getState();
      const source = byId.get(edge.source);
      const outcome = outcomeOf(source && typeOf(catalogue, source, triggerOf(raw)), edge.label);
      if (outcome === "Failed") return from === "failed";
      return from !== "failed" && from !== "skipped" && to !== undefined && to !== "skipped";
    },
    [statuses, replaying],
  );
}
