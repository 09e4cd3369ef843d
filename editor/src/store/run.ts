/** What each node is doing, apart from the drawing: 200 status events must not redraw a canvas. */
import { create } from "zustand";
import type { NodeExecution, NodeStatus } from "@/api/types";

export interface NodeRun {
  status: NodeStatus;
  duration?: number | null | undefined;
  retryCount?: number | undefined;
}

interface RunState {
  executionId: string | null;
  statuses: ReadonlyMap<string, NodeRun>;
  show: (executionId: string | null, statuses: ReadonlyMap<string, NodeRun>) => void;
  clear: () => void;
}

export const useRun = create<RunState>((set, get) => ({
  executionId: null,
  statuses: new Map(),
  show: (executionId, statuses) => {
    const before = get().statuses;
    const next = new Map<string, NodeRun>();
    for (const [id, run] of statuses) {
      const old = before.get(id);
      next.set(
        id,
        old && old.status === run.status && old.duration === run.duration && old.retryCount === run.retryCount
          ? old
          : run,
      );
    }
    set({ executionId, statuses: next });
  },
  clear: () => set({ executionId: null, statuses: new Map() }),
}));

export function statusesOf(nodes: readonly NodeExecution[]): Map<string, NodeRun> {
  return new Map(
    nodes.map((node) => [
      node.nodeId,
      { status: node.status, duration: node.duration, retryCount: node.retryCount },
    ]),
  );
}
