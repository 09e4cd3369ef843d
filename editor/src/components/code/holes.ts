/** `{{ }}` stands out, and completes what may be said in it. */
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import {
  Decoration,
  MatchDecorator,
  ViewPlugin,
  type DecorationSet,
  type EditorView,
  type ViewUpdate,
} from "@codemirror/view";
import { suggest, type Name, type Suggestion } from "@/domain/scope";

const matcher = new MatchDecorator({
  regexp: /\{\{.*?\}\}/g,
  decoration: Decoration.mark({ class: "cm-hole" }),
});

export const holeHighlight = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = matcher.createDeco(view);
    }
    update(update: ViewUpdate) {
      this.decorations = matcher.updateDeco(update, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

const KIND: Record<Suggestion["kind"], string> = {
  node: "class",
  name: "variable",
  property: "property",
  method: "method",
};

/** Where the hole begins that the cursor is in, or -1. */
export function holeStart(before: string): number {
  const open = before.lastIndexOf("{{");
  return open > before.lastIndexOf("}}") ? open : -1;
}

export function holeCompletion(scope: () => readonly Name[]) {
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const open = holeStart(before);
    if (open === -1) return null;
    const inside = before.slice(open + 2);
    const found = suggest(inside, scope());
    if (!found) return null;
    const closed = line.text.slice(context.pos - line.from).includes("}}");
    const from = line.from + open + 2 + found.from;
    const options: Completion[] = found.options.map((option, index) => ({
      label: option.label,
      detail: option.detail,
      type: KIND[option.kind],
      boost: -index / 100,
      ...(option.info ? { info: option.info } : {}),
      apply: (view, _, start, end) => {
        const first = inside.trim() === "" && !/\s$/.test(inside) ? " " : "";
        const next = option.kind === "node" ? `${option.label}.output` : option.label;
        const tail = closed ? "" : " }}";
        view.dispatch({
          changes: { from: start, to: end, insert: first + next + tail },
          selection: { anchor: start + first.length + next.length },
          userEvent: "input.complete",
        });
      },
    }));
    return { from, options, validFor: /^[\w$-]*$/ };
  };
}
