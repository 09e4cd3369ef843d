/**
 * Change a definition's text as little as its new data asks for.
 *
 *     patchText("a: 1  # why\nb: 2\n", "yaml", { a: 3, b: 2 })  →  "a: 3  # why\nb: 2\n"
 *
 * The old text is read with places, compared with the new data, and only what
 * differs is spliced: comments, order, quotes and blank lines of the rest stay
 * byte for byte. The result is read again before it is believed; should a
 * construct be too odd for splicing, the whole text is written anew.
 */
import { align } from "./align";
import { read } from "./read";
import {
  equal,
  isMap,
  toPlain,
  type Format,
  type ItemTree,
  type MapTree,
  type Plain,
  type PlainMap,
  type SeqTree,
  type Tree,
} from "./tree";
import { indentRest, yamlBlock, yamlInline, yamlKey, yamlText } from "./write";

interface Splice {
  start: number;
  end: number;
  text: string;
}

/** Where a value hangs: just behind its colon or dash, under a key or dash in this column. */
interface Slot {
  behind: number;
  column: number;
  flow: boolean;
  dash: boolean;
}

export function patchText(text: string, format: Format, next: Plain): string {
  const tree = readOnce(text, format);
  if (same(tree, next)) return text;
  const splices = new Splicer(text, format).splicesFor(tree, next);
  const patched = applySplices(text, splices);
  try {
    if (same(readOnce(patched, format), next)) return patched;
  } catch {
    // Not readable: written anew below.
  }
  return writeAnew(next, format);
}

let newest: { text: string; format: Format; tree: Tree } | undefined;

/** A change usually begins with the text that the change before it ended with. */
function readOnce(text: string, format: Format): Tree {
  if (newest?.text !== text || newest.format !== format) newest = { text, format, tree: read(text, format) };
  return newest.tree;
}

export function writeAnew(value: Plain, format: Format): string {
  return (format === "json" ? JSON.stringify(value, null, 2) : yamlBlock(value)) + "\n";
}

function applySplices(text: string, splices: Splice[]): string {
  const inOrder = splices
    .map((splice, index) => ({ ...splice, index }))
    .sort(
      (a, b) => a.start - b.start || Number(a.end > a.start) - Number(b.end > b.start) || a.index - b.index,
    );
  let result = "";
  let position = 0;
  for (const splice of inOrder) {
    result += text.slice(position, Math.max(position, splice.start)) + splice.text;
    position = Math.max(position, splice.end);
  }
  return result + text.slice(position);
}

function same(tree: Tree, plain: Plain): boolean {
  if (tree.kind === "map") {
    return (
      isMap(plain) &&
      tree.entries.length === Object.keys(plain).length &&
      tree.entries.every(({ key, value }) => Object.hasOwn(plain, key) && same(value, plain[key]!))
    );
  }
  if (tree.kind === "seq") {
    return (
      Array.isArray(plain) &&
      tree.items.length === plain.length &&
      tree.items.every((item, index) => same(item.value, plain[index]!))
    );
  }
  return equal(tree.value, plain);
}

class Splicer {
  private readonly splices: Splice[] = [];
  private readonly eol: string;

  constructor(
    private readonly text: string,
    private readonly format: Format,
  ) {
    this.eol = text.includes("\r\n") ? "\r\n" : "\n";
  }

  splicesFor(tree: Tree, next: Plain): Splice[] {
    this.value(tree, next, { behind: tree.start, column: 0, flow: this.format === "json", dash: false });
    return this.splices;
  }

  private add(start: number, end: number, text: string): void {
    this.splices.push({ start, end, text: this.eol === "\n" ? text : text.replace(/\r?\n/g, this.eol) });
  }

  private value(tree: Tree, next: Plain, slot: Slot): void {
    if (same(tree, next)) return;
    if (tree.kind === "map" && isMap(next) && tree.entries.some(({ key }) => Object.hasOwn(next, key))) {
      return this.map(tree, next, slot);
    }
    if (
      tree.kind === "map" &&
      isMap(next) &&
      tree.entries.length === Object.keys(next).length &&
      tree.entries.length
    ) {
      return this.map(tree, next, slot);
    }
    if (tree.kind === "seq" && Array.isArray(next) && next.length && tree.items.length) {
      return this.seq(tree, next, slot);
    }
    this.replace(tree, next, slot);
  }

  private replace(tree: Tree, next: Plain, slot: Slot): void {
    if (slot.flow) return this.add(tree.start, tree.end, this.flowText(next, tree.start));
    const oneLine = typeof next !== "object" && !(typeof next === "string" && next.includes("\n"));
    if (tree.kind === "scalar" && !tree.opaque && tree.end > tree.start && (oneLine || next === null)) {
      if (tree.quote !== "block" && tree.quote !== "folded") {
        const written =
          typeof next !== "string" || tree.quote === "plain" ? yamlBlock(next) : yamlText(next, tree.quote);
        return this.add(tree.start, tree.end, written);
      }
    }
    this.add(slot.behind, tree.end, this.blockText(next, slot.column, slot.dash));
  }

  private map(tree: MapTree, next: PlainMap, slot: Slot): void {
    const { entries } = tree;
    const nextKeys = Object.keys(next);
    const known = new Map(entries.map((entry) => [entry.key, entry]));
    const renamed = renames(
      entries.map((entry) => entry.key),
      nextKeys,
    );
    const survives = entries.map((entry) => Object.hasOwn(next, entry.key) || renamed.has(entry.key));
    if (!survives.some(Boolean)) return this.replace(tree, next, slot);
    const column = this.column(entries[0]!.keyStart);

    entries.forEach((entry, index) => {
      if (!survives[index]) return;
      const key = renamed.get(entry.key) ?? entry.key;
      if (key !== entry.key) {
        this.add(entry.keyStart, entry.keyEnd, this.format === "json" ? JSON.stringify(key) : yamlKey(key));
      }
      this.value(entry.value, next[key]!, { behind: entry.colon, column, flow: tree.flow, dash: false });
    });
    this.remove(
      entries.map((entry) => ({ start: entry.keyStart, end: entry.value.end })),
      survives,
      tree.flow,
    );

    const newNames = new Set(renamed.values());
    let anchor: number | undefined;
    for (const key of nextKeys) {
      const old = known.get(key);
      if (old && !newNames.has(key)) anchor = entries.indexOf(old);
      else if (newNames.has(key)) anchor = entries.findIndex((entry) => renamed.get(entry.key) === key);
      else {
        const first = entries[survives.indexOf(true)]!;
        const after = anchor === undefined ? undefined : entries[anchor]!;
        const places = entries.map((entry) => ({ start: entry.keyStart, end: entry.value.end }));
        const name = this.format === "json" ? JSON.stringify(key) : yamlKey(key);
        const write = (): string =>
          tree.flow
            ? `${name}: ${this.flowText(next[key]!, after?.keyStart ?? first.keyStart)}`
            : `${name}:${this.blockText(next[key]!, column, false)}`;
        this.insert(
          places,
          after && { start: after.keyStart, end: after.value.end },
          first.keyStart,
          column,
          tree.flow,
          write(),
        );
      }
    }
  }

  private seq(tree: SeqTree, next: Plain[], slot: Slot): void {
    const { items } = tree;
    const { kept, gone, fresh } = align(
      items.map((item) => toPlain(item.value)),
      next,
    );
    if (!kept.length) return this.replace(tree, next, slot);
    const column = this.column(items[0]!.dash);
    const oldIndex = new Map(kept.map(([i, j]) => [j, i]));
    for (const [i, j] of kept) {
      const item = items[i]!;
      const behind = tree.flow ? item.value.start : item.dash + 1;
      this.value(item.value, next[j]!, { behind, column, flow: tree.flow, dash: true });
    }
    const place = (item: ItemTree): { start: number; end: number } => ({
      start: item.dash,
      end: item.value.end,
    });
    const places = items.map(place);
    this.remove(
      places,
      items.map((_, index) => !gone.has(index)),
      tree.flow,
    );
    const first = items[kept[0]![0]]!;
    let anchor: ItemTree | undefined;
    next.forEach((value, j) => {
      if (!fresh.has(j)) {
        anchor = items[oldIndex.get(j)!];
        return;
      }
      const model = anchor ?? first;
      const inline = model.value.kind !== "scalar" && model.value.flow;
      const write = tree.flow
        ? this.flowText(value, model.dash)
        : inline
          ? `- ${yamlInline(value)}`
          : `-${this.blockText(value, column, true)}`;
      this.insert(places, anchor && place(anchor), first.dash, column, tree.flow, write);
    });
  }

  /** Take entries out, with their lines. */
  private remove(places: { start: number; end: number }[], survives: boolean[], flow: boolean): void {
    const firstSurvivor = survives.indexOf(true);
    const lastSurvivor = survives.lastIndexOf(true);
    places.forEach((place, index) => {
      if (survives[index]) return;
      if (flow) {
        if (index < lastSurvivor) this.add(place.start, places[index + 1]!.start, "");
        else this.add(places[index - 1]!.end, place.end, "");
        return;
      }
      const lineStart = this.lineStart(place.start);
      if (index < firstSurvivor && this.text.slice(lineStart, place.start).trim() !== "") {
        // It shares its line with the dash of the list item that it begins.
        return this.add(place.start, places[index + 1]!.start, "");
      }
      let start = this.before(lineStart);
      let end = this.lineEnd(place.end);
      if (start < 0) {
        start = 0;
        end = Math.min(this.text.length, end + this.eol.length);
      } else if (this.lineIsBlank(start)) start = this.before(this.lineStart(start));
      else if (index === 0 && survives[1] && this.lineIsBlank(end + this.eol.length)) {
        end = this.lineEnd(end + this.eol.length);
      }
      this.add(start, end, "");
    });
  }

  private insert(
    places: { start: number; end: number }[],
    after: { start: number; end: number } | undefined,
    first: number,
    column: number,
    flow: boolean,
    written: string,
  ): void {
    if (flow) {
      const model = after?.start ?? first;
      const ownLine = this.text.slice(this.lineStart(model), model).trim() === "";
      const gap = ownLine ? "\n" + " ".repeat(this.column(model)) : " ";
      if (after) this.add(after.end, after.end, `,${gap}${written}`);
      else this.add(first, first, `${written},${gap}`);
      return;
    }
    const pad = " ".repeat(column);
    const [beforeLast, last] = places.slice(-2);
    const airy = beforeLast && last && /\n[ \t]*\r?\n/.test(this.text.slice(beforeLast.end, last.start));
    const gap = airy ? "\n\n" : "\n";
    const indented = indentRest(written, 0);
    if (!after) return this.add(first, first, indented + gap + pad);
    const place = this.lineEnd(after.end);
    this.add(place, place, gap + pad + indented);
  }

  /** What stands behind a colon or a dash in a block: ` value`, or lines below it. */
  private blockText(value: Plain, column: number, dash: boolean): string {
    const written = dash ? yamlBlock([value]).slice(1) : yamlBlock({ k: value }).slice(2);
    return indentRest(written, column);
  }

  private flowText(value: Plain, near: number): string {
    if (this.format === "yaml") return yamlInline(value);
    const lineStart = this.lineStart(near);
    const indent = /^[ \t]*/.exec(this.text.slice(lineStart))![0];
    const unit = /\n([ \t]+)/.exec(this.text)?.[1];
    if (!unit) return JSON.stringify(value);
    return JSON.stringify(value, null, unit).replace(/\n/g, "\n" + indent);
  }

  private column(offset: number): number {
    return offset - this.lineStart(offset);
  }

  private lineStart(offset: number): number {
    return this.text.lastIndexOf("\n", offset - 1) + 1;
  }

  /** The end of the previous line, before its line end; negative in the first line. */
  private before(lineStart: number): number {
    if (lineStart === 0) return -1;
    return lineStart - (this.text[lineStart - 2] === "\r" ? 2 : 1);
  }

  private lineEnd(offset: number): number {
    const newline = this.text.indexOf("\n", offset);
    if (newline === -1) return this.text.length;
    return this.text[newline - 1] === "\r" ? newline - 1 : newline;
  }

  private lineIsBlank(offset: number): boolean {
    if (offset > this.text.length) return false;
    const start = this.lineStart(offset);
    return (
      start > 0 &&
      start <= this.text.length &&
      this.text.slice(start, this.lineEnd(offset)).trim() === "" &&
      start !== this.text.length
    );
  }
}

/** Keys that kept their place under a new name. */
function renames(before: string[], after: string[]): Map<string, string> {
  const result = new Map<string, string>();
  if (before.length !== after.length) return result;
  const old = new Set(before);
  const fresh = new Set(after);
  before.forEach((key, index) => {
    const candidate = after[index]!;
    if (candidate !== key && !fresh.has(key) && !old.has(candidate)) result.set(key, candidate);
  });
  return result;
}
