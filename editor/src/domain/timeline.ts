/**
 * A run as bars over time, and as it stood at any moment.
 *
 *     timeline(run, now).rows[0]  →  { nodeId: "discover-1", from: 0, to: 0.4, ... }
 */
import type { NodeStatus } from "./statuses";

/** What the server says about one node of a run. */
export interface NodeExecution {
  nodeId: string;
  nodeName: string;
  nodeType: string;
  status: NodeStatus;
  reason: string | null;
  startedAt: string | null;
  completedAt: string | null;
  retryCount: number;
}

export interface Row {
  nodeId: string;
  name: string;
  type: string;
  status: NodeStatus;
  /** Milliseconds since the run began; null when it never began. */
  from: number | null;
  to: number | null;
  retries: number;
  reason: string | null;
}

export interface Timeline {
  start: number;
  /** Milliseconds that the picture spans. */
  length: number;
  rows: Row[];
  /** Moments at which something changed, rising; the scrubber stops at them. */
  moments: number[];
}

interface Run {
  startedAt: string | null;
  triggeredAt: string;
  completedAt: string | null;
  nodeExecutions: readonly NodeExecution[];
}

const SETTLED = new Set(["success", "failed", "skipped", "cancelled", "unknown"]);

/** `others`: nodes of the workflow that have not begun; those that the run does not know yet stand last. */
export function timeline(
  run: Run,
  now: number,
  others: readonly { id: string; label: string; type: string }[] = [],
): Timeline {
  const starts = run.nodeExecutions.flatMap((node) => (node.startedAt ? [time(node.startedAt)] : []));
  const start = Math.min(time(run.startedAt ?? run.triggeredAt), ...starts);
  const ends = run.nodeExecutions.flatMap((node) => (node.completedAt ? [time(node.completedAt)] : []));
  const end = run.completedAt ? Math.max(time(run.completedAt), ...ends) : Math.max(now, ...ends);
  const rows = run.nodeExecutions.map((node): Row => {
    const from = node.startedAt && node.status !== "skipped" ? time(node.startedAt) - start : null;
    const to =
      from === null
        ? null
        : node.completedAt
          ? time(node.completedAt) - start
          : SETTLED.has(node.status)
            ? from
            : end - start;
    return {
      nodeId: node.nodeId,
      name: node.nodeName,
      type: node.nodeType,
      status: node.status,
      from,
      to,
      retries: node.retryCount,
      reason: node.reason,
    };
  });
  const known = new Set(rows.map((row) => row.nodeId));
  for (const { id, label, type } of others) {
    if (known.has(id)) continue;
    const pending = { status: "pending" as const, from: null, to: null, retries: 0, reason: null };
    rows.push({ nodeId: id, name: label, type, ...pending });
  }
  const moments = new Set<number>([0]);
  for (const row of rows) {
    if (row.from !== null) moments.add(row.from);
    if (row.to !== null) moments.add(row.to);
  }
  // A skipped node has one moment: when it was known that it would not run.
  for (const node of run.nodeExecutions) if (node.completedAt) moments.add(time(node.completedAt) - start);
  moments.add(end - start);
  return { start, length: Math.max(end - start, 1), rows, moments: [...moments].sort((a, b) => a - b) };
}

/** What each node was at a moment of the run: not begun, running, or settled as it ended. */
export function statusesAt(run: Run, line: Timeline, moment: number): Map<string, NodeStatus> {
  const result = new Map<string, NodeStatus>();
  for (const node of run.nodeExecutions) {
    const begun = node.startedAt ? time(node.startedAt) - line.start : null;
    const done = node.completedAt ? time(node.completedAt) - line.start : null;
    if (done !== null && moment >= done) result.set(node.nodeId, node.status);
    else if (begun !== null && moment >= begun && node.status !== "skipped") {
      result.set(
        node.nodeId,
        node.nodeType === "approval" || node.nodeType === "delay"
          ? "waiting"
          : done === null
            ? node.status
            : "running",
      );
    } else if (done === null && begun === null && SETTLED.has(node.status) && moment >= line.moments.at(-1)!)
      result.set(node.nodeId, node.status);
    else result.set(node.nodeId, "pending");
  }
  return result;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
];
const MOST_MARKS = 5;

/** Where the time line is marked: at most six times as people count them, none at the very end. */
export function marksOf(length: number): number[] {
  const step =
    STEPS.find((size) => size * MOST_MARKS >= length) ?? Math.ceil(length / MOST_MARKS / DAY) * DAY;
  const count = Math.floor((length * 0.94) / step) + 1;
  return Array.from({ length: count }, (_, index) => index * step);
}

/** Milliseconds with their fraction: nodes that settle within one millisecond keep their order. */
function time(at: string): number {
  const fraction = /\.\d{3}(\d+)/.exec(at)?.[1];
  return new Date(at).getTime() + (fraction ? Number(`0.${fraction}`) : 0);
}
