/** The text itself: highlighted, checked while typing, completed, and edited both ways. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  type CompletionContext,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import type { Text } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { Copy, Download } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import toast from "react-hot-toast";
import { typeOf } from "@/domain/nodeTypes";
import { writeAnew } from "@/domain/patch";
import { scopeAt } from "@/domain/scope";
import { definitionSpans } from "@/domain/sourceMap";
import type { Format } from "@/domain/tree";
import { completeYaml } from "@/domain/yamlCompletion";
import { triggerOf, useWorkflow } from "@/store/workflow";
import { IconButton } from "../Button";
import { CodeEditor } from "../code/CodeEditor";
import { holeCompletion, holeHighlight, holeStart } from "../code/holes";
import { link, linkedLines } from "../code/linked";

export default function DefinitionView() {
  const own = useWorkflow((state) => state.history.now.format);
  const content = useWorkflow((state) => state.definition.content);
  const raw = useWorkflow((state) => state.raw);
  const broken = useWorkflow((state) => state.broken);
  const problems = useWorkflow((state) => state.problems);
  const selected = useWorkflow((state) => state.selectedNode?.id);
  const editText = useWorkflow((state) => state.editText);
  const readOnly = useWorkflow((state) => state.readOnly);
  const [shown, setShown] = useState<Format>(own);
  const view = useRef<EditorView>(null);
  const typed = useRef("");
  const foreign = shown !== own;

  // In the other syntax there is no text of its own: it is written from the data, unless somebody types in it.
  const converted = useMemo(() => (foreign ? writeAnew(raw, shown) : ""), [foreign, raw, shown]);
  const text = broken
    ? broken.text
    : foreign
      ? typed.current && sameData(typed.current, converted, shown)
        ? typed.current
        : converted
      : content;
  const extensions = useMemo(() => extensionsFor(shown), [shown]);

  useEffect(() => {
    const now = view.current;
    if (!now) return;
    const doc = now.state.doc;
    const spans = foreign ? definitionSpans(text, shown) : [];
    const diagnostics: Diagnostic[] = broken
      ? [markAt(doc, broken.offset, broken.message)]
      : problems.flatMap((problem) => {
          const number = foreign
            ? spans.find((span) => span.node === problem.node)?.from
            : (problem.line ?? undefined);
          if (!number || number > doc.lines) return [];
          const line = doc.line(number);
          const start = Math.min(line.to, line.from + (foreign ? 0 : Math.max(0, (problem.column ?? 1) - 1)));
          const from = start === line.to ? line.from : start;
          const message = [problem.message, problem.hint].filter(Boolean).join("\n");
          const { fix } = problem;
          const actions = fix ? [{ name: fix.title, apply: () => void useWorkflow.getState().fix(fix) }] : [];
          return [{ from, to: Math.max(from, line.to), severity: problem.severity, message, actions }];
        });
    now.dispatch(setDiagnostics(now.state, diagnostics));
  }, [problems, broken, foreign, shown, text]);

  useEffect(() => {
    const now = view.current;
    if (!now || broken) return;
    link(
      now,
      selected
        ? definitionSpans(now.state.doc.toString(), shown).filter((span) => span.node === selected)
        : [],
      true,
    );
  }, [selected, shown, broken, text]);

  return (
    <div className="flex h-full flex-col">
      <div className="flex h-8 shrink-0 items-center gap-2 border-b border-line px-2">
        <div role="group" aria-label="Syntax" className="flex rounded-md bg-sunken p-0.5">
          {(["yaml", "json"] as const).map((format) => (
            <button
              key={format}
              type="button"
              aria-pressed={shown === format}
              disabled={broken !== null}
              onClick={() => {
                typed.current = "";
                setShown(format);
              }}
              className={`rounded px-2 text-xs leading-5 font-medium ${shown === format ? "bg-panel text-ink shadow-sm" : "text-ink-2"}`}
            >
              {format.toUpperCase()}
            </button>
          ))}
        </div>
        <span className="truncate text-xs text-ink-3">
          {broken ? (
            <span role="alert" className="text-danger">
              Line {broken.line}: {broken.message.replace(/[.:]?$/, ".")} The canvas shows the last version
              that could be read.
            </span>
          ) : foreign ? (
            `The same definition as ${shown.toUpperCase()}; the file stays ${own.toUpperCase()}.`
          ) : (
            ""
          )}
        </span>
        <span className="ml-auto flex">
          <IconButton
            label="Copy the definition"
            side="top"
            onClick={() => {
              void navigator.clipboard?.writeText(text);
              toast.success("Copied", { duration: 1500 });
            }}
          >
            <Copy size={13} />
          </IconButton>
          <IconButton label="Download the definition" side="top" onClick={() => download(text, shown)}>
            <Download size={13} />
          </IconButton>
        </span>
      </div>
      <CodeEditor
        key={shown}
        label={`Definition as ${shown.toUpperCase()}`}
        className="min-h-0 flex-1"
        value={text}
        readOnly={readOnly}
        onChange={(next) => {
          typed.current = next;
          editText(next, shown);
        }}
        extensions={extensions}
        onReady={(made) => (view.current = made)}
      />
    </div>
  );
}

/** A mark that can be seen: at the end of a line there is nothing to underline but the line. */
function markAt(doc: Text, offset: number, message: string): Diagnostic {
  let line = doc.lineAt(Math.min(offset, doc.length));
  while (line.length === 0 && line.number > 1) line = doc.line(line.number - 1);
  const from = offset < line.to ? Math.max(line.from, offset) : line.from;
  return { from, to: line.to, severity: "error", message };
}

function sameData(a: string, b: string, format: Format): boolean {
  if (format !== "json") return a === b;
  try {
    return JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b));
  } catch {
    return false;
  }
}

function extensionsFor(format: Format) {
  return [
    lineNumbers(),
    foldGutter(),
    history(),
    linkedLines,
    lintGutter(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    indentUnit.of("  "),
    format === "yaml" ? yaml() : json(),
    holeHighlight,
    autocompletion({ override: [(context) => completions(context, format)], icons: false }),
    keymap.of([
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...defaultKeymap,
      indentWithTab,
    ]),
    EditorView.domEventHandlers({
      // A click into a node's lines chooses it.
      mouseup: (_, view) => {
        const line = view.state.doc.lineAt(view.state.selection.main.head).number;
        const { broken, byId, setSelectedNode, selectedNode } = useWorkflow.getState();
        if (broken) return;
        const span = definitionSpans(view.state.doc.toString(), format).find(
          (one) => one.from <= line && line <= one.to,
        );
        const node = span && byId.get(span.node);
        if (node && node.id !== selectedNode?.id) setSelectedNode(node);
      },
    }),
  ];
}

function completions(context: CompletionContext, format: Format) {
  const { nodes, edges, variables, catalogue, raw } = useWorkflow.getState();
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  if (holeStart(before) !== -1) {
    const span = definitionSpans(context.state.doc.toString(), format).find(
      (one) => one.from <= line.number && line.number <= one.to,
    );
    const scope = scopeAt(
      span?.node ?? "",
      { nodes, edges, variables, trigger: triggerOf(raw) },
      catalogue,
      true,
    );
    return holeCompletion(() => scope)(context);
  }
  if (format !== "yaml" || (!context.explicit && !/[\w-]$|:\s$/.test(before))) return null;
  const ids = nodes.map((node) => ({
    id: node.id,
    label: node.label,
    type: node.type,
    variant: typeOf(catalogue, node, triggerOf(raw))?.variant ?? "",
  }));
  const lines = context.state.doc.toString().split("\n");
  const found = completeYaml(lines, line.number - 1, context.pos - line.from, ids, catalogue);
  if (!found) return null;
  return {
    from: line.from + found.from,
    options: found.words.map((word, index) => ({
      label: word.label,
      detail: word.detail,
      boost: -index / 100,
      ...(word.info ? { info: word.info } : {}),
      apply: word.label + word.tail,
    })),
    validFor: /^[\w-]*$/,
  };
}

function download(text: string, format: Format): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = `workflow.${format}`;
  link.click();
  URL.revokeObjectURL(link.href);
}
