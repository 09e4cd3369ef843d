/**
 * Which lines of the generated flow belong to which node, and which lines of the definition.
 *
 * The server's map is a list of `{node, line, endLine, definitionLine}`, or an object of
 * node ids; both are read, and what is missing is simply not linked.
 */
import { at, type Format } from "./tree";
import { read } from "./read";
import { placeOf } from "./tree";

export interface Span {
  node: string;
  from: number;
  to: number;
}

export function sourceSpans(map: unknown): Span[] {
  const spans: Span[] = [];
  const one = (node: unknown, value: unknown): void => {
    if (typeof node !== "string") return;
    if (typeof value === "number") spans.push({ node, from: value, to: value });
    if (Array.isArray(value) && typeof value[0] === "number") {
      spans.push({ node, from: value[0], to: typeof value[1] === "number" ? value[1] : value[0] });
    } else if (Array.isArray(value)) value.forEach((inner) => one(node, inner));
    else if (typeof value === "object" && value !== null) {
      const span = value as Record<string, unknown>;
      const from = span["line"] ?? span["start"] ?? span["from"] ?? span["pythonLine"];
      const to = span["endLine"] ?? span["end"] ?? span["to"] ?? from;
      if (typeof from === "number") spans.push({ node, from, to: typeof to === "number" ? to : from });
      if (Array.isArray(span["lines"])) one(node, span["lines"]);
    }
  };
  if (Array.isArray(map)) {
    for (const item of map) {
      const entry = item as Record<string, unknown>;
      one(entry?.["node"] ?? entry?.["nodeId"], entry);
    }
  } else if (typeof map === "object" && map !== null) {
    const inner = (map as Record<string, unknown>)["nodes"];
    for (const [node, value] of Object.entries(typeof inner === "object" && inner !== null ? inner : map))
      one(node, value);
  }
  return spans;
}

/** The lines of each node in the definition's own text, counted from 1. */
export function definitionSpans(text: string, format: Format): Span[] {
  try {
    const nodes = at(read(text, format), ["nodes"]);
    if (nodes?.kind === "map") {
      return nodes.entries.map((entry) => ({
        node: entry.key,
        from: placeOf(text, entry.keyStart).line,
        to: placeOf(text, entry.value.end).line,
      }));
    }
    if (nodes?.kind === "seq") {
      return nodes.items.flatMap((item) => {
        const id = at(item.value, ["id"]);
        return id?.kind === "scalar" && typeof id.value === "string"
          ? [{ node: id.value, from: placeOf(text, item.dash).line, to: placeOf(text, item.value.end).line }]
          : [];
      });
    }
  } catch {
    // Not readable at the moment: nothing is linked.
  }
  return [];
}
