import type { Plain } from "./tree";

/** Data as it is typed: texts as they are, everything else as JSON. */
export function showValue(value: Plain | undefined, kind: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") return JSON.stringify(value);
  return kind === "any" && looksLikeJson(value) ? JSON.stringify(value) : value;
}

export function readValue(text: string, kind: string, required: boolean): Plain | undefined {
  if (text === "" && !required) return undefined;
  if (kind === "any" && looksLikeJson(text)) {
    try {
      return JSON.parse(text) as Plain;
    } catch {
      return text;
    }
  }
  return text;
}

function looksLikeJson(text: string): boolean {
  return /^\s*(?:true|false|null|-?\d+(?:\.\d+)?|"(?:[^"\\]|\\.)*"|\[[\s\S]*\]|\{(?!\{)[\s\S]*\})\s*$/.test(
    text,
  );
}
