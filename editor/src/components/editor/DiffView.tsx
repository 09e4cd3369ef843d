/** Two texts, one above the other, with what differs marked; unchanged parts are folded away. */
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import { unifiedMergeView } from "@codemirror/merge";
import { lineNumbers } from "@codemirror/view";
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

const LANGUAGES = { yaml, json, python };

export default function DiffView({ before, after, language, label, onChange }: DiffViewProps) {
  const editable = onChange !== undefined;
  const extensions = useMemo(
    () => [
      lineNumbers(),
      LANGUAGES[language](),
      unifiedMergeView({
        original: before,
        mergeControls: editable,
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
