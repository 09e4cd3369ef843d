/** CodeMirror in the colours of the page: everything is a variable, so dark mode needs nothing. */
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export const theme = [
  EditorView.theme({
    "&": { backgroundColor: "var(--panel)", color: "var(--ink)" },
    ".cm-content": { caretColor: "var(--ink)", padding: "6px 0" },
    ".cm-cursor": { borderLeftColor: "var(--ink)" },
    "&.cm-focused": { outline: "none" },
    ".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--ink-3)", border: "none" },
    ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 5%, transparent)" },
    ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
      backgroundColor: "color-mix(in srgb, var(--accent) 22%, transparent)",
    },
    ".cm-tooltip": {
      backgroundColor: "var(--panel)",
      color: "var(--ink)",
      border: "1px solid var(--line)",
      borderRadius: "8px",
      boxShadow: "var(--shadow-high)",
      overflow: "hidden",
    },
    ".cm-tooltip-autocomplete > ul": {
      fontFamily: "var(--font-mono)",
      fontSize: "0.75rem",
      maxHeight: "16em",
    },
    ".cm-tooltip-autocomplete > ul > li": { padding: "3px 8px" },
    ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
      backgroundColor: "var(--hover)",
      color: "var(--ink)",
    },
    ".cm-completionDetail": { color: "var(--ink-3)", fontStyle: "normal", marginLeft: "1em" },
    ".cm-completionInfo": { padding: "6px 8px", fontSize: "0.75rem" },
    ".cm-diagnostic": {
      borderLeft: "3px solid var(--danger)",
      padding: "4px 8px",
      fontFamily: "var(--font-sans)",
    },
    ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
    ".cm-hole": { color: "var(--wait)", fontWeight: 500 },
    ".cm-linked": { backgroundColor: "color-mix(in srgb, var(--accent) 11%, transparent)" },
    ".cm-foldPlaceholder": {
      backgroundColor: "var(--sunken)",
      border: "1px solid var(--line)",
      color: "var(--ink-2)",
    },
    ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)" },
    ".cm-panels input": {
      backgroundColor: "var(--panel)",
      color: "var(--ink)",
      border: "1px solid var(--line-strong)",
    },
    ".cm-panels button": {
      backgroundImage: "none",
      backgroundColor: "var(--panel)",
      color: "var(--ink)",
      border: "1px solid var(--line-strong)",
    },
    ".cm-changedLine": { backgroundColor: "color-mix(in srgb, var(--ok) 10%, transparent)" },
    ".cm-placeholder": { color: "var(--ink-3)" },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: tags.comment, color: "var(--ink-3)", fontStyle: "italic" },
      {
        tag: [
          tags.keyword,
          tags.operatorKeyword,
          tags.controlKeyword,
          tags.definitionKeyword,
          tags.moduleKeyword,
        ],
        color: "var(--wait)",
      },
      {
        tag: [tags.propertyName, tags.definition(tags.propertyName), tags.attributeName],
        color: "var(--accent-ink)",
      },
      { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
      { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--warn)" },
      { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--run)" },
      { tag: [tags.meta, tags.annotation], color: "var(--pink)" },
    ]),
  ),
];
