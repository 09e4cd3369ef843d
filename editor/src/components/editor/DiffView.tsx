/** Two texts, one above the other, with what differs marked; unchanged parts are folded away. */
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import { unifiedMergeView } from "@codemirror/merge";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useMemo } from "react";
import { CodeEditor } from "../code/CodeEditor";

interface DiffViewProps {
  before: string;
  after: string;
  language: "yaml" | "json" | "python";
  label: string;
  /** Given: the result may be edited, and single changes taken back. */
  onChange?: (text: string) => void;
}

/** In the page's colours and letters: the library's own marks are drawn with signs few fonts have. */
const look = EditorView.theme({
  "& .cm-collapsedLines": { background: "var(--sunken)", color: "var(--ink-2)", padding: "4px 10px" },
  "& .cm-collapsedLines:before, & .cm-collapsedLines:after": { content: '"···"', color: "var(--ink-3)" },
  "& .cm-chunkButtons button": {
    border: "1px solid var(--line-strong)",
    borderRadius: "5px",
    padding: "0 6px",
    marginLeft: "4px",
    background: "var(--panel)",
    color: "var(--ink)",
    fontFamily: "var(--font-sans)",
    cursor: "pointer",
  },
});

/** A button for the mouse and, which the library's own is not, for the keyboard. */
function control(kind: "accept" | "reject", act: (event: MouseEvent) => void): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = kind === "accept" ? "Keep" : "Take back";
  button.onclick = act;
  return button;
}

const LANGUAGES = { yaml, json, python };

export default function DiffView({ before, after, language, label, onChange }: DiffViewProps) {
  const editable = onChange !== undefined;
  const extensions = useMemo(
    () => [
      look,
      lineNumbers(),
      LANGUAGES[language](),
      unifiedMergeView({
        original: before,
        mergeControls: editable && control,
        collapseUnchanged: { margin: 3, minSize: 6 },
        gutter: true,
      }),
    ],
    [before, language, editable],
  );
  if (before === after) return <p className="p-4 text-ink-2">No difference.</p>;
  return (
    <CodeEditor
      label={label}
      className="h-full min-h-0 [&_.cm-deletedChunk]:!bg-danger-soft"
      value={after}
      readOnly={!editable}
      extensions={extensions}
      {...(onChange ? { onChange } : {})}
    />
  );
}
