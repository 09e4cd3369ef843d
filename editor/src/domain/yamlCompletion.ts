/**
 * What may be written at a place in the definition's text: keys, words of an enum, node ids.
 *
 * It looks at indentation above the cursor, so it works while the text is half
 * written, which is when completion is wanted.
 */
import { COMMON } from "./definition";
import { configKey, outcomesOf, SUCCESS, type Catalogue, type NodeType } from "./nodeTypes";

export interface Word {
  label: string;
  detail: string;
  info?: string;
  /** Text behind it: a colon for keys. */
  tail: string;
}

const TOP: [string, string][] = [
  ["version", "always 1.0"],
  ["name", "what the workflow is called"],
  ["description", "what it is for"],
  ["trigger", "manual, scheduled, webhook or event"],
  ["tags", "words to find it by"],
  ["variables", "what a run is told"],
  ["nodes", "the steps"],
  ["edges", "what follows what"],
  ["settings", "time limit, concurrency"],
  ["layout", "places on the canvas"],
];
const WORDS: Record<string, string[]> = {
  trigger: ["manual", "scheduled", "webhook", "event"],
  retryBackoff: ["exponential", "linear"],
  onCollision: ["queue", "skip", "cancel-previous"],
};
const BOOLEANS = ["retryable", "continueOnError", "disabled"];

interface Line {
  indent: number;
  key: string;
  value: string;
}

/** The keys above a line, outermost first, and the lines beside it in the same mapping. */
export function surroundings(
  lines: readonly string[],
  at: number,
): { path: string[]; siblings: Map<string, string> } {
  const parse = (text: string): Line | undefined => {
    const match = /^(\s*(?:- )?)("[^"]*"|'[^']*'|[^\s#:][^:#]*?)\s*:(?:\s+(.*))?$/.exec(text);
    return match
      ? {
          indent: match[1]!.length,
          key: match[2]!.replace(/^["']|["']$/g, ""),
          value: (match[3] ?? "").trim(),
        }
      : undefined;
  };
  const own = lines[at] ?? "";
  const indent = /^\s*(?:- )?/.exec(own)![0].length;
  const path: string[] = [];
  const siblings = new Map<string, string>();
  let limit = indent;
  let together = true;
  for (let index = at - 1; index >= 0; index--) {
    const text = lines[index]!;
    if (text.trim() === "" || text.trim().startsWith("#")) continue;
    const line = parse(text);
    if (!line) continue;
    if (line.indent === indent && together) {
      siblings.set(line.key, line.value);
      if (/^\s*- /.test(text)) together = false;
    }
    if (line.indent < limit) {
      together = false;
      path.unshift(line.key);
      limit = line.indent;
    }
    if (limit === 0) break;
  }
  for (let index = at + 1; index < lines.length; index++) {
    const text = lines[index]!;
    if (text.trim() === "") continue;
    const line = parse(text);
    if (/^\s*- /.test(text) || !line || line.indent < indent) break;
    if (line.indent === indent) siblings.set(line.key, line.value);
  }
  return { path, siblings };
}

export function completeYaml(
  lines: readonly string[],
  at: number,
  column: number,
  ids: readonly { id: string; label: string; type: string; variant: string }[],
  catalogue: Catalogue,
): { from: number; words: Word[] } | undefined {
  const before = (lines[at] ?? "").slice(0, column);
  const { path, siblings } = surroundings(lines, at);
  const unquoted = (text: string | undefined): string => (text ?? "").replace(/^["']|["']$/g, "");
  const nodeLine = path[0] === "nodes" && path.length >= 2;
  const type = (): NodeType | undefined => {
    const kind = unquoted(siblings.get("type"));
    const sample = catalogue.all.find((item) => item.type === kind);
    return catalogue.find(kind, sample?.discriminator ? unquoted(siblings.get(sample.discriminator)) : "");
  };

  const valueOf = /^\s*(?:- )?["']?([\w-]+)["']?\s*:\s+["']?([\w-]*)$/.exec(before);
  if (valueOf) {
    const key = valueOf[1]!;
    const plain = (words: string[], detail = ""): Word[] =>
      words.map((label) => ({ label, detail, tail: "" }));
    const from = column - valueOf[2]!.length;
    if (path[0] === "edges" && (key === "source" || key === "target")) {
      return { from, words: ids.map(({ id, label }) => ({ label: id, detail: label, tail: "" })) };
    }
    if (path[0] === "edges" && key === "label") {
      const source = ids.find(({ id }) => id === unquoted(siblings.get("source")));
      const known = source && catalogue.find(source.type, source.variant);
      return { from, words: plain(outcomesOf(known).filter((outcome) => outcome !== SUCCESS)) };
    }
    if (nodeLine && path.length === 2) {
      if (key === "type") return { from, words: plain([...new Set(catalogue.all.map((item) => item.type))]) };
      const family = catalogue.all.filter((item) => item.type === unquoted(siblings.get("type")));
      if (family[0]?.discriminator === key) {
        return {
          from,
          words: family.map((item) => ({
            label: item.variant,
            detail: item.label,
            info: item.summary,
            tail: "",
          })),
        };
      }
      const found = type();
      const schema = Object.entries(found?.configSchema.properties ?? {}).find(
        ([name]) => found && configKey(found, name) === key,
      )?.[1];
      if (schema?.enum) return { from, words: plain(schema.enum.map(String)) };
      if (schema?.type === "boolean" || BOOLEANS.includes(key))
        return { from, words: plain(["true", "false"]) };
    }
    if (path[0] === "variables" && key === "type")
      return { from, words: plain(["string", "number", "boolean", "object", "secret"]) };
    if (WORDS[key]) return { from, words: plain(WORDS[key]) };
    return undefined;
  }

  const keyOf = /^(\s*(?:- )?)([\w-]*)$/.exec(before);
  if (!keyOf) return undefined;
  const from = column - keyOf[2]!.length;
  const key = (label: string, detail = "", info?: string): Word => ({
    label,
    detail,
    tail: ": ",
    ...(info ? { info } : {}),
  });
  let words: Word[] = [];
  if (path.length === 0) words = TOP.map(([label, detail]) => key(label, detail));
  else if (path[0] === "edges")
    words = [key("source", "node id"), key("target", "node id"), key("label", "outcome")];
  else if (nodeLine && path.length === 2) {
    const found = type();
    const discriminator = catalogue.all.find(
      (item) => item.type === unquoted(siblings.get("type")),
    )?.discriminator;
    words = [
      key("type"),
      key("label"),
      ...(discriminator ? [key(discriminator)] : []),
      ...Object.entries(found?.configSchema.properties ?? {}).flatMap(([name, schema]) =>
        schema["x-widget"] === "hidden"
          ? []
          : [key(configKey(found!, name), String(schema.type ?? ""), schema.description)],
      ),
      ...COMMON.map((name) => key(name)),
    ];
  } else if (path[0] === "variables" && path.length === 2)
    words = ["type", "default", "description"].map((name) => key(name));
  else if (path[0] === "settings")
    words = ["timeout", "concurrencyKey", "onCollision"].map((name) => key(name));
  else if (path[0] === "layout") words = ids.map(({ id, label }) => key(id, label));
  const fresh = words.filter(
    (word, index) =>
      !siblings.has(word.label) && words.findIndex((other) => other.label === word.label) === index,
  );
  return fresh.length ? { from, words: fresh } : undefined;
}
