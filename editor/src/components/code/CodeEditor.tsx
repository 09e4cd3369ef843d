/** CodeMirror as a controlled component: `value` in, `onChange` out, without fighting over the cursor. */
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { theme } from "./theme";

interface CodeEditorProps {
  value: string;
  onChange?: (value: string) => void;
  extensions: Extension;
  label: string;
  readOnly?: boolean;
  className?: string;
  onReady?: (view: EditorView) => void;
}

export function CodeEditor({
  value,
  onChange,
  extensions,
  label,
  readOnly = false,
  className = "",
  onReady,
}: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const changed = useRef(onChange);
  const setup = useRef(new Compartment());
  useEffect(() => {
    changed.current = onChange;
  });

  useEffect(() => {
    const made = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          theme,
          setup.current.of(extensions),
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (
              update.docChanged &&
              !update.transactions.some((transaction) => transaction.isUserEvent("outside"))
            ) {
              changed.current?.(update.state.doc.toString());
            }
          }),
        ],
      }),
    });
    view.current = made;
    onReady?.(made);
    return () => {
      made.destroy();
      view.current = null;
    };
    // Made once: later values and extensions are handed over below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [label, readOnly]);

  useEffect(() => {
    view.current?.dispatch({ effects: setup.current.reconfigure(extensions) });
  }, [extensions]);

  useEffect(() => {
    const now = view.current;
    if (!now || now.state.doc.toString() === value) return;
    // Only what differs, so that cursor, scroll and folds stay where they are.
    const old = now.state.doc.toString();
    let from = 0;
    while (from < old.length && from < value.length && old[from] === value[from]) from++;
    let end = 0;
    while (end < old.length - from && end < value.length - from && old.at(-1 - end) === value.at(-1 - end))
      end++;
    now.dispatch({
      changes: { from, to: old.length - end, insert: value.slice(from, value.length - end) },
      userEvent: "outside",
    });
  }, [value]);

  return <div ref={host} className={className} />;
}
