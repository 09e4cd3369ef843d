/** A field of a form that knows expressions: one line, or several. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  startCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder as placeholderText, tooltips } from "@codemirror/view";
import { useMemo, useRef } from "react";
import type { Name } from "@/domain/scope";
import { CodeEditor } from "./CodeEditor";
import { holeCompletion, holeHighlight } from "./holes";

export interface CodeFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  scope: readonly Name[];
  lines?: number;
  placeholder?: string;
  invalid?: boolean;
  readOnly?: boolean;
}

export default function CodeField({
  label,
  value,
  onChange,
  scope,
  lines = 1,
  placeholder = "",
  invalid = false,
  readOnly = false,
}: CodeFieldProps) {
  const names = useRef(scope);
  names.current = scope;
  const single = lines === 1;
  const extensions = useMemo(
    () => [
      history(),
      holeHighlight,
      closeBrackets(),
      autocompletion({
        override: [holeCompletion(() => names.current)],
        icons: false,
        activateOnTyping: true,
      }),
      EditorView.inputHandler.of((view, from, to, text) => {
        // The second brace opens the list at once.
        if (text === "{" && view.state.sliceDoc(Math.max(0, from - 1), from) === "{")
          setTimeout(() => startCompletion(view), 0);
        void to;
        return false;
      }),
      keymap.of([
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...historyKeymap,
        ...defaultKeymap.filter((binding) => !["Mod-Enter", "Escape"].includes(binding.key ?? "")),
      ]),
      placeholderText(placeholder),
      EditorView.lineWrapping,
      tooltips({ parent: document.body }),
      ...(single
        ? [
            EditorState.transactionFilter.of((transaction) =>
              transaction.newDoc.lines > 1 ? [] : transaction,
            ),
            Prec.highest(EditorView.contentAttributes.of({ "aria-multiline": "false" })),
          ]
        : []),
    ],
    [single, placeholder],
  );
  return (
    <CodeEditor
      label={label}
      value={value}
      onChange={onChange}
      extensions={extensions}
      readOnly={readOnly}
      className={`input !p-0 font-mono focus-within:outline-2 focus-within:-outline-offset-1 focus-within:outline-accent-ink ${invalid ? "!border-danger" : ""} overflow-hidden [&_.cm-content]:!px-0.5 [&_.cm-content]:!py-[3px] ${single ? "" : "[&_.cm-content]:min-h-[4.5rem] [&_.cm-editor]:max-h-64"}`}
    />
  );
}
