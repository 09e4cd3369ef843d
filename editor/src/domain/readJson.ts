/**
 * JSON with places. `JSON.parse` knows none, and a YAML reader would accept more than JSON.
 *
 *     readJson('{"a": 1}')  →  a map with one entry whose value is at 6..7
 */
import { SyntaxProblem, type EntryTree, type ItemTree, type Tree } from "./tree";

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- JSON refuses exactly these
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;
const DEEPEST = 200;

export function readJson(text: string): Tree {
  let position = text.charCodeAt(0) === 0xfeff ? 1 : 0;

  function space(): void {
    while (position < text.length && " \t\r\n".includes(text[position]!)) position++;
  }

  function fail(message: string): never {
    throw new SyntaxProblem(message, Math.min(position, Math.max(0, text.length - 1)));
  }

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) position += found.length;
    return found;
  }

  function string(): string {
    const found = match(STRING) ?? fail("a text in double quotes is expected here");
    return JSON.parse(found) as string;
  }

  function value(depth: number): Tree {
    if (depth > DEEPEST) fail("nested too deeply");
    space();
    const start = position;
    const first = text[position];
    if (first === "{") return map(start, depth);
    if (first === "[") return seq(start, depth);
    if (first === '"') return { kind: "scalar", value: string(), quote: "double", start, end: position };
    for (const [word, meaning] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (text.startsWith(word, position)) {
        position += word.length;
        return { kind: "scalar", value: meaning, quote: "plain", start, end: position };
      }
    }
    const number =
      match(NUMBER) ?? fail(position < text.length ? "a value is expected here" : "the text ends too early");
    return { kind: "scalar", value: Number(number), quote: "plain", start, end: position };
  }

  function map(start: number, depth: number): Tree {
    const entries: EntryTree[] = [];
    const seen = new Set<string>();
    position++;
    space();
    while (text[position] !== "}") {
      space();
      const keyStart = position;
      const key = string();
      const keyEnd = position;
      if (seen.has(key))
        throw new SyntaxProblem(`the key ${JSON.stringify(key)} is given twice`, keyStart, keyEnd);
      seen.add(key);
      space();
      if (text[position] !== ":") fail("a colon is expected here");
      const colon = ++position;
      entries.push({ key, keyStart, keyEnd, colon, value: value(depth + 1) });
      space();
      if (text[position] === ",") {
        position++;
        space();
        if (text[position] === "}") fail("a comma before the closing brace");
      } else if (text[position] !== "}") fail("a comma or a closing brace is expected here");
    }
    position++;
    return { kind: "map", flow: true, entries, start, end: position };
  }

  function seq(start: number, depth: number): Tree {
    const items: ItemTree[] = [];
    position++;
    space();
    while (text[position] !== "]") {
      const item = value(depth + 1);
      items.push({ dash: item.start, value: item });
      space();
      if (text[position] === ",") {
        position++;
        space();
        if (text[position] === "]") fail("a comma before the closing bracket");
      } else if (text[position] !== "]") fail("a comma or a closing bracket is expected here");
    }
    position++;
    return { kind: "seq", flow: true, items, start, end: position };
  }

  const tree = value(0);
  space();
  if (position < text.length) fail("nothing may follow the closing brace");
  return tree;
}
