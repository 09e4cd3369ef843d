/**
 * A definition's text with the place of every value in it.
 *
 * YAML and JSON are read into the same tree, so that one patcher serves both.
 * Offsets are UTF-16 positions in the text: `text.slice(tree.start, tree.end)`
 * is the value as it was written.
 */

/** Plain data: what JSON can say. */
export type Plain = null | boolean | number | string | Plain[] | PlainMap;
export interface PlainMap {
  [key: string]: Plain;
}

interface Place {
  start: number;
  end: number;
}

export interface ScalarTree extends Place {
  kind: "scalar";
  value: Plain;
  /** How a string was written, so that its replacement is written alike. */
  quote: "plain" | "single" | "double" | "block" | "folded";
  /** An alias or another construct that is only ever replaced as a whole. */
  opaque?: boolean;
}

export interface MapTree extends Place {
  kind: "map";
  flow: boolean;
  entries: EntryTree[];
}

export interface EntryTree {
  key: string;
  keyStart: number;
  keyEnd: number;
  /** Just behind the colon. */
  colon: number;
  value: Tree;
}

export interface SeqTree extends Place {
  kind: "seq";
  flow: boolean;
  items: ItemTree[];
}

export interface ItemTree {
  /** Where the dash stands in a block sequence; the value's start in a flow one. */
  dash: number;
  value: Tree;
}

export type Tree = ScalarTree | MapTree | SeqTree;

/** The text is not YAML or JSON at all. Offsets count from 0. */
export class SyntaxProblem extends Error {
  constructor(
    message: string,
    readonly offset: number,
    readonly endOffset: number = offset + 1,
  ) {
    super(message);
    this.name = "SyntaxProblem";
  }
}

export type Format = "yaml" | "json";

export function isMap(value: Plain | undefined): value is PlainMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function equal(a: Plain | undefined, b: Plain | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (!isMap(a) || !isMap(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
  );
}

/** The data of a tree, without places. Keys are own properties even when they are called `__proto__`. */
export function toPlain(tree: Tree): Plain {
  if (tree.kind === "scalar") return tree.value;
  if (tree.kind === "seq") return tree.items.map((item) => toPlain(item.value));
  const map: PlainMap = {};
  for (const entry of tree.entries) {
    Object.defineProperty(map, entry.key, {
      value: toPlain(entry.value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return map;
}

/** Line and column, both counted from 1, of an offset. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}

/** The offset of a line and column, both from 1; the server counts a column in whole characters. */
export function offsetAt(text: string, line: number, column: number): number {
  let start = 0;
  for (let number = 1; number < line; number++) {
    const end = text.indexOf("\n", start);
    if (end === -1) return text.length;
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  const characters = [...text.slice(start, end === -1 ? text.length : end)];
  return start + characters.slice(0, column - 1).join("").length;
}

/** The tree at a path of keys and indices, or undefined. */
export function at(tree: Tree | undefined, path: readonly (string | number)[]): Tree | undefined {
  let here = tree;
  for (const step of path) {
    if (here?.kind === "map") here = here.entries.find((entry) => entry.key === String(step))?.value;
    else if (here?.kind === "seq") here = here.items[Number(step)]?.value;
    else return undefined;
  }
  return here;
}
