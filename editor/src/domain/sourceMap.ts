/** Which lines of the generated flow, and of the definition's own text, belong to which node. Lines count from 1. */
import { read } from "./read";
import { at, placeOf, type Format } from "./tree";

export interface Span {
  node: string;
  from: number;
  to: number;
}

/** A node of the flow has two places: the task that says what, and the rule that says when. */
interface Mapped {
  node: string;
  first_line: number;
  last_line: number;
  rule_line: number;
  rule_last_line: number;
}

export function sourceSpans(map: unknown): Span[] {
  if (!Array.isArray(map)) return [];
  return (map as Partial<Mapped>[]).flatMap(({ node, first_line, last_line, rule_line, rule_last_line }) => {
    if (typeof node !== "string" || typeof first_line !== "number") return [];
    const task = { node, from: first_line, to: last_line ?? first_line };
    return typeof rule_line === "number"
      ? [task, { node, from: rule_line, to: rule_last_line ?? rule_line }]
      : [task];
  });
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
