/**
 * What happens on the server, as it happens.
 *
 * One WebSocket for the page; topics are followed while somebody looks. Numbers
 * in a topic have no gap: a repeated one is dropped, and after a break the
 * server is told the last number seen and sends what was missed. When it no
 * longer has that (`missed`), listeners are told to load afresh.
 */
import { create } from "zustand";
import { auth } from "@/api/calls";

export interface LiveEvent {
  topic: string;
  seq: number;
  /** For instance `node`, `execution`, `log`, `approval`; `missed` when something was lost on the way. */
  kind: string;
  data: Record<string, unknown>;
}

type Listener = (event: LiveEvent) => void;

interface LiveState {
  /** `stale`: there was a connection and it is gone. */
  state: "off" | "live" | "stale";
}

export const useLive = create<LiveState>(() => ({ state: "off" }));

const listeners = new Map<string, Set<Listener>>();
const seen = new Map<string, number>();
let socket: WebSocket | undefined;
let attempts = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let opening = false;
let everLive = false;

/** `after`: the number up to which what is shown is known already. */
export function follow(topic: string, listener: Listener, after?: number): () => void {
  const known = listeners.get(topic) ?? new Set();
  const first = known.size === 0;
  known.add(listener);
  listeners.set(topic, known);
  if (after !== undefined && first) seen.set(topic, after);
  if (socket?.readyState === WebSocket.OPEN) {
    if (first) subscribe(topic);
  } else connect();
  return () => {
    known.delete(listener);
    if (known.size > 0) return;
    listeners.delete(topic);
    seen.delete(topic);
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "unsubscribe", topic }));
  };
}

function subscribe(topic: string): void {
  const seq = seen.get(topic);
  socket?.send(JSON.stringify({ type: "subscribe", topic, ...(seq === undefined ? {} : { seq }) }));
}

function connect(): void {
  if (socket || timer || opening) return;
  opening = true;
  void open().finally(() => (opening = false));
}

async function open(): Promise<void> {
  let ticket: string;
  try {
    ticket = (await auth.liveTicket()).token;
  } catch {
    return again();
  }
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/api/live?ticket=${encodeURIComponent(ticket)}`);
  socket.onopen = () => {
    attempts = 0;
    everLive = true;
    useLive.setState({ state: "live" });
    for (const topic of listeners.keys()) subscribe(topic);
  };
  socket.onmessage = (event: MessageEvent<string>) =>
    receive(JSON.parse(event.data) as Record<string, unknown>);
  socket.onclose = () => {
    socket = undefined;
    if (everLive) useLive.setState({ state: "stale" });
    again();
  };
}

function again(): void {
  if (listeners.size === 0) return;
  // Sooner at first, and never all browsers at the same moment.
  const pause = Math.min(15_000, 400 * 2 ** attempts++) * (0.7 + Math.random() * 0.6);
  timer = setTimeout(() => {
    timer = undefined;
    connect();
  }, pause);
}

/** Exported for its test: the rule about numbers stands here. */
export function receive(message: Record<string, unknown>): void {
  const { type, topic, seq } = message;
  if (typeof topic !== "string") return;
  const last = seen.get(topic);
  if (type === "subscribed" && typeof seq === "number") {
    // A number below what we had: the server began anew, and so do we.
    if (last === undefined || seq < last) seen.set(topic, seq);
    return;
  }
  if (type === "missed")
    return tell({ topic, seq: Number(message["to"] ?? 0) - 1, kind: "missed", data: {} });
  if (type !== "event" || typeof seq !== "number") return;
  if (last !== undefined && seq <= last) return;
  seen.set(topic, seq);
  tell({
    topic,
    seq,
    kind: String(message["kind"]),
    data: (message["data"] ?? {}) as Record<string, unknown>,
  });
}

function tell(event: LiveEvent): void {
  for (const listener of listeners.get(event.topic) ?? []) listener(event);
}
