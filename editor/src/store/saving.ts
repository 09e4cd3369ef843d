/**
 * What the server has, and how it comes to have more: `save`, `publish`, `test`.
 *
 * It is told what to save and knows nothing of the drawing; `opening.ts` brings the two together.
 * A save says which revision it began from. When somebody else was quicker the
 * server answers 412, and nothing is lost: `conflict` holds all three texts.
 */
import { create } from "zustand";
import { ApiError } from "@/api/http";
import { workflows } from "@/api/calls";
import type { WorkflowAnswer } from "@/api/types";
import type { Format } from "@/domain/tree";
import { forgetDraft, readDraft } from "./drafts";

/** A workflow as it is written at the moment. */
export interface Written {
  text: string;
  format: Format;
  /** Its name, where the text has one. */
  name: string | undefined;
}

export interface Conflict {
  base: string;
  mine: string;
  theirs: string;
  format: Format;
  etag: string | null;
  answer: WorkflowAnswer;
}

interface Saving {
  workflow: WorkflowAnswer | null;
  etag: string | null;
  /** The text that the server has. */
  savedText: string;
  state: "idle" | "saving" | "offline";
  conflict: Conflict | null;
}

export const useSaving = create<Saving>(() => ({
  workflow: null,
  etag: null,
  savedText: "",
  state: "idle",
  conflict: null,
}));

export const saving = {
  async save({ text, format, name }: Written): Promise<void> {
    const { workflow, etag, state } = useSaving.getState();
    if (!workflow || state === "saving") return;
    useSaving.setState({ state: "saving" });
    try {
      const body = { definition: { content: text, format }, ...(name?.trim() ? { name } : {}) };
      const reply = await workflows.change(workflow.id, body, etag);
      took(reply.data, reply.etag, text);
    } catch (error) {
      useSaving.setState({ state: "idle" });
      if (error instanceof ApiError && error.status === 412) {
        const theirs = await workflows.get(workflow.id);
        useSaving.setState({
          conflict: {
            base: useSaving.getState().savedText,
            mine: text,
            theirs: theirs.data.definition.content,
            format,
            etag: theirs.etag,
            answer: theirs.data,
          },
        });
        return;
      }
      if (error instanceof ApiError && error.status === 0) useSaving.setState({ state: "offline" });
      throw error;
    }
  },

  async publish(written: Written, options: { changelog?: string; acknowledge?: boolean }): Promise<void> {
    const { workflow } = useSaving.getState();
    if (!workflow) return;
    if (isUnsaved(written.text)) await saving.save(written);
    if (useSaving.getState().conflict) return;
    const reply = await workflows.publish(workflow.id, options);
    took(reply.data, reply.etag, useSaving.getState().savedText);
  },

  async test(
    written: Written,
    input: unknown,
    options: { dryRun?: boolean; approvals?: Record<string, string> },
  ): Promise<string> {
    const { workflow } = useSaving.getState();
    if (!workflow) throw new Error("no workflow is open");
    if (isUnsaved(written.text)) await saving.save(written);
    const started = await workflows.test(workflow.id, {
      input,
      dryRun: options.dryRun ?? true,
      approvals: options.approvals ?? {},
    });
    return started.id;
  },
};

export function isUnsaved(text: string): boolean {
  const { workflow, savedText } = useSaving.getState();
  return workflow !== null && text !== savedText;
}

function took(answer: WorkflowAnswer, etag: string | null, text: string): void {
  useSaving.setState({
    workflow: answer,
    etag,
    savedText: text,
    state: "idle",
    conflict: null,
  });
  // What was typed while it was saved stays a draft.
  if (readDraft(answer.id)?.text === text) forgetDraft(answer.id);
}
