/** The Prefect flow that this definition becomes; node and line lead to each other. */
import { python } from "@codemirror/lang-python";
import { foldGutter } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useMemo, useRef } from "react";
import { sourceSpans } from "@/domain/sourceMap";
import { useWorkflow } from "@/store/workflow";
import { CodeEditor } from "../code/CodeEditor";
import { link, linkedLines } from "../code/linked";

export default function SourceView() {
  const source = useWorkflow((state) => state.source);
  const sourceMap = useWorkflow((state) => state.sourceMap);
  const errors = useWorkflow((state) => state.problems.some((problem) => problem.severity === "error"));
  const selected = useWorkflow((state) => state.selectedNode?.id);
  const view = useRef<EditorView>(null);
  const spans = useMemo(() => sourceSpans(sourceMap), [sourceMap]);
  const latest = useRef(spans);
  useEffect(() => {
    latest.current = spans;
    if (view.current)
      link(view.current, selected ? spans.filter((span) => span.node === selected) : [], true);
  }, [spans, selected, source]);
  const extensions = useMemo(
    () => [
      lineNumbers(),
      foldGutter(),
      python(),
      linkedLines,
      highlightSelectionMatches(),
      keymap.of(searchKeymap),
      EditorView.domEventHandlers({
        mouseup: (_, now) => {
          const line = now.state.doc.lineAt(now.state.selection.main.head).number;
          const span = latest.current.find((one) => one.from <= line && line <= one.to);
          const { byId, setSelectedNode } = useWorkflow.getState();
          const node = span && byId.get(span.node);
          if (node) setSelectedNode(node);
        },
      }),
    ],
    [],
  );
  if (source === null)
    return (
      <p className="p-4 text-ink-2">
        {errors
          ? "The code appears when the problems are solved."
          : "The code appears when the server has answered."}
      </p>
    );
  return (
    <div className="flex h-full flex-col">
      {errors && (
        <p className="shrink-0 border-b border-line bg-warn-soft px-3 py-1 text-xs text-warn">
          This is the code from before the problems; it is renewed when they are solved.
        </p>
      )}
      <CodeEditor
        label="Generated Prefect flow"
        className="min-h-0 flex-1"
        value={source}
        readOnly
        extensions={extensions}
        onReady={(made) => (view.current = made)}
      />
    </div>
  );
}
