/**
 * A definition as the editor sees it, and the changes people make to it.
 *
 * The plain data (`raw`) stays in the shape it was written in: nodes as a list
 * with `data`, or as a map with the data flattened. Everything here takes raw
 * data and returns raw data; what did not change is the same object as before,
 * so that views can be remembered by identity.
 */
import { isMap, type Plain, type PlainMap } from "./tree";

export interface WorkflowNode {
  id: string;
  type: string;
  label: string;
  /** Configuration, wherever the shape keeps it. */
  data: PlainMap;
}

export interface WorkflowEdge {
  /** `source→target` with the label; unique because duplicates are refused. */
  id: string;
  source: string;
  target: string;
  label?: string;
}

export interface WorkflowVariable {
  name: string;
  type: string;
  default?: Plain;
  description?: string;
  required?: boolean;
  pattern?: string;
  enum?: Plain[];
}

export interface Position {
  x: number;
  y: number;
}

/** Keys of a node that are not configuration, in both shapes. */
const HEAD = new Set(["id", "type", "label", "data"]);
/** Settings that every node type has. */
export const COMMON = [
  "retryable",
  "maxRetries",
  "retryDelay",
  "retryBackoff",
  "timeout",
  "continueOnError",
  "disabled",
  "notes",
];

const EMPTY: PlainMap = {};
const views = new WeakMap<object, WorkflowNode>();

export function isListShape(raw: PlainMap): boolean {
  return Array.isArray(raw["nodes"]);
}

export function nodesOf(raw: PlainMap): WorkflowNode[] {
  const nodes = raw["nodes"];
  if (Array.isArray(nodes)) {
    return nodes.flatMap((node) =>
      isMap(node) && typeof node["id"] === "string" ? [view(node["id"], node, true)] : [],
    );
  }
  if (!isMap(nodes)) return [];
  return Object.entries(nodes).flatMap(([id, node]) => (isMap(node) ? [view(id, node, false)] : []));
}

function view(id: string, node: PlainMap, list: boolean): WorkflowNode {
  const known = views.get(node);
  if (known && known.id === id) return known;
  const text = (value: Plain | undefined): string | undefined =>
    typeof value === "string" ? value : undefined;
  const flat = Object.fromEntries(Object.entries(node).filter(([key]) => !HEAD.has(key)));
  const made: WorkflowNode = {
    id,
    type: text(node["type"]) ?? "",
    label: text(node["label"]) ?? id,
    data: list ? { ...flat, ...(isMap(node["data"]) ? node["data"] : EMPTY) } : flat,
  };
  views.set(node, made);
  return made;
}

export function edgeId(edge: { source: string; target: string; label?: string | undefined }): string {
  return `${edge.source}→${edge.target}${edge.label ? `:${edge.label}` : ""}`;
}

const edgeViews = new WeakMap<object, WorkflowEdge>();

export function edgesOf(raw: PlainMap): WorkflowEdge[] {
  const edges = raw["edges"];
  if (!Array.isArray(edges)) return [];
  return edges.flatMap((edge) => {
    if (!isMap(edge)) return [];
    const known = edgeViews.get(edge);
    if (known) return [known];
    const { source, target, label } = edge;
    if (typeof source !== "string" || typeof target !== "string") return [];
    const made: WorkflowEdge = { id: "", source, target, ...(typeof label === "string" ? { label } : {}) };
    made.id = edgeId(made);
    edgeViews.set(edge, made);
    return [made];
  });
}

export function variablesOf(raw: PlainMap): WorkflowVariable[] {
  const variables = raw["variables"];
  const one = (name: string, value: Plain): WorkflowVariable => {
    const map = isMap(value) ? value : EMPTY;
    return { ...(map as object), name, type: typeof map["type"] === "string" ? map["type"] : "string" };
  };
  if (Array.isArray(variables)) {
    return variables.flatMap((item) =>
      isMap(item) && typeof item["name"] === "string" ? [one(item["name"], item)] : [],
    );
  }
  return isMap(variables) ? Object.entries(variables).map(([name, value]) => one(name, value)) : [];
}

export function positionsOf(raw: PlainMap): Record<string, Position> {
  const layout = raw["layout"];
  const result: Record<string, Position> = {};
  if (!isMap(layout)) return result;
  for (const [id, place] of Object.entries(layout)) {
    if (isMap(place) && typeof place["x"] === "number" && typeof place["y"] === "number") {
      result[id] = { x: place["x"], y: place["y"] };
    }
  }
  return result;
}

// --- changes -----------------------------------------------------------------------------------

export function withNode(raw: PlainMap, node: WorkflowNode): PlainMap {
  const nodes = raw["nodes"];
  if (Array.isArray(nodes)) {
    const made: PlainMap = { id: node.id, type: node.type, label: node.label, data: node.data };
    return { ...raw, nodes: [...nodes, made] };
  }
  const made: PlainMap = { type: node.type, label: node.label, ...node.data };
  return { ...raw, nodes: { ...(isMap(nodes) ? nodes : EMPTY), [node.id]: made } };
}

/** The node goes, and with it its edges and its place on the canvas. */
export function withoutNodes(raw: PlainMap, ids: ReadonlySet<string>): PlainMap {
  const next = { ...raw };
  const nodes = raw["nodes"];
  if (Array.isArray(nodes)) {
    next["nodes"] = nodes.filter((node) => !(isMap(node) && ids.has(String(node["id"]))));
  } else if (isMap(nodes)) {
    next["nodes"] = Object.fromEntries(Object.entries(nodes).filter(([id]) => !ids.has(id)));
  }
  if (Array.isArray(raw["edges"])) {
    next["edges"] = raw["edges"].filter(
      (edge) => !(isMap(edge) && (ids.has(String(edge["source"])) || ids.has(String(edge["target"])))),
    );
  }
  if (isMap(raw["layout"])) {
    const left = Object.entries(raw["layout"]).filter(([id]) => !ids.has(id));
    if (left.length) next["layout"] = Object.fromEntries(left);
    else delete next["layout"];
  }
  return next;
}

export function mapNode(
  raw: PlainMap,
  id: string,
  change: (node: PlainMap, list: boolean) => PlainMap,
): PlainMap {
  const nodes = raw["nodes"];
  if (Array.isArray(nodes)) {
    return {
      ...raw,
      nodes: nodes.map((node) => (isMap(node) && node["id"] === id ? change(node, true) : node)),
    };
  }
  if (isMap(nodes) && isMap(nodes[id]))
    return { ...raw, nodes: { ...nodes, [id]: change(nodes[id], false) } };
  return raw;
}

/** Set fields of a node's configuration; `undefined` takes the field away. */
export function withNodeFields(
  raw: PlainMap,
  id: string,
  fields: Record<string, Plain | undefined>,
): PlainMap {
  return mapNode(raw, id, (node, list) => {
    const result = { ...node };
    for (const [key, value] of Object.entries(fields)) {
      const data = result["data"];
      const inData =
        list && !HEAD.has(key) && !(Object.hasOwn(node, key) && !(isMap(data) && Object.hasOwn(data, key)));
      if (inData) result["data"] = withKey(isMap(data) ? data : EMPTY, key, value);
      else Object.assign(result, { [key]: value });
      if (!inData && value === undefined) delete result[key];
    }
    return result;
  });
}

function withKey(map: PlainMap, key: string, value: Plain | undefined): PlainMap {
  const result = { ...map };
  if (value === undefined) delete result[key];
  else result[key] = value;
  return result;
}

export function withEdge(
  raw: PlainMap,
  edge: { source: string; target: string; label?: string | undefined },
): PlainMap {
  const made: PlainMap = {
    source: edge.source,
    target: edge.target,
    ...(edge.label ? { label: edge.label } : {}),
  };
  return { ...raw, edges: [...(Array.isArray(raw["edges"]) ? raw["edges"] : []), made] };
}

export function withoutEdges(raw: PlainMap, ids: ReadonlySet<string>): PlainMap {
  if (!Array.isArray(raw["edges"])) return raw;
  const kept = raw["edges"].filter(
    (edge) =>
      !(
        isMap(edge) &&
        ids.has(
          edgeId({
            source: String(edge["source"]),
            target: String(edge["target"]),
            label: typeof edge["label"] === "string" ? edge["label"] : undefined,
          }),
        )
      ),
  );
  return { ...raw, edges: kept };
}

export function withEdgeLabel(raw: PlainMap, id: string, label: string | undefined): PlainMap {
  if (!Array.isArray(raw["edges"])) return raw;
  return {
    ...raw,
    edges: raw["edges"].map((edge) => {
      if (!isMap(edge)) return edge;
      const { source, target, label: old } = edge;
      const here = edgeId({
        source: String(source),
        target: String(target),
        label: typeof old === "string" ? old : undefined,
      });
      return here === id ? withKey(edge, "label", label) : edge;
    }),
  };
}

/** Positions are whole numbers: a line of `layout` is one short line. */
export function withPositions(raw: PlainMap, positions: Record<string, Position>): PlainMap {
  const layout = { ...(isMap(raw["layout"]) ? raw["layout"] : EMPTY) };
  for (const [id, { x, y }] of Object.entries(positions)) layout[id] = { x: Math.round(x), y: Math.round(y) };
  return { ...raw, layout };
}

export function withVariable(raw: PlainMap, variable: WorkflowVariable, previousName?: string): PlainMap {
  const { name, ...rest } = variable;
  const fields = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined && value !== ""),
  ) as PlainMap;
  const variables = raw["variables"];
  const old = previousName ?? name;
  if (Array.isArray(variables)) {
    const made: PlainMap = { name, ...fields };
    const known = variables.some((item) => isMap(item) && item["name"] === old);
    return {
      ...raw,
      variables: known
        ? variables.map((item) => (isMap(item) && item["name"] === old ? made : item))
        : [...variables, made],
    };
  }
  const map = isMap(variables) ? variables : EMPTY;
  const renamed = Object.entries(map).map(([key, value]) => (key === old ? [name, fields] : [key, value]));
  return insertTop(
    raw,
    "variables",
    Object.hasOwn(map, old) ? Object.fromEntries(renamed) : { ...map, [name]: fields },
  );
}

export function withoutVariable(raw: PlainMap, name: string): PlainMap {
  const variables = raw["variables"];
  if (Array.isArray(variables)) {
    return { ...raw, variables: variables.filter((item) => !(isMap(item) && item["name"] === name)) };
  }
  if (!isMap(variables)) return raw;
  return { ...raw, variables: Object.fromEntries(Object.entries(variables).filter(([key]) => key !== name)) };
}

export function withTop(raw: PlainMap, key: string, value: Plain | undefined): PlainMap {
  return withKey(raw, key, value);
}

/** New top-level keys stand where people look for them, before the nodes. */
function insertTop(raw: PlainMap, key: string, value: Plain): PlainMap {
  if (Object.hasOwn(raw, key)) return { ...raw, [key]: value };
  const result: PlainMap = {};
  for (const [name, old] of Object.entries(raw)) {
    if (name === "nodes") result[key] = value;
    result[name] = old;
  }
  result[key] ??= value;
  return result;
}
