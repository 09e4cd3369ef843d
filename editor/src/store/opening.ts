/** The drawing and what the server has, together: opening, drafts, and settling a conflict. */
import type { WorkflowAnswer } from "@/api/types";
import { forgetDraft, readDraft, writeDraft } from "./drafts";
import { isUnsaved, saving, useSaving } from "./saving";
import { useWorkflow, written } from "./workflow";

/** What the server has is drawn, and over it what this browser has kept. True: it had kept something. */
export function openWorkflow(answer: WorkflowAnswer, etag: string | null): boolean {
  const { content, format } = answer.definition;
  const draft = readDraft(answer.id);
  const restored = draft !== undefined && draft.text !== content && draft.format === format;
  useSaving.setState({
    workflow: answer,
    // A draft began from an older revision: saving it must be compared with that one.
    etag: restored ? draft.etag : etag,
    savedText: restored ? draft.base : content,
    conflict: null,
    state: "idle",
  });
  useWorkflow.getState().loadDefinition({ content, format, id: answer.id });
  if (restored) useWorkflow.getState().editText(draft.text, format);
  return restored;
}

/** What the server has, and nothing of what this browser has kept. */
export function openSaved(answer: WorkflowAnswer, etag: string | null): void {
  forgetDraft(answer.id);
  openWorkflow(answer, etag);
}

/** `text` is what both agree on. */
export async function resolveConflict(text: string): Promise<void> {
  const { conflict } = useSaving.getState();
  if (!conflict) return;
  const { etag, theirs, answer, format } = conflict;
  useSaving.setState({ etag, savedText: theirs, workflow: answer, conflict: null });
  useWorkflow.getState().editText(text, format);
  if (text !== theirs) await saving.save(written());
}

export function isDirty(): boolean {
  return isUnsaved(useWorkflow.getState().text());
}

/** Kept in this browser until the server has it. */
export function keepDraft(): void {
  const { workflow, savedText, etag } = useSaving.getState();
  const store = useWorkflow.getState();
  if (!workflow || store.workflowId !== workflow.id) return;
  const text = store.text();
  if (text === savedText) return forgetDraft(workflow.id);
  writeDraft(workflow.id, { text, base: savedText, format: store.history.now.format, etag, at: Date.now() });
}
