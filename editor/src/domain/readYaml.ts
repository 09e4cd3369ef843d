/**
 * YAML 1.2 with places, read by `yaml` (which keeps `Yes` a string and `12:30` a string).
 *
 *     readYaml("a: 1  # why\n")  →  a map with one entry whose value is at 3..4
 */
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type Scalar } from "yaml";
import { SyntaxProblem, type EntryTree, type ItemTree, type Plain, type ScalarTree, type Tree } from "./tree";

const QUOTES: Record<string, ScalarTree["quote"]> = {
  QUOTE_SINGLE: "single",
  QUOTE_DOUBLE: "double",
  BLOCK_LITERAL: "block",
  BLOCK_FOLDED: "folded",
};

export function readYaml(text: string): Tree {
  const document = parseDocument(text, { version: "1.2", keepSourceTokens: true, logLevel: "error" });
  const error = document.errors[0];
  if (error) {
    throw new SyntaxProblem(
      error.message.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, ""),
      ...error.pos,
    );
  }
  if (!document.contents)
    return { kind: "map", flow: false, entries: [], start: text.length, end: text.length };
  return convert(document.contents, document, text);
}

function convert(node: Node, document: Document, text: string): Tree {
  const [start, end] = node.range ?? [0, 0];
  if (isMap(node)) {
    const entries: EntryTree[] = node.items.map((pair) => {
      const key = pair.key as Scalar;
      if (!isScalar(key)) throw new SyntaxProblem("a key must be a plain text", start, end);
      const [keyStart, keyEnd] = key.range ?? [start, start];
      // The colon is the first one behind the key: between them only space may stand.
      const found = text.indexOf(":", keyEnd);
      const colon = found === -1 ? keyEnd : found + 1;
      const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
      return {
        key: name,
        keyStart,
        keyEnd,
        colon,
        value: convertOrNull(pair.value as Node | null, colon, document, text),
      };
    });
    const last = entries.at(-1);
    return node.flow
      ? { kind: "map", flow: true, entries, start, end }
      : { kind: "map", flow: false, entries, start, end: last ? last.value.end : end };
  }
  if (isSeq(node)) {
    const values = (node.items as Node[]).map((item) => convertOrNull(item, start, document, text));
    const dashes = node.flow ? [] : dashesOf(node);
    const items: ItemTree[] = values.map((value, index) => ({ dash: dashes[index] ?? value.start, value }));
    const last = items.at(-1);
    return {
      kind: "seq",
      flow: Boolean(node.flow),
      items,
      start,
      end: node.flow || !last ? end : last.value.end,
    };
  }
  if (isAlias(node)) {
    return { kind: "scalar", value: node.toJS(document) as Plain, quote: "plain", opaque: true, start, end };
  }
  const scalar = node as Scalar;
  const quote = QUOTES[scalar.type ?? ""] ?? "plain";
  return {
    kind: "scalar",
    value: plainScalar(scalar),
    quote,
    start,
    // A block text owns the line end behind it; the patcher counts in lines and wants to stand before it.
    end: quote === "block" || quote === "folded" ? trimmedEnd(text, start, end) : end,
  };
}

function convertOrNull(node: Node | null, place: number, document: Document, text: string): Tree {
  if (node) return convert(node, document, text);
  return { kind: "scalar", value: null, quote: "plain", start: place, end: place };
}

function plainScalar(scalar: Scalar): Plain {
  const value = scalar.value;
  if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value as Plain;
  return scalar.source ?? String(value);
}

function dashesOf(node: { srcToken?: unknown }): number[] {
  const token = node.srcToken as { items?: { start: { type: string; offset: number }[] }[] } | undefined;
  return (token?.items ?? []).flatMap((item) => {
    const dash = item.start.find((part) => part.type === "seq-item-ind");
    return dash ? [dash.offset] : [];
  });
}

function trimmedEnd(text: string, start: number, end: number): number {
  let last = end;
  while (last > start && (text[last - 1] === "\n" || text[last - 1] === "\r")) last--;
  return last;
}
