/**
 * The workflow at hand: what is drawn, what is written, what is chosen.
 *
 * One store over the pure functions in `domain/`. Every change goes through
 * `commit(label, next, coalesceKey)`, which is undo. The text is worked out a
 * moment later and only where it differs; `text()` gives it at once.
 */
import { create } from "zustand";
import * as definition from "@/domain/definition";
import type { Position, WorkflowEdge, WorkflowNode, WorkflowVariable } from "@/domain/definition";
import * as history from "@/domain/history";
import { EMPTY_CATALOGUE, sizeFor, type Catalogue } from "./catalogue";
import { refusal } from "@/domain/graph";
import { FAILED } from "@/domain/nodeTypes";
import { applyFix, type Fix } from "@/domain/fixes";
import { idProblem } from "@/domain/ids";
import { overlaps, placeMissing, GRID } from "@/domain/placing";
import { byNode, structureProblems, type Problem } from "@/domain/problems";
import { readPlain } from "@/domain/read";
import { renameNode } from "@/domain/rename";
import { isMap, placeOf, SyntaxProblem, type Format, type Plain, type PlainMap } from "@/domain/tree";
import { patchText } from "@/domain/patch";
import { saving, type Written } from "./saving";
import { isLong, writeBeside } from "./writing";

export interface WorkflowDefinition {
  content: string;
  format: Format;
}

/** Text that is not a definition at the moment: the canvas keeps showing the last one that was. */
export interface Broken {
  text: string;
  message: string;
  line: number;
  column: number;
  offset: number;
}

export interface WorkflowStore {
  workflowId: string;
  catalogue: Catalogue;
  history: history.History;
  raw: PlainMap;
  nodes: WorkflowNode[];
  edges: WorkflowEdge[];
  variables: WorkflowVariable[];
  byId: ReadonlyMap<string, WorkflowNode>;
  edgeIds: ReadonlySet<string>;
  /** Nodes whose failing leads somewhere. */
  caught: ReadonlySet<string>;
  positions: Record<string, Position>;
  selectedNode: WorkflowNode | null;
  /** Ids of everything chosen on the canvas, nodes and edges. */
  selection: ReadonlySet<string>;
  definition: WorkflowDefinition;
  broken: Broken | null;
  problems: Problem[];
  nodeProblems: ReadonlyMap<string, Problem[]>;
  /** The generated flow, when there is one, and how its lines belong to nodes. */
  source: string | null;
  sourceMap: unknown;
  checking: boolean;
  /** The server did not answer: only what is seen in the drawing itself is known. */
  unchecked: boolean;
  /** The field that the cursor was asked to go to. */
  focusField: string | null;
  readOnly: boolean;

  addNode: (node: WorkflowNode, position?: Position) => void;
  removeNode: (id: string) => void;
  updateNode: (id: string, data: Record<string, Plain | undefined>, coalesceKey?: string) => void;
  addEdge: (edge: { source: string; target: string; label?: string | undefined }) => string | undefined;
  removeEdge: (id: string) => void;
  setSelectedNode: (node: WorkflowNode | null, field?: string) => void;
  addVariable: (variable: WorkflowVariable, previousName?: string) => void;
  loadDefinition: (definition: WorkflowDefinition & { id?: string; readOnly?: boolean }) => void;
  saveDefinition: () => Promise<void>;
  publishWorkflow: (options?: { changelog?: string; acknowledge?: boolean }) => Promise<void>;
  testWorkflow: (
    input: unknown,
    options?: { dryRun?: boolean; approvals?: Record<string, string> },
  ) => Promise<string>;

  commit: (label: string, next: PlainMap, coalesceKey?: string) => void;
  removeChosen: () => void;
  rename: (id: string, to: string) => string | undefined;
  move: (positions: Record<string, Position>, coalesceKey?: string, label?: string) => void;
  removeVariable: (name: string) => void;
  /** One step of undo. False: it no longer fits what is written. */
  fix: (fix: Fix) => boolean;
  setTop: (key: string, value: Plain | undefined) => void;
  setEdgeLabel: (id: string, label: string | undefined) => void;
  choose: (ids: Iterable<string>) => void;
  editText: (text: string, format: Format) => void;
  undo: () => void;
  redo: () => void;
  text: () => string;
  setCatalogue: (catalogue: Catalogue) => void;
  checked: (answer: { problems: Problem[]; source: string | null; sourceMap: unknown } | null) => void;
}

const START = history.startHistory("", "yaml", {});
const FLUSH_MS = 120;
let flushTimer: ReturnType<typeof setTimeout> | undefined;

export const useWorkflow = create<WorkflowStore>((set, get) => {
  /** What follows from the plain data. What the change did not touch stays the same object as before. */
  function derived(raw: PlainMap, catalogue = get().catalogue): Partial<WorkflowStore> {
    const before = get();
    const untouched = (key: string): boolean => raw[key] === before.raw[key];
    const nodes = untouched("nodes") ? before.nodes : definition.nodesOf(raw);
    const edges = untouched("edges") ? before.edges : definition.edgesOf(raw);
    const byId = nodes === before.nodes ? before.byId : new Map(nodes.map((node) => [node.id, node]));
    const chosen = before.selection;
    const edgeIds = edges === before.edges ? before.edgeIds : new Set(edges.map((edge) => edge.id));
    const selection = new Set([...chosen].filter((id) => byId.has(id) || edgeIds.has(id)));
    const size = sizeFor(catalogue, triggerOf(raw));
    const sameBoxes =
      catalogue === before.catalogue &&
      untouched("trigger") &&
      nodes.length === before.nodes.length &&
      nodes.every((node, index) => isSameBox(node, before.nodes[index]!, size));
    return {
      raw,
      nodes,
      edges,
      byId,
      edgeIds,
      caught: edges === before.edges ? before.caught : caughtIn(edges),
      variables: untouched("variables") ? before.variables : definition.variablesOf(raw),
      positions:
        sameBoxes && edges === before.edges && untouched("layout")
          ? before.positions
          : placeMissing(nodes, edges, definition.positionsOf(raw), size),
      selection: selection.size === chosen.size ? chosen : selection,
      selectedNode: onlyNode(selection, byId),
    };
  }

  function show(next: history.History, more: Partial<WorkflowStore> = {}): void {
    set({ history: next, broken: null, ...derived(next.now.raw), ...more });
    clearTimeout(flushTimer);
    flushTimer = setTimeout(flush, FLUSH_MS);
  }

  function flush(): void {
    const { now } = get().history;
    if (now.text === undefined && isLong(now)) writeBeside(now, flush);
    else flushNow();
  }

  function flushNow(): void {
    const { history: now, definition: before } = get();
    const content = history.textOf(now.now);
    if (content !== before.content) set({ definition: { content, format: now.now.format } });
  }

  return {
    workflowId: "",
    catalogue: EMPTY_CATALOGUE,
    history: START,
    raw: {},
    nodes: [],
    edges: [],
    variables: [],
    byId: new Map(),
    edgeIds: new Set(),
    caught: new Set(),
    positions: {},
    selectedNode: null,
    selection: new Set(),
    definition: { content: "", format: "yaml" },
    broken: null,
    problems: [],
    nodeProblems: new Map(),
    source: null,
    sourceMap: null,
    checking: false,
    unchecked: false,
    focusField: null,
    readOnly: false,

    addNode: (node, position) => {
      const { raw, catalogue, positions, nodes } = get();
      let next = definition.withNode(raw, node);
      const size = sizeFor(catalogue, triggerOf(raw))(node);
      const place = position ?? freePlace(Object.values(positions), size);
      // A layout that is begun must be whole, or the others would jump when their neighbours change.
      const all = definition.positionsOf(raw);
      const missing = nodes
        .filter((other) => !all[other.id])
        .map((other) => [other.id, positions[other.id]!]);
      next = definition.withPositions(next, { ...Object.fromEntries(missing), [node.id]: place });
      get().commit(`Add ${node.label}`, next);
      get().choose([node.id]);
    },

    removeNode: (id) => get().commit("Delete node", definition.withoutNodes(get().raw, new Set([id]))),

    updateNode: (id, data, coalesceKey) => {
      const label = `Change ${get().byId.get(id)?.label ?? id}`;
      get().commit(label, definition.withNodeFields(get().raw, id, data), coalesceKey);
    },

    addEdge: (edge) => {
      const { raw, nodes, edges, catalogue } = get();
      const reason = refusal(edge, nodes, edges, catalogue);
      if (reason) return reason;
      get().commit("Connect", definition.withEdge(raw, edge));
      return undefined;
    },

    removeEdge: (id) => get().commit("Delete edge", definition.withoutEdges(get().raw, new Set([id]))),

    setSelectedNode: (node, field) => {
      set({ selectedNode: node, selection: new Set(node ? [node.id] : []), focusField: field ?? null });
    },

    addVariable: (variable, previousName) =>
      get().commit(
        previousName ? `Change ${previousName}` : `Add ${variable.name}`,
        definition.withVariable(get().raw, variable, previousName),
        previousName ? `variable:${previousName}` : undefined,
      ),

    loadDefinition: ({ content, format, id, readOnly }) => {
      clearTimeout(flushTimer);
      const same = id !== undefined && id === get().workflowId;
      if (!same)
        set({
          selection: new Set(),
          selectedNode: null,
          problems: [],
          nodeProblems: new Map(),
          source: null,
        });
      const common = { workflowId: id ?? "", definition: { content, format }, readOnly: readOnly ?? false };
      const raw = tryRead(content, format);
      if (isMap(raw)) {
        const begun = history.startHistory(content, format, raw);
        set({ ...common, history: begun, broken: null, ...derived(raw) });
      } else {
        const begun = history.startHistory(content, format, {});
        set({ ...common, history: begun, broken: brokenBy(content, format), ...derived({}) });
      }
    },

    saveDefinition: () => saving.save(written()),
    publishWorkflow: (options) => saving.publish(written(), options ?? {}),
    testWorkflow: (input, options) => saving.test(written(), input, options ?? {}),

    commit: (label, next, coalesceKey) => {
      if (get().readOnly) return;
      const after = history.commit(get().history, label, next, { coalesceKey, at: Date.now() });
      if (after !== get().history) show(after);
    },

    removeChosen: () => {
      const { selection, byId, raw } = get();
      const nodes = new Set([...selection].filter((id) => byId.has(id)));
      const edges = new Set([...selection].filter((id) => !byId.has(id)));
      if (nodes.size + edges.size === 0) return;
      const next = definition.withoutEdges(nodes.size ? definition.withoutNodes(raw, nodes) : raw, edges);
      get().commit(
        nodes.size > 1 ? `Delete ${nodes.size} nodes` : nodes.size ? "Delete node" : "Delete edge",
        next,
      );
    },

    rename: (id, to) => {
      const taken = new Set(get().byId.keys());
      taken.delete(id);
      const reason = idProblem(to, taken);
      if (reason || id === to) return reason;
      const next = renameNode(get().raw, id, to);
      set({ selection: new Set([to]) });
      get().commit(`Rename ${id} to ${to}`, next);
      return undefined;
    },

    move: (moved, coalesceKey, label = "Move") => {
      const { raw, nodes, positions } = get();
      const known = definition.positionsOf(raw);
      const missing = nodes.filter((node) => !known[node.id]).map((node) => [node.id, positions[node.id]!]);
      const next = definition.withPositions(raw, { ...Object.fromEntries(missing), ...moved });
      get().commit(label, next, coalesceKey);
    },

    fix: (fix) => {
      const { history: now, broken, catalogue, readOnly } = get();
      const text = history.textOf(now.now);
      // Places and edges are counted in the text that was checked.
      if (broken || readOnly || text !== get().definition.content || get().checking) return false;
      const mended = applyFix(fix, { text, format: now.now.format, raw: now.now.raw });
      if (!mended) return false;
      const raw = wholeLayout(mended.raw, sizeFor(catalogue, triggerOf(mended.raw)));
      const options = mended.text === undefined ? {} : { text: mended.text };
      show(history.commit(now, fix.title, raw, { ...options, at: Date.now() }));
      flushNow();
      return true;
    },

    removeVariable: (name) => get().commit(`Delete ${name}`, definition.withoutVariable(get().raw, name)),
    setTop: (key, value) =>
      get().commit(`Change ${key}`, definition.withTop(get().raw, key, value), `top:${key}`),
    setEdgeLabel: (id, label) => {
      const edge = get().edges.find((other) => other.id === id);
      if (!edge) return;
      set({ selection: new Set([definition.edgeId({ ...edge, label })]) });
      get().commit("Change edge", definition.withEdgeLabel(get().raw, id, label));
    },

    choose: (ids) => {
      const selection = new Set(ids);
      set({ selection, selectedNode: onlyNode(selection, get().byId), focusField: null });
    },

    editText: (text, format) => {
      const own = get().history.now.format;
      const read = tryRead(text, format);
      if (!isMap(read)) {
        set({ broken: brokenBy(text, format) });
        return;
      }
      // Typing in the other syntax is an edit of the data: the file keeps its own.
      const mine = format === own ? text : patchText(get().text(), own, read);
      const after = history.commit(get().history, "Edit text", read, {
        coalesceKey: "text",
        text: mine,
        at: Date.now(),
      });
      show(after, { definition: { content: mine, format: own } });
    },

    undo: () => {
      if (get().broken) set({ broken: null });
      else show(history.undo(get().history));
      flushNow();
    },
    redo: () => {
      show(history.redo(get().history));
      flushNow();
    },
    text: () => get().broken?.text ?? history.textOf(get().history.now),

    setCatalogue: (catalogue) => set({ catalogue, ...derived(get().raw, catalogue) }),

    checked: (answer) => {
      const { problems, source, sourceMap } = answer ?? { problems: [], source: null, sourceMap: null };
      const local = structureProblems(get().nodes, get().edges).filter(
        (problem) => !problems.some((other) => other.node === problem.node && other.code === problem.code),
      );
      const all = [...problems, ...(problems.some((problem) => problem.severity === "error") ? [] : local)];
      set({
        problems: all,
        nodeProblems: keepUnchanged(get().nodeProblems, byNode(all)),
        source: source ?? get().source,
        sourceMap: source ? sourceMap : get().sourceMap,
        checking: false,
        unchecked: answer === null,
      });
    },
  };
});

export function written(): Written {
  const { text, history: now, raw } = useWorkflow.getState();
  const name = raw["name"];
  return { text: text(), format: now.now.format, name: typeof name === "string" ? name : undefined };
}

/** A layout that is begun has a place for every node, new ones too. */
function wholeLayout(raw: PlainMap, size: ReturnType<typeof sizeFor>): PlainMap {
  const known = definition.positionsOf(raw);
  const nodes = definition.nodesOf(raw);
  const missing = nodes.filter((node) => !known[node.id]);
  if (missing.length === 0 || missing.length === nodes.length) return raw;
  const places = placeMissing(nodes, definition.edgesOf(raw), known, size);
  return definition.withPositions(
    raw,
    Object.fromEntries(missing.map((node) => [node.id, places[node.id]!])),
  );
}

export function triggerOf(raw: PlainMap): string {
  return typeof raw["trigger"] === "string" ? raw["trigger"] : "manual";
}

function isSameBox(node: WorkflowNode, before: WorkflowNode, size: ReturnType<typeof sizeFor>): boolean {
  return node === before || (node.id === before.id && size(node).height === size(before).height);
}

function caughtIn(edges: readonly WorkflowEdge[]): ReadonlySet<string> {
  return new Set(edges.filter((edge) => edge.label === FAILED).map((edge) => edge.source));
}

function onlyNode(
  selection: ReadonlySet<string>,
  byId: ReadonlyMap<string, WorkflowNode>,
): WorkflowNode | null {
  if (selection.size !== 1) return null;
  const [id] = selection;
  return byId.get(id!) ?? null;
}

function tryRead(text: string, format: Format): Plain | undefined {
  try {
    return readPlain(text, format);
  } catch {
    return undefined;
  }
}

function brokenBy(text: string, format: Format): Broken {
  try {
    readPlain(text, format);
  } catch (error) {
    const offset = error instanceof SyntaxProblem ? error.offset : 0;
    return {
      text,
      message: error instanceof Error ? error.message : String(error),
      offset,
      ...placeOf(text, offset),
    };
  }
  return {
    text,
    message: "A definition is a mapping with name, nodes and edges.",
    offset: 0,
    line: 1,
    column: 1,
  };
}

/** Below everything, in the column of the last one, where nothing stands. */
function freePlace(taken: Position[], size: { width: number; height: number }): Position {
  const box = taken.map((place) => ({ ...place, ...size }));
  const start = taken.length
    ? { x: taken.at(-1)!.x, y: Math.max(...taken.map((p) => p.y)) + size.height + 54 }
    : { x: 0, y: 0 };
  const place = { x: Math.round(start.x / GRID) * GRID, y: Math.ceil(start.y / GRID) * GRID };
  while (box.some((other) => overlaps(other, { ...place, ...size }))) place.x += size.width + 64;
  return place;
}

/** The same lists for nodes whose problems did not change, so that their boxes are not drawn again. */
function keepUnchanged(
  before: ReadonlyMap<string, Problem[]>,
  after: Map<string, Problem[]>,
): Map<string, Problem[]> {
  for (const [id, problems] of after) {
    const old = before.get(id);
    if (old && JSON.stringify(old) === JSON.stringify(problems)) after.set(id, old);
  }
  return after;
}
