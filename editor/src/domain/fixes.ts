/**
 * A fix that the server offers, made here: all of its edits are one change.
 *
 *     applyFix(fix, { text, format, raw })  →  { raw } or { text, raw }, or undefined when it no longer fits
 *
 * Words are replaced where they stand in the text, so that nothing around them changes;
 * everything else is an edit of the data, which the patcher writes as small as it can.
 */
import type { components } from "@/api/schema";
import { withEdge, withNode, withNodeFields, withTop } from "./definition";
import { readPlain } from "./read";
import { isMap, offsetAt, type Format, type Plain, type PlainMap } from "./tree";

export type Fix = components["schemas"]["Fix"];
type Edit = Fix["edits"][number];

interface Written {
  text: string;
  format: Format;
  raw: PlainMap;
}

export function applyFix(fix: Fix, written: Written): { raw: PlainMap; text?: string } | undefined {
  if (fix.edits.every((edit) => edit.edit === "replace-text")) return replaceWords(fix, written);
  let raw: PlainMap | undefined = written.raw;
  for (const edit of fix.edits) raw = raw && applied(raw, edit);
  return raw && { raw };
}

function replaceWords(fix: Fix, { text, format }: Written): { raw: PlainMap; text: string } | undefined {
  let next = text;
  for (const edit of fix.edits) {
    if (edit.edit !== "replace-text") return undefined;
    const start = offsetAt(next, edit.line, edit.column);
    if (next.slice(start, start + edit.old.length) !== edit.old) return undefined;
    next = next.slice(0, start) + edit.new + next.slice(start + edit.old.length);
  }
  try {
    const raw = readPlain(next, format);
    return isMap(raw) ? { raw, text: next } : undefined;
  } catch {
    return undefined;
  }
}

function applied(raw: PlainMap, edit: Edit): PlainMap | undefined {
  switch (edit.edit) {
    case "set-top":
      return withTop(raw, edit.key, edit.value as Plain);
    case "set-field":
      return withNodeFields(raw, edit.node, { [edit.field]: (edit.value as Plain) ?? undefined });
    case "add-node":
      return withNode(raw, { id: edit.id, type: edit.type, label: edit.label, data: edit.data as PlainMap });
    case "add-edge":
      return withEdge(raw, { ...edit, label: edit.label ?? undefined });
    case "set-edge":
      return withEdgeAt(raw, edit.index, (edge) => {
        const changed = { ...edge, [edit.key]: edit.value };
        if (edit.value === null) delete changed[edit.key];
        return [changed];
      });
    case "remove-edge":
      return withEdgeAt(raw, edit.index, () => []);
    default:
      return undefined;
  }
}

function withEdgeAt(
  raw: PlainMap,
  index: number,
  change: (edge: PlainMap) => PlainMap[],
): PlainMap | undefined {
  const edges = raw["edges"];
  const edge = Array.isArray(edges) ? edges[index] : undefined;
  if (!Array.isArray(edges) || !isMap(edge)) return undefined;
  return { ...raw, edges: [...edges.slice(0, index), ...change(edge), ...edges.slice(index + 1)] };
}
