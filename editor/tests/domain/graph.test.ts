import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as definition from "@/domain/definition";
import { paste, clipOf } from "@/domain/clipboard";
import { compare } from "@/domain/compare";
import { cronInWords } from "@/domain/cron";
import { possibleTargets, refusal } from "@/domain/graph";
import * as history from "@/domain/history";
import { renameInText } from "@/domain/holes";
import { freshId, idProblem } from "@/domain/ids";
import { merge } from "@/domain/merge";
import { catalogueOf, fieldsOf, typeOf, type NodeType } from "@/domain/nodeTypes";
import { placeAll, sizeOf, overlaps } from "@/domain/placing";
import { readPlain } from "@/domain/read";
import { renameNode } from "@/domain/rename";
import { scopeAt, suggest } from "@/domain/scope";
import { tidy } from "@/domain/tidy";
import { marksOf, statusesAt, timeline } from "@/domain/timeline";
import type { PlainMap } from "@/domain/tree";
import nodeTypes from "../fixtures/node-types.json";
import { SAFE_JSON, SAFE_YAML } from "../fixtures/safe";

const catalogue = catalogueOf(nodeTypes.items as unknown as NodeType[]);
const safe = readPlain(SAFE_YAML, "yaml") as PlainMap;
const nodes = definition.nodesOf(safe);
const edges = definition.edgesOf(safe);
const variables = definition.variablesOf(safe);

describe("an edge", () => {
  const why = (source: string, target: string, label?: string) =>
    refusal({ source, target, label }, nodes, edges, catalogue);
  it("may not close a loop", () => expect(why("execute-1", "discover-1")).toContain("loop"));
  it("may not stand twice, however it is labelled", () => {
    expect(why("filter-1", "approval-1")).toContain("already");
    expect(why("filter-1", "approval-1", "No")).toBeUndefined();
  });
  it("may not lead into a trigger", () => expect(why("execute-1", "trigger-1")).toContain("trigger"));
  it("is offered exactly where it may be drawn", () => {
    for (const source of nodes)
      for (const label of [undefined, "No", "Failed", "Rejected"]) {
        const offered = possibleTargets(source, label, nodes, edges, catalogue).map((node) => node.id);
        const allowed = nodes.filter((node) => why(source.id, node.id, label) === undefined);
        expect(offered).toEqual(allowed.map((node) => node.id));
      }
  });
});

describe("ids", () => {
  it("are short, and never the same Python name", () => {
    expect(freshId("discover_migrations", new Set(["discover-1"]))).toBe("discover-2");
    expect(freshId("sql", new Set(["sql_1"]))).toBe("sql-2");
  });
  it("are refused when expressions could not say them", () => {
    expect(idProblem("1st", new Set())).toBeDefined();
    expect(idProblem("trigger", new Set())).toBeDefined();
    expect(idProblem("a-b", new Set(["a_b"]))).toContain("a_b");
    expect(idProblem("fine-1", new Set())).toBeUndefined();
  });
});

describe("a rename", () => {
  it("follows into holes, and nowhere else", () => {
    const names = new Map([["a-1", "b"]]);
    expect(renameInText('{{ a-1.output + x.a - 1 + "a-1" }} a-1', names)).toBe(
      '{{ b.output + x.a - 1 + "a-1" }} a-1',
    );
    expect(renameInText("{{ a-12.output }}", names)).toBe("{{ a-12.output }}");
  });
  it("and back gives the same data", () => {
    for (const raw of [safe, readPlain(SAFE_JSON, "json") as PlainMap]) {
      const there = renameNode(raw, "discover-1", "pending");
      expect(JSON.stringify(there)).not.toContain("discover-1");
      expect(renameNode(there, "pending", "discover-1")).toEqual(raw);
    }
  });
});

describe("a copy", () => {
  it("has ids of its own, and its expressions speak of them", () => {
    const clip = clipOf(safe, new Set(["discover-1", "filter-1"]));
    const { raw, ids } = paste(safe, clip, { x: 0, y: 0 });
    expect(ids).toEqual(["discover-2", "filter-2"]);
    const copied = definition.nodesOf(raw).find((node) => node.id === "filter-2");
    expect(copied?.data["condition"]).toBe("{{ discover-2.output.migrations.length > 0 }}");
    expect(definition.edgesOf(raw)).toContainEqual(
      expect.objectContaining({ source: "discover-2", target: "filter-2" }),
    );
  });
});

describe("undo", () => {
  it("gives every text back, byte for byte, whatever was done and whenever it was asked for", () => {
    const ids = fc.constantFrom("discover-1", "filter-1", "approval-1", "execute-1");
    const change = fc.oneof(
      fc.tuple(ids, fc.string()).map(
        ([id, label]) =>
          (raw: PlainMap) =>
            definition.withNodeFields(raw, id, { label }),
      ),
      ids.map((id) => (raw: PlainMap) => definition.withoutNodes(raw, new Set([id]))),
      fc.tuple(ids, fc.nat(500)).map(
        ([id, x]) =>
          (raw: PlainMap) =>
            definition.withPositions(raw, { [id]: { x, y: x } }),
      ),
      fc.tuple(ids, ids).map(
        ([source, target]) =>
          (raw: PlainMap) =>
            definition.withEdge(raw, { source, target }),
      ),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(["yaml", SAFE_YAML] as const, ["json", SAFE_JSON] as const),
        fc.array(fc.tuple(change, fc.boolean()), { maxLength: 12 }),
        ([format, text], changes) => {
          let now = history.startHistory(text, format);
          const seen: string[] = [];
          for (const [apply, look] of changes) {
            const next = history.commit(now, "change", apply(now.now.raw));
            if (look) seen.push(history.textOf(next.now));
            now = next;
          }
          const end = history.textOf(now.now);
          let back = now;
          while (back.past.length) back = history.undo(back);
          expect(history.textOf(back.now)).toBe(text);
          while (back.future.length) back = history.redo(back);
          expect(history.textOf(back.now)).toBe(end);
        },
      ),
      { numRuns: 60 },
    );
  });
  it("takes a burst of typing in one step", () => {
    let now = history.startHistory(SAFE_YAML, "yaml");
    for (const [index, label] of ["a", "ab", "abc"].entries()) {
      now = history.commit(now, "type", definition.withNodeFields(now.now.raw, "filter-1", { label }), {
        coalesceKey: "k",
        at: 1000 + index,
      });
    }
    expect(now.past).toHaveLength(1);
    expect(history.textOf(history.undo(now).now)).toBe(SAFE_YAML);
  });
});

describe("completion", () => {
  const at = (node: string, text: string) =>
    suggest(text, scopeAt(node, { nodes, edges, variables }, catalogue))?.options.map(
      (option) => `${option.label}: ${option.detail}`,
    );
  it("offers what has run before, and no secrets", () => {
    const names = at("filter-1", " ");
    expect(names).toContain("discover-1: node");
    expect(names?.join()).not.toMatch(/execute-1|slackWebhook/);
  });
  it("knows the types of what comes out", () => {
    expect(at("filter-1", " discover-1.output.")).toContain("migrations: list of Migration");
    expect(at("filter-1", " discover-1.output.migrations[0].")).toContain("name: string");
    expect(at("filter-1", " discover-1.output.migrations.")).toContain("length: number");
  });
});

describe("node types", () => {
  it("are found by type and variant, and a trigger by the workflow's own kind", () => {
    expect(nodes.map((node) => typeOf(catalogue, node)?.label)).toEqual([
      "Manual",
      "Discover migrations",
      "Condition",
      "Approval",
      "Execute migrations",
    ]);
    expect(typeOf(catalogue, nodes[0]!, "scheduled")?.label).toBe("Scheduled");
  });
  it("give a form without hidden fields", () => {
    const condition = fieldsOf(catalogue.find("condition", "")!);
    expect(condition.map((field) => field.key)).toEqual(["condition", "operator", "value"]);
    expect(fieldsOf(catalogue.find("trigger", "webhook")!).some((field) => field.key === "body")).toBe(false);
  });
});

describe("places", () => {
  const size = () => sizeOf(undefined);
  it.each([
    ["at first", () => placeAll(nodes, edges, size)],
    ["when tidied", () => tidy({ nodes: nodes.map(({ id }) => ({ id, size: size() })), edges })],
  ])("do not overlap %s", (_, place) => {
    const boxes = Object.values(place()).map((at) => ({ ...at, ...size() }));
    expect(boxes).toHaveLength(nodes.length);
    boxes.forEach((a, index) => boxes.slice(index + 1).forEach((b) => expect(overlaps(a, b)).toBe(false)));
  });
});

describe("two people", () => {
  it("who changed different things lose nothing", () => {
    const mine = definition.withNodeFields(safe, "filter-1", { label: "mine" });
    const theirs = definition.withEdge(definition.withNodeFields(safe, "execute-1", { label: "theirs" }), {
      source: "filter-1",
      target: "execute-1",
      label: "No",
    });
    const { merged, conflicts } = merge(safe, mine, theirs);
    expect(conflicts).toEqual([]);
    expect(definition.nodesOf(merged as PlainMap).map((node) => node.label)).toContain("mine");
    expect(definition.nodesOf(merged as PlainMap).map((node) => node.label)).toContain("theirs");
    expect(definition.edgesOf(merged as PlainMap)).toHaveLength(5);
  });
  it("who changed the same thing are told which", () => {
    const change = (label: string) => definition.withNodeFields(safe, "filter-1", { label });
    expect(merge(safe, change("a"), change("b")).conflicts).toEqual(["nodes.filter-1.label"]);
  });
});

describe("a comparison", () => {
  it("says first that an approval is gone", () => {
    const without = definition.withEdge(definition.withoutNodes(safe, new Set(["approval-1"])), {
      source: "filter-1",
      target: "execute-1",
    });
    const [first] = compare(safe, without, catalogue);
    expect(first?.risk).toBe("high");
    expect(compare(safe, without, catalogue).map((change) => change.text)).toContain(
      "“Execute Migrations” no longer waits for an approval",
    );
  });
  it("finds nothing in moved boxes", () => {
    expect(compare(safe, definition.withPositions(safe, { "filter-1": { x: 1, y: 2 } }), catalogue)).toEqual(
      [],
    );
  });
});

it.each([
  ["0 2 * * *", "every day at 02:00"],
  ["30 2 * * 1-5", "every weekday at 02:30"],
  ["*/15 * * * *", "every 15 minutes"],
  ["0 * * * *", "every hour"],
  ["0 18 * * 5", "every Friday at 18:00"],
  ["0 3 1 * *", "on day 1 of the month at 03:00"],
  ["0 9 * * mon,wed", "every Monday and Wednesday at 09:00"],
])("%s is said as %s", (cron, words) => expect(cronInWords(cron)).toBe(words));

it.each(["", "* * * *", "60 * * * *", "a b c d e", "* * * * * *"])("%s is no cron expression", (cron) =>
  expect(cronInWords(cron)).toBeUndefined(),
);

it("a replay knows what each node was at a moment", () => {
  const at = (ms: number) => new Date(1_000_000 + ms).toISOString();
  const node = (nodeId: string, status: "success" | "failed", from: number, to: number) => ({
    nodeId,
    nodeName: nodeId,
    nodeType: "action",
    status,
    reason: null,
    startedAt: at(from),
    completedAt: at(to),
    retryCount: 0,
  });
  const run = {
    startedAt: at(0),
    triggeredAt: at(0),
    completedAt: at(30),
    nodeExecutions: [node("a", "success", 0, 10), node("b", "failed", 10, 30)],
  };
  const line = timeline(run, 0);
  expect(line.moments).toEqual([0, 10, 30]);
  expect([...statusesAt(run, line, 0)]).toEqual([
    ["a", "running"],
    ["b", "pending"],
  ]);
  expect([...statusesAt(run, line, 10)]).toEqual([
    ["a", "success"],
    ["b", "running"],
  ]);
  expect([...statusesAt(run, line, 30)]).toEqual([
    ["a", "success"],
    ["b", "failed"],
  ]);
});

it("a replay keeps the order of what happened within one millisecond", () => {
  const at = (micros: number) => `2026-11-25T12:00:00.123${String(micros).padStart(3, "0")}Z`;
  const node = (nodeId: string, micros: number) => ({
    nodeId,
    nodeName: nodeId,
    nodeType: "action",
    status: "success" as const,
    reason: null,
    startedAt: at(micros),
    completedAt: at(micros),
    retryCount: 0,
  });
  const nodeExecutions = [node("a", 100), node("b", 101), node("c", 350)];
  const run = { startedAt: at(99), triggeredAt: at(90), completedAt: at(351), nodeExecutions };
  const line = timeline(run, 0);
  const settled = line.moments.map((moment) =>
    [...statusesAt(run, line, moment)].filter(([, status]) => status === "success").map(([id]) => id),
  );
  expect(settled).toEqual([[], ["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c"]]);
});

describe("the marks of a time line", () => {
  it.each([
    [100_000, [0, 30_000, 60_000, 90_000]],
    [4_000, [0, 1000, 2000, 3000]],
    [1, [0]],
    [10 * 86_400_000, [0, 2, 4, 6, 8].map((days) => days * 86_400_000)],
  ])("of %d ms stand at whole times", (length, marks) => expect(marksOf(length)).toEqual(marks));
});
