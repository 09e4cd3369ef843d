/**
 * Keeping work: on the server by `save`, in this browser all the time.
 *
 * A save says which revision it began from. When somebody else was quicker the
 * server answers 412, and nothing is lost: `conflict` holds all three texts.
 */
import { create } from "zustand";
import { ApiError } from "@/api/http";
import { workflows } from "@/api/calls";
import type { WorkflowAnswer } from "@/api/types";
import { isMap, type Format } from "@/domain/tree";
import { useWorkflow } from "./workflow";

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
  restored: boolean;
  open: (answer: WorkflowAnswer, etag: string | null) => void;
  took: (answer: WorkflowAnswer, etag: string | null, text: string) => void;
  resolve: (text: string) => Promise<void>;
}

const draftKey = (id: string): string => `dataroll.draft.${id}`;

interface Draft {
  text: string;
  base: string;
  format: Format;
  etag: string | null;
  at: number;
}

export const useSaving = create<Saving>((set, get) => ({
  workflow: null,
  etag: null,
  savedText: "",
  state: "idle",
  conflict: null,
  restored: false,

  open: (answer, etag) => {
    const { content, format } = answer.definition;
    const draft = readDraft(answer.id);
    const restored = draft !== undefined && draft.text !== content && draft.format === format;
    set({
      workflow: answer,
      // A draft began from an older revision: saving it must be compared with that one.
      etag: restored && draft ? draft.etag : etag,
      savedText: restored && draft ? draft.base : content,
      conflict: null,
      restored,
      state: "idle",
    });
    useWorkflow.getState().loadDefinition({ content, format, id: answer.id });
    if (restored && draft) useWorkflow.getState().editText(draft.text, format);
  },

  took: (answer, etag, text) => {
    set({ workflow: answer, etag, savedText: text, state: "idle", conflict: null, restored: false });
    if (useWorkflow.getState().text() === text) forgetDraft(answer.id);
  },

  resolve: async (text) => {
    const conflict = get().conflict;
    if (!conflict) return;
    set({ etag: conflict.etag, savedText: conflict.theirs, workflow: conflict.answer, conflict: null });
    useWorkflow.getState().editText(text, conflict.format);
    if (text !== conflict.theirs) await saving.save();
    else set({ savedText: text });
  },
}));

export const saving = {
  async save(): Promise<void> {
    const { workflow, etag, state } = useSaving.getState();
    if (!workflow || state === "saving") return;
    const { format } = useWorkflow.getState().history.now;
    const content = useWorkflow.getState().text();
    useSaving.setState({ state: "saving" });
    try {
      const raw = useWorkflow.getState().raw;
      const name = typeof raw["name"] === "string" && raw["name"].trim() ? { name: raw["name"] } : {};
      const body = { definition: { content, format }, ...(isMap(raw) ? name : {}) };
      const reply = await workflows.change(workflow.id, body, etag);
      useSaving.getState().took(reply.data, reply.etag, content);
    } catch (error) {
      useSaving.setState({ state: "idle" });
      if (error instanceof ApiError && error.status === 412) {
        const theirs = await workflows.get(workflow.id);
        useSaving.setState({
          conflict: {
            base: useSaving.getState().savedText,
            mine: content,
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

  async publish(options: { changelog?: string; acknowledge?: boolean }): Promise<void> {
    const { workflow } = useSaving.getState();
    if (!workflow) return;
    if (isDirty()) await saving.save();
    if (useSaving.getState().conflict) return;
    const reply = await workflows.publish(workflow.id, options);
    useSaving.getState().took(reply.data, reply.etag, useSaving.getState().savedText);
  },

  async test(
    input: unknown,
    options: { dryRun?: boolean; approvals?: Record<string, string> },
  ): Promise<string> {
    const { workflow } = useSaving.getState();
    if (!workflow) throw new Error("no workflow is open");
    if (isDirty()) await saving.save();
    const started = await workflows.test(workflow.id, {
      input,
      dryRun: options.dryRun ?? true,
      approvals: options.approvals ?? {},
    });
    return started.id;
  },
};

export function isDirty(): boolean {
  const { workflow, savedText } = useSaving.getState();
  return workflow !== null && useWorkflow.getState().text() !== savedText;
}

/** Kept in this browser until the server has it. */
export function keepDraft(): void {
  const { workflow, savedText, etag } = useSaving.getState();
  const store = useWorkflow.getState();
  if (!workflow || store.workflowId !== workflow.id) return;
  const text = store.text();
  if (text === savedText) return forgetDraft(workflow.id);
  const draft: Draft = { text, base: savedText, format: store.history.now.format, etag, at: Date.now() };
  try {
    localStorage.setItem(draftKey(workflow.id), JSON.stringify(draft));
  } catch {
    // The browser's store is full or closed to us: the guard on leaving still holds.
  }
}

export function forgetDraft(id: string): void {
  localStorage.removeItem(draftKey(id));
}

function readDraft(id: string): Draft | undefined {
  try {
    const draft = JSON.parse(localStorage.getItem(draftKey(id)) ?? "null") as Draft | null;
    return draft && typeof draft.text === "string" ? draft : undefined;
  } catch {
    return undefined;
  }
}
