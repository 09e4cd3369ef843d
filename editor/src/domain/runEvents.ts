/** What a run's live events change in what is known of it. What they do not speak of stays the same object. */
import type { components } from "@/api/schema";

type NodeExecution = components["schemas"]["NodeExecutionAnswer"];
interface Run {
  status: string;
  nodeExecutions: NodeExecution[];
}

export interface RunEvent {
  kind: string;
  data: Record<string, unknown>;
}

/** Ended nodes stay as they ended: an event that is late says nothing new. */
const SETTLED = new Set(["success", "failed", "skipped", "cancelled"]);

export function withEvents<R extends Run>(run: R, events: readonly RunEvent[]): R {
  let nodes: NodeExecution[] | undefined;
  const places = new Map(run.nodeExecutions.map((node, index) => [node.nodeId, index]));
  let status: string | undefined;
  for (const { kind, data } of events) {
    if (kind === "execution" && typeof data["status"] === "string") status = data["status"];
    if (kind !== "node" || typeof data["nodeId"] !== "string") continue;
    const place = places.get(data["nodeId"]);
    const before = place === undefined ? undefined : (nodes ?? run.nodeExecutions)[place];
    if (before && SETTLED.has(before.status)) continue;
    nodes ??= [...run.nodeExecutions];
    if (before) nodes[place!] = { ...before, ...data };
    else {
      places.set(data["nodeId"], nodes.length);
      nodes.push({ ...NEW, ...data, id: data["nodeId"], nodeId: data["nodeId"] });
    }
  }
  if (!nodes && (status === undefined || status === run.status)) return run;
  return { ...run, ...(nodes ? { nodeExecutions: nodes } : {}), ...(status ? { status } : {}) };
}

const NEW: Omit<NodeExecution, "id" | "nodeId"> = {
  nodeType: "",
  nodeName: "",
  status: "pending",
  reason: null,
  branch: null,
  input: null,
  output: null,
  error: null,
  startedAt: null,
  completedAt: null,
  duration: null,
  retryCount: 0,
  retryable: false,
};
