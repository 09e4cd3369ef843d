/**
 * Undo: every change is one entry, made by `commit(label, next, coalesceKey)`.
 *
 * An entry holds the plain data; its text is worked out from the entry before
 * it, once, when somebody asks. So typing costs no parsing, and going back to
 * an entry gives the text that it had, byte for byte.
 */
import { patchText } from "./patch";
import { readPlain } from "./read";
import type { Format, PlainMap } from "./tree";

export interface Entry {
  label: string;
  raw: PlainMap;
  before: Entry | undefined;
  text: string | undefined;
  format: Format;
  coalesceKey: string | undefined;
  at: number;
}

export interface History {
  past: Entry[];
  now: Entry;
  future: Entry[];
}

const DEEPEST = 200;
/** A pause longer than this ends a burst of typing. */
const BURST_MS = 1200;

export function startHistory(text: string, format: Format, raw?: PlainMap): History {
  const data = raw ?? (readPlain(text, format) as PlainMap);
  const now: Entry = { label: "", raw: data, before: undefined, text, format, coalesceKey: undefined, at: 0 };
  return { past: [], now, future: [] };
}

export function textOf(entry: Entry): string {
  if (entry.text !== undefined) return entry.text;
  const { text, steps } = unwritten(entry);
  let last = text;
  wrote(
    steps,
    steps.map(({ format, raw }) => (last = patchText(last, format, raw))),
  );
  return last;
}

/** The nearest text that is known, and the changes that lead from it to this entry. */
export function unwritten(entry: Entry): { text: string; steps: Entry[] } {
  // Iterative, because a long chain of unread entries would be a deep recursion.
  const steps: Entry[] = [];
  let here: Entry | undefined = entry;
  while (here && here.text === undefined) {
    steps.unshift(here);
    here = here.before;
  }
  return { text: here?.text ?? "", steps };
}

/** The texts of such changes are known now. */
export function wrote(steps: readonly Entry[], texts: readonly string[]): void {
  steps.forEach((step, index) => {
    step.text ??= texts[index];
    step.before = undefined;
  });
}

export function commit(
  history: History,
  label: string,
  raw: PlainMap,
  { coalesceKey, text, at = 0 }: { coalesceKey?: string | undefined; text?: string; at?: number } = {},
): History {
  const { now } = history;
  if (raw === now.raw && (text === undefined || text === now.text)) return history;
  const burst =
    coalesceKey !== undefined &&
    now.coalesceKey === coalesceKey &&
    at - now.at < BURST_MS &&
    history.past.length > 0;
  const before = burst ? history.past.at(-1)! : now;
  const past = burst ? history.past : [...history.past, now];
  if (past.length > DEEPEST) {
    textOf(past[1]!);
    past.shift();
  }
  const entry: Entry = { label, raw, before, text, format: now.format, coalesceKey, at };
  return { past, now: entry, future: [] };
}

export function undo(history: History): History {
  const before = history.past.at(-1);
  if (!before) return history;
  return { past: history.past.slice(0, -1), now: before, future: [history.now, ...history.future] };
}

export function redo(history: History): History {
  const [next, ...rest] = history.future;
  if (!next) return history;
  return { past: [...history.past, history.now], now: next, future: rest };
}
