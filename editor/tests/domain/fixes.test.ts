import { expect, test } from "vitest";
import { applyFix, type Fix } from "@/domain/fixes";
import { patchText } from "@/domain/patch";
import { readPlain } from "@/domain/read";
import type { Format, PlainMap } from "@/domain/tree";
import { SAFE_YAML } from "../fixtures/safe";

const AS_JSON = JSON.stringify(readPlain(SAFE_YAML, "yaml"), null, 2) + "\n";
type Edits = Fix["edits"];

/** The text after the fix, written as the editor writes it; undefined where it does not fit. */
function mended(text: string, edits: Edits, format: Format = "yaml"): string | undefined {
  const raw = readPlain(text, format) as PlainMap;
  const result = applyFix({ title: "Mend", edits }, { text, format, raw });
  return result && (result.text ?? patchText(text, format, result.raw));
}

test("a word is replaced where it stands, also behind characters outside the basic plane", () => {
  const text = 'name: "🦀"\nnodes: { "🦀": { type: acton } } # why\n';
  const edit = { edit: "replace-text" as const, line: 2, column: 23, old: "acton", new: "action" };
  expect(mended(text, [edit])).toBe(text.replace("acton", "action"));
});

test("a word that does not stand there any more is left alone", () => {
  const edit = { edit: "replace-text" as const, line: 1, column: 7, old: "acton", new: "action" };
  expect(mended("name: other\n", [edit])).toBeUndefined();
  expect(mended("name: o\n", [{ ...edit, line: 40 }])).toBeUndefined();
});

test("a replacement that would break the text is refused", () => {
  const edit = { edit: "replace-text" as const, line: 1, column: 7, old: "x", new: '"' };
  expect(mended("name: x\n", [edit])).toBeUndefined();
});

for (const [format, safe] of [
  ["yaml", SAFE_YAML],
  ["json", AS_JSON],
] as const) {
  test(`edges are added, changed and removed, and nothing else changes, in ${format}`, () => {
    const raw = readPlain(safe, format) as PlainMap;
    const edges = raw["edges"] as PlainMap[];
    const added = mended(
      safe,
      [{ edit: "add-edge", source: "filter-1", target: "notify-1", label: "No" }],
      format,
    )!;
    expect((readPlain(added, format) as PlainMap)["edges"]).toEqual([
      ...edges,
      { source: "filter-1", target: "notify-1", label: "No" },
    ]);
    expect(mended(added, [{ edit: "remove-edge", index: edges.length }], format)).toBe(safe);
    const changed = mended(safe, [{ edit: "set-edge", index: 2, key: "label", value: "No" }], format)!;
    expect(changed).toBe(safe.replace(/(label"?: )"?Yes"?/, format === "json" ? '$1"No"' : '$1"No"'));
    expect(
      mended(safe, [{ edit: "set-edge", index: 99, key: "label", value: "No" }], format),
    ).toBeUndefined();
  });

  test(`a node comes with its edge in one change, in ${format}`, () => {
    const data = { action: "rollback", connectionId: "{{ connectionId }}" };
    const text = mended(
      safe,
      [
        { edit: "add-node", id: "rollback-1", type: "action", label: "Roll back", data },
        { edit: "add-edge", source: "execute-1", target: "rollback-1", label: "Failed" },
        { edit: "set-field", node: "approval-1", field: "timeout", value: null },
      ],
      format,
    )!;
    expect(text).toContain("rollback-1");
    expect(text).not.toContain("3600");
    const removed = safe.split("\n").filter((line) => !text.split("\n").includes(line));
    expect(removed.filter((line) => !line.includes("timeout")).length).toBeLessThanOrEqual(
      format === "json" ? 2 : 0,
    );
  });
}
