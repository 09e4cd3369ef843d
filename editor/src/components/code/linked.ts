/** Lines that belong to the chosen node are tinted and scrolled to. */
import { RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, type DecorationSet } from "@codemirror/view";
import type { Span } from "@/domain/sourceMap";

export const setLinked = StateEffect.define<readonly Span[]>();

export const linkedLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setLinked)) continue;
      const builder = new RangeSetBuilder<Decoration>();
      const { doc } = transaction.state;
      for (const { from, to } of [...effect.value].sort((a, b) => a.from - b.from)) {
        for (let line = from; line <= Math.min(to, doc.lines); line++) {
          const start = doc.line(line).from;
          builder.add(start, start, Decoration.line({ class: "cm-linked" }));
        }
      }
      next = builder.finish();
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function link(view: EditorView, spans: readonly Span[], scroll: boolean): void {
  const known = spans.filter((span) => span.from <= view.state.doc.lines);
  view.dispatch({ effects: setLinked.of(known) });
  if (scroll && known[0] && !view.hasFocus) {
    view.dispatch({
      effects: EditorView.scrollIntoView(view.state.doc.line(known[0].from).from, { y: "center" }),
    });
  }
}
