/**
 * What happens on the server, as it happens.
 *
 * One WebSocket for the page; topics are followed while somebody looks. Numbers
 * in a topic have no gap: a repeated one is dropped, and after a break the
 * server is told the last number seen and sends what was missed. When it cannot
 * (`gap`), listeners are told to load afresh.
 */
import { create } from "zustand";
import { auth } from "@/api/calls";

export interface LiveMessage {
  topic: string;
  seq: number;
  type: string;
  data: Record<string, unknown>;
}

type Listener = (message: LiveMessage) => void;

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
let everLive = false;

export function follow(topic: string, listener: Listener): () => void {
  const known = listeners.get(topic) ?? new Set();
  known.add(listener);
  listeners.set(topic, known);
  if (socket?.readyState === WebSocket.OPEN) subscribe([topic]);
  else connect();
  return () => {
    known.delete(listener);
    if (known.size > 0) return;
    listeners.delete(topic);
    seen.delete(topic);
    if (socket?.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ type: "unsubscribe", topics: [topic] }));
  };
}

function subscribe(topics: string[]): void {
  const after = Object.fromEntries(
    topics.flatMap((topic) => (seen.has(topic) ? [[topic, seen.get(topic)]] : [])),
  );
  socket?.send(JSON.stringify({ type: "subscribe", topics, after }));
}

function connect(): void {
  if (socket || timer) return;
  void open();
}

async function open(): Promise<void> {
  let ticket: string;
  try {
    const answer = await auth.liveTicket();
    ticket = answer.token ?? answer.ticket ?? "";
  } catch {
    return again();
  }
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/api/live?ticket=${encodeURIComponent(ticket)}`);
  socket.onopen = () => {
    attempts = 0;
    everLive = true;
    useLive.setState({ state: "live" });
    subscribe([...listeners.keys()]);
  };
  socket.onmessage = (event: MessageEvent<string>) => receive(JSON.parse(event.data) as LiveMessage);
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

/** Exported for tests: the rule about numbers stands here. */
export function receive(message: LiveMessage): void {
  if (typeof message.topic !== "string") return;
  const last = seen.get(message.topic);
  if (typeof message.seq === "number") {
    if (last !== undefined && message.seq <= last && message.type !== "snapshot") return;
    seen.set(message.topic, message.seq);
  }
  for (const listener of listeners.get(message.topic) ?? []) listener(message);
}
