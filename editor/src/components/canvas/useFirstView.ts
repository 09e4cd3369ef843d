/** What a workflow looks like when it is opened: whole, or, where it is large, from where it begins. */
import { useReactFlow, useStore, useStoreApi } from "@xyflow/react";
import { useCallback, useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import type { Position } from "@/domain/definition";
import { NODE_WIDTH } from "@/domain/placing";
import { useWorkflow } from "@/store/workflow";

const BEGIN_ZOOM = 0.75;

/** `large`: with more nodes than this it cannot be read whole. */
export function useFirstView(host: RefObject<HTMLDivElement | null>, large: number): void {
  const flow = useReactFlow();
  const canvas = useStoreApi();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const count = useWorkflow((state) => state.nodes.length);
  const workflowId = useWorkflow((state) => state.workflowId);
  const seen = useRef("");
  const whole = useRef<{ at: string; positions: Record<string, Position> }>(undefined);

  const showWhole = useCallback(async () => {
    const { positions } = useWorkflow.getState();
    await flow.fitView({ padding: 0.18, maxZoom: 1, minZoom: 0.2 });
    whole.current = { at: String(canvas.getState().transform), positions };
  }, [flow, canvas]);

  useEffect(() => {
    if (seen.current === workflowId) return;
    seen.current = workflowId;
    whole.current = undefined;
    const { nodes, positions } = useWorkflow.getState();
    const begins = positions[(nodes.find((node) => node.type === "trigger") ?? nodes[0])?.id ?? ""];
    // An empty one begins as it is: the first node must stay where it is dropped.
    if (!begins) return;
    if (count <= large) void showWhole();
    else {
      const middle = (host.current?.clientWidth ?? 0) / 2;
      const x = middle - (begins.x + NODE_WIDTH / 2) * BEGIN_ZOOM;
      void flow.setViewport({ x, y: 48 - begins.y * BEGIN_ZOOM, zoom: BEGIN_ZOOM });
    }
  }, [count, workflowId, large, flow, host, showWhole]);

  // Until somebody moves something it stays whole, whatever panel opens beside or below.
  useLayoutEffect(() => {
    const { positions } = useWorkflow.getState();
    const untouched = whole.current?.at === String(canvas.getState().transform);
    if (untouched && whole.current?.positions === positions) void showWhole();
  }, [width, height, canvas, showWhole]);
}
