import fc from "fast-check";
import { expect, test } from "vitest";
import { markedGraph as graphOf, type MarkedGraph } from "@/domain/markedGraph";
import { catalogueOf } from "@/domain/nodeTypes";
import { overlaps } from "@/domain/placing";
import type { PlainMap } from "@/domain/tree";

const markedGraph = (before: PlainMap, after: PlainMap): MarkedGraph =>
  graphOf(before, after, catalogueOf([]));

function workflow(nodes: Record<string, string>, edges: [string, string][]): PlainMap {
  return {
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, label]) => [id, { type: "delay", label, seconds: 1 }]),
    ),
    edges: edges.map(([source, target]) => ({ source, target })),
  };
}

const marks = (before: PlainMap, after: PlainMap): Record<string, string> =>
  Object.fromEntries(markedGraph(before, after).nodes.map((node) => [node.id, node.mark]));

test("what is new, gone and changed is marked, nodes and edges", () => {
  const before = workflow({ a: "A", b: "B", c: "C" }, [
    ["a", "b"],
    ["b", "c"],
  ]);
  const after = workflow({ a: "A", c: "See", d: "D" }, [
    ["a", "c"],
    ["c", "d"],
  ]);
  const found = marks(before, after);
  expect(found).toMatchObject({ a: "same", b: "removed", c: "changed", d: "added" });
  const edges = markedGraph(before, after).edges.map(
    (edge) => `${edge.source.id}>${edge.target.id} ${edge.mark}`,
  );
  expect(edges.sort()).toEqual(["a>b removed", "a>c added", "b>c removed", "c>d added"]);
});

test("a place on the canvas is no difference", () => {
  const before = workflow({ a: "A" }, []);
  expect(marks(before, { ...before, layout: { a: { x: 1, y: 2 } } })).toEqual({ a: "same" });
});

test("both versions are drawn whole and free of overlaps, whatever was turned round", () => {
  const ids = ["a", "b", "c", "d", "e"];
  const some = fc.record({
    nodes: fc.subarray(ids, { minLength: 1 }),
    edges: fc.subarray(ids.flatMap((one) => ids.filter((other) => one < other).map((other) => [one, other]))),
    turned: fc.boolean(),
  });
  const made = ({
    nodes,
    edges,
    turned,
  }: {
    nodes: string[];
    edges: string[][];
    turned: boolean;
  }): PlainMap =>
    workflow(
      Object.fromEntries(nodes.map((id) => [id, id])),
      edges
        .filter(([one, other]) => nodes.includes(one!) && nodes.includes(other!))
        .map(([one, other]) => (turned ? [other!, one!] : [one!, other!])),
    );
  fc.assert(
    fc.property(some, some, (one, other) => {
      const { nodes, edges } = markedGraph(made(one), made(other));
      expect(new Set(nodes.map((node) => node.id))).toEqual(new Set([...one.nodes, ...other.nodes]));
      for (const [index, node] of nodes.entries())
        for (const next of nodes.slice(index + 1)) expect(overlaps(node, next)).toBe(false);
      const kept = (mark: string) => edges.filter((edge) => edge.mark !== mark).length;
      expect(kept("removed")).toBe((made(other)["edges"] as unknown[]).length);
      expect(kept("added")).toBe((made(one)["edges"] as unknown[]).length);
    }),
  );
});
