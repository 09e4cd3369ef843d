import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as definition from "@/domain/definition";
import { patchText, writeAnew } from "@/domain/patch";
import { readPlain } from "@/domain/read";
import type { Format, Plain, PlainMap } from "@/domain/tree";
import { SAFE_JSON, SAFE_YAML } from "../fixtures/safe";

/** The lines that are only in one of two texts, as a reviewer would see them. */
function changedLines(before: string, after: string): { removed: string[]; added: string[] } {
  const a = before.split("\n");
  const b = after.split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return { removed: a.slice(head, a.length - tail), added: b.slice(head, b.length - tail) };
}

function edit(text: string, format: Format, change: (raw: PlainMap) => PlainMap): string {
  return patchText(text, format, change(readPlain(text, format) as PlainMap));
}

describe("a text that is patched", () => {
  it("is byte-identical when nothing changed", () => {
    expect(edit(SAFE_YAML, "yaml", (raw) => raw)).toBe(SAFE_YAML);
    expect(edit(SAFE_JSON, "json", (raw) => raw)).toBe(SAFE_JSON);
  });

  it("changes one line for one field, and keeps quotes and comments", () => {
    const next = edit(SAFE_YAML, "yaml", (raw) =>
      definition.withNodeFields(raw, "approval-1", { timeout: 7200 }),
    );
    expect(changedLines(SAFE_YAML, next)).toEqual({
      removed: ["    timeout: 3600   # an hour"],
      added: ["    timeout: 7200   # an hour"],
    });
    const quoted = edit(SAFE_YAML, "yaml", (raw) =>
      definition.withNodeFields(raw, "discover-1", { connectionId: "conn_1" }),
    );
    expect(changedLines(SAFE_YAML, quoted).added).toEqual(['    connectionId: "conn_1"']);
  });

  it("adds a field as one line behind the node's last", () => {
    const next = edit(SAFE_YAML, "yaml", (raw) =>
      definition.withNodeFields(raw, "filter-1", { notes: "Look: here" }),
    );
    expect(changedLines(SAFE_YAML, next)).toEqual({ removed: [], added: ['    notes: "Look: here"'] });
  });

  it("keeps a list item's own way of writing", () => {
    const next = edit(SAFE_YAML, "yaml", (raw) =>
      definition.withNodeFields(raw, "approval-1", {
        approvers: ["{{ currentUser.teamOwner }}", "role:admin"],
      }),
    );
    expect(changedLines(SAFE_YAML, next)).toEqual({ removed: [], added: ["      - role:admin"] });
  });

  it("adds a node with an empty line before it, as its neighbours have", () => {
    const next = edit(SAFE_YAML, "yaml", (raw) =>
      definition.withNode(raw, { id: "delay-1", type: "delay", label: "Wait", data: { minutes: 5 } }),
    );
    expect(changedLines(SAFE_YAML, next)).toEqual({
      removed: [],
      added: ["  delay-1:", "    type: delay", "    label: Wait", "    minutes: 5", ""],
    });
  });

  it("adds an edge with a quoted Yes", () => {
    const next = edit(SAFE_YAML, "yaml", (raw) =>
      definition.withEdge(raw, { source: "filter-1", target: "execute-1", label: "No" }),
    );
    expect(changedLines(SAFE_YAML, next).added).toEqual([
      "  - source: filter-1",
      "    target: execute-1",
      '    label: "No"',
    ]);
  });

  it("takes a node out with its edges and leaves every comment", () => {
    const next = edit(SAFE_YAML, "yaml", (raw) => definition.withoutNodes(raw, new Set(["filter-1"])));
    expect(next).not.toContain("filter-1");
    for (const comment of ["# What is there to do?", "# an hour", "# Only with a yes.", "# where it goes"]) {
      expect(next).toContain(comment);
    }
    expect(next).not.toMatch(/\n\n\n/);
  });

  it("renames a key where it stands", () => {
    const next = edit(SAFE_YAML, "yaml", (raw) => ({
      ...raw,
      nodes: Object.fromEntries(
        Object.entries(raw["nodes"] as PlainMap).map(([id, node]) => [
          id === "filter-1" ? "any-pending" : id,
          node,
        ]),
      ),
    }));
    expect(changedLines(SAFE_YAML, next)).toEqual({ removed: ["  filter-1:"], added: ["  any-pending:"] });
  });

  it("keeps list-shaped JSON as it is, in its indentation", () => {
    const next = edit(SAFE_JSON, "json", (raw) =>
      definition.withNodeFields(raw, "discover-1", { ormType: "prisma", notes: "x" }),
    );
    expect(changedLines(SAFE_JSON, next)).toEqual({
      removed: ['        "ormType": "auto"'],
      added: ['        "ormType": "prisma",', '        "notes": "x"'],
    });
    const added = edit(SAFE_JSON, "json", (raw) =>
      definition.withEdge(raw, { source: "filter-1", target: "x" }),
    );
    expect(JSON.parse(added).edges).toHaveLength(3);
    expect(added.startsWith(SAFE_JSON.slice(0, SAFE_JSON.indexOf('"edges"')))).toBe(true);
  });

  it("writes a moved box as one line of layout", () => {
    const once = edit(SAFE_YAML, "yaml", (raw) =>
      definition.withPositions(raw, { "filter-1": { x: 10.4, y: 20 } }),
    );
    expect(changedLines(SAFE_YAML, once)).toEqual({
      removed: [],
      added: ["layout:", "  filter-1: { x: 10, y: 20 }", ""],
    });
    const twice = edit(once, "yaml", (raw) =>
      definition.withPositions(raw, { "filter-1": { x: 30, y: 20 } }),
    );
    expect(changedLines(once, twice).added).toEqual(["  filter-1: { x: 30, y: 20 }"]);
  });

  it("turns a single line into several and back", () => {
    const many = edit(SAFE_YAML, "yaml", (raw) =>
      definition.withNodeFields(raw, "filter-1", { notes: "a\nb\n" }),
    );
    expect(many).toContain("    notes: |\n      a\n      b\n");
    const changed = edit(many, "yaml", (raw) =>
      definition.withNodeFields(raw, "filter-1", { notes: "a\nc" }),
    );
    expect(readPlain(changed, "yaml")).toMatchObject({ nodes: { "filter-1": { notes: "a\nc" } } });
    const gone = edit(changed, "yaml", (raw) =>
      definition.withNodeFields(raw, "filter-1", { notes: undefined }),
    );
    expect(gone).toBe(SAFE_YAML);
  });

  it("keeps Windows line ends", () => {
    const windows = SAFE_YAML.replaceAll("\n", "\r\n");
    const next = edit(windows, "yaml", (raw) =>
      definition.withEdge(definition.withNodeFields(raw, "filter-1", { notes: "n" }), {
        source: "a",
        target: "b",
      }),
    );
    expect(next.replaceAll("\r\n", "")).not.toContain("\n");
  });
});

const word = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/),
  fc.constantFrom(
    "Yes",
    "null",
    "12:30",
    "on",
    "~",
    "- x",
    "a: b",
    "# no",
    "{{ x }}",
    "'",
    '"',
    "é ü",
    "\u202e",
  ),
  fc.string({ maxLength: 8 }),
);
const scalar: fc.Arbitrary<Plain> = fc.oneof(
  word,
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant("a\nb"),
);
const plain = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(word, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
const document = fc.dictionary(word, plain, {
  minKeys: 1,
  maxKeys: 5,
  noNullPrototype: true,
}) as fc.Arbitrary<PlainMap>;

describe("for any two documents", () => {
  it.each(["yaml", "json"] as const)("the patched %s says exactly what the new data says", (format) => {
    fc.assert(
      fc.property(document, document, (before, after) => {
        const text = writeAnew(before, format);
        expect(readPlain(text, format)).toEqual(before);
        expect(readPlain(patchText(text, format, after), format)).toEqual(after);
        // And back: the data is what it was.
        expect(readPlain(patchText(patchText(text, format, after), format, before), format)).toEqual(before);
      }),
      { numRuns: 400 },
    );
  });

  it("a change of one field leaves every other line alone", () => {
    const ids = ["trigger-1", "discover-1", "filter-1", "approval-1", "execute-1"];
    fc.assert(
      fc.property(
        fc.constantFrom(...ids),
        fc.string({ maxLength: 20 }).filter((text) => !/[\n\r\u0085\u2028\u2029]/.test(text)),
        (id, label) => {
          for (const [text, format] of [
            [SAFE_YAML, "yaml"],
            [SAFE_JSON, "json"],
          ] as const) {
            const next = edit(text, format, (raw) => definition.withNodeFields(raw, id, { label }));
            const { removed, added } = changedLines(text, next);
            expect(removed.length).toBeLessThanOrEqual(1);
            expect(added.length).toBe(removed.length);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
