/**
 * Plain data as new text, in the manner of the text around it.
 *
 * Only what is new is written here; what stands already is never written again (see `patch.ts`).
 */
import { Document, visit } from "yaml";
import { isMap, type Plain } from "./tree";

/** A block of YAML without its last line end: `key: value` lines or `- item` lines. */
export function yamlBlock(value: Plain): string {
  const document = new Document(value, {
    version: "1.2",
    // Quote what YAML 1.1 readers would take for something else: `label: "Yes"`.
    compat: "yaml-1.1",
    aliasDuplicateObjects: false,
  });
  // A place on the canvas is one line, so that moving a box changes one line.
  visit(document, {
    Map(_, map) {
      if (map.items.length === 2 && map.has("x") && map.has("y")) map.flow = true;
    },
  });
  return (
    document
      .toString({ lineWidth: 0, indent: 2, indentSeq: true })
      .replace(/\n$/, "")
      // YAML 1.1 readers take a lone `y` for true, but not as the key of a place: nobody reads those with 1.1.
      .replace(/\{ x: (-?[\d.]+), "y": (-?[\d.]+) \}/g, "{ x: $1, y: $2 }")
  );
}

/** A value on one line, as it may stand inside `[ ]` and `{ }` as well. */
export function yamlInline(value: Plain): string {
  if (Array.isArray(value)) return value.length ? `[${value.map(yamlInline).join(", ")}]` : "[]";
  if (isMap(value)) {
    const entries = Object.entries(value);
    return entries.length
      ? `{ ${entries.map(([key, inner]) => `${yamlKey(key)}: ${yamlInline(inner)}`).join(", ")} }`
      : "{}";
  }
  if (typeof value === "string") {
    if (/[\n\r]|[,[\]{}]/.test(value) || value === "") return JSON.stringify(value);
    return yamlBlock(value);
  }
  return yamlBlock(value);
}

export function yamlKey(key: string): string {
  return yamlBlock({ [key]: 0 }).replace(/: 0$/, "");
}

/** A text in the quotes that its predecessor had, where those can say it. */
export function yamlText(value: string, quote: "plain" | "single" | "double"): string {
  if (value.includes("\n")) return yamlBlock(value);
  if (quote === "double") return JSON.stringify(value);
  // eslint-disable-next-line no-control-regex -- what single quotes cannot say
  if (quote === "single" && !/[\u0000-\u001f\u007f-\u00a0\u2028\u2029\ufeff]/.test(value)) {
    return `'${value.replaceAll("'", "''")}'`;
  }
  return yamlInline(value);
}

/** Every line but the first moved to the right. Empty lines stay empty. */
export function indentRest(text: string, indent: number): string {
  return text.replace(/\n(?=[^\n])/g, "\n" + " ".repeat(indent));
}
