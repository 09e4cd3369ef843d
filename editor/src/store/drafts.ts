/** What the server does not have yet, kept in this browser. Plain storage: it knows no store. */
import type { Format } from "@/domain/tree";

export interface Draft {
  text: string;
  /** The text it began from, and the revision of that text. */
  base: string;
  etag: string | null;
  format: Format;
  at: number;
}

const keyOf = (id: string): string => `dataroll.draft.${id}`;

export function writeDraft(id: string, draft: Draft): void {
  try {
    localStorage.setItem(keyOf(id), JSON.stringify(draft));
  } catch {
    // The browser's store is full or closed to us: the guard on leaving still holds.
  }
}

export function readDraft(id: string): Draft | undefined {
  try {
    const draft = JSON.parse(localStorage.getItem(keyOf(id)) ?? "null") as Draft | null;
    return draft && typeof draft.text === "string" ? draft : undefined;
  } catch {
    return undefined;
  }
}

export function forgetDraft(id: string): void {
  localStorage.removeItem(keyOf(id));
}
