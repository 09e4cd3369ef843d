/**
 * The `{{ }}` holes of a text, and the names that are used in them.
 *
 *     holesIn("to {{ targetEnv }}")  →  [{ start: 3, end: 18, inner: " targetEnv ", innerStart: 5 }]
 */
import { isMap, type Plain, type PlainMap } from "./tree";

export interface Hole {
  start: number;
  end: number;
  inner: string;
  innerStart: number;
  /** False while somebody is still typing it. */
  closed: boolean;
}

/** A value that an expression gives, or text with one in it. */
export function isHole(value: Plain | undefined): value is string {
  return typeof value === "string" && value.includes("{{");
}

export function holesIn(text: string): Hole[] {
  const holes: Hole[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf("{{", from);
    if (start === -1) return holes;
    const close = endOfHole(text, start + 2);
    const end = close === -1 ? text.length : close + 2;
    const inner = text.slice(start + 2, close === -1 ? text.length : close);
    holes.push({ start, end, inner, innerStart: start + 2, closed: close !== -1 });
    from = end;
  }
}

function endOfHole(text: string, from: number): number {
  let quote = "";
  for (let position = from; position < text.length; position++) {
    const here = text[position]!;
    if (quote) {
      if (here === "\\") position++;
      else if (here === quote) quote = "";
    } else if (here === '"' || here === "'" || here === "`") quote = here;
    else if (here === "}" && text[position + 1] === "}") return position;
  }
  return -1;
}

// A name may contain hyphens when a letter or digit follows: `discover-1.output`, but not `a - b`.
const TOKEN =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\??\.\s*[A-Za-z_$][\w$]*|[A-Za-z_$][\w$]*(?:-[\w$]+)*|\d[\w.]*/g;

export interface Use {
  name: string;
  start: number;
  end: number;
}

/** Names at the root of member chains in an expression: `a.b + c` uses a and c. */
export function namesIn(expression: string): Use[] {
  const uses: Use[] = [];
  for (const match of expression.matchAll(TOKEN)) {
    const name = match[0];
    if (/^["'.?\d]/.test(name)) continue;
    uses.push({ name, start: match.index, end: match.index + name.length });
  }
  return uses;
}

/** The text with every hole's use of one name given another. */
export function renameInText(text: string, renamed: ReadonlyMap<string, string>): string {
  if (!text.includes("{{")) return text;
  let result = "";
  let position = 0;
  for (const hole of holesIn(text)) {
    for (const use of namesIn(hole.inner)) {
      const name = renamed.get(use.name);
      if (name === undefined) continue;
      result += text.slice(position, hole.innerStart + use.start) + name;
      position = hole.innerStart + use.end;
    }
  }
  return result + text.slice(position);
}

/** The same for every text inside plain data; what does not change stays the same object. */
export function renameInPlain<T extends Plain>(value: T, renamed: ReadonlyMap<string, string>): T {
  if (typeof value === "string") return renameInText(value, renamed) as T;
  if (Array.isArray(value)) {
    const items = value.map((item) => renameInPlain(item, renamed));
    return (items.some((item, index) => item !== value[index]) ? items : value) as T;
  }
  if (!isMap(value)) return value;
  let changed = false;
  const result: PlainMap = {};
  for (const [key, inner] of Object.entries(value)) {
    result[key] = renameInPlain(inner, renamed);
    changed ||= result[key] !== inner;
  }
  return (changed ? result : value) as T;
}
