/**
 * What a new version does differently, in words, with how much it matters.
 *
 *     compare(before, after, catalogue)  →  [{ risk: "high", text: "“Execute” no longer waits for an approval" }]
 */
import { edgesOf, nodesOf, variablesOf, type WorkflowNode } from "./definition";
import { reachable, targetsOf } from "./graph";
import { configKey, typeOf, words, type Catalogue } from "./nodeTypes";
import { equal, isMap, type Plain, type PlainMap } from "./tree";

export interface Change {
  risk: "high" | "medium" | "low";
  text: string;
  node?: string;
  kind: "added" | "removed" | "changed";
}

export function compare(before: PlainMap, after: PlainMap, catalogue: Catalogue): Change[] {
  const old = new Map(nodesOf(before).map((node) => [node.id, node]));
  const now = new Map(nodesOf(after).map((node) => [node.id, node]));
  const changes: Change[] = [];
  const triggerBefore = String(before["trigger"] ?? "manual");
  const triggerAfter = String(after["trigger"] ?? "manual");
  const effect = (node: WorkflowNode): string => typeOf(catalogue, node, triggerAfter)?.effect ?? "none";
  const writes = (node: WorkflowNode): boolean => effect(node) === "writes" && node.type !== "notification";

  if (triggerBefore !== triggerAfter) {
    changes.push({
      kind: "changed",
      risk: "high",
      text: `It starts differently: ${triggerBefore} becomes ${triggerAfter}`,
    });
  }
  for (const node of now.values()) {
    const was = old.get(node.id);
    if (!was) {
      changes.push({
        kind: "added",
        node: node.id,
        risk: writes(node) ? "high" : "low",
        text: `“${node.label}” is new${writes(node) ? " and changes a database or another system" : ""}`,
      });
      continue;
    }
    if (was.type !== node.type) {
      changes.push({
        kind: "changed",
        node: node.id,
        risk: "high",
        text: `“${node.label}” is now of the type ${node.type}, was ${was.type}`,
      });
    }
    if (was.label !== node.label)
      changes.push({
        kind: "changed",
        node: node.id,
        risk: "low",
        text: `“${was.label}” is now called “${node.label}”`,
      });
    for (const key of new Set([...Object.keys(was.data), ...Object.keys(node.data)])) {
      if (equal(was.data[key], node.data[key])) continue;
      const type = typeOf(catalogue, node, triggerAfter);
      const secret = Object.entries(type?.configSchema.properties ?? {}).some(
        ([name, schema]) => type && configKey(type, name) === key && schema["x-secret"],
      );
      const quiet = key === "notes" || key === "description";
      changes.push({
        kind: "changed",
        node: node.id,
        risk: quiet ? "low" : writes(node) || node.type === "approval" ? "high" : "medium",
        text: `“${node.label}”: ${words(key).toLowerCase()} ${secret ? "changes" : from(was.data[key], node.data[key])}`,
      });
    }
  }
  for (const node of old.values()) {
    if (now.has(node.id)) continue;
    changes.push({
      kind: "removed",
      node: node.id,
      risk: node.type === "approval" ? "high" : "medium",
      text: `“${node.label}” is gone`,
    });
  }
  changes.push(
    ...guardChanges(before, after, now, writes),
    ...edgeChanges(before, after, now, old),
    ...variableChanges(before, after),
  );
  if (!equal(before["settings"], after["settings"]))
    changes.push({ kind: "changed", risk: "medium", text: "The settings of runs change" });
  const rank = { high: 0, medium: 1, low: 2 };
  return changes.sort((a, b) => rank[a.risk] - rank[b.risk]);
}

/** Everything that an approval leads to. */
function afterApprovals(raw: PlainMap): Set<string> {
  const next = targetsOf(edgesOf(raw));
  const approvals = nodesOf(raw).filter((node) => node.type === "approval");
  return new Set(approvals.flatMap((node) => [...reachable(node.id, next)]));
}

/** Steps that change something and lost, or won, the approval before them. */
function guardChanges(
  before: PlainMap,
  after: PlainMap,
  now: Map<string, WorkflowNode>,
  writes: (node: WorkflowNode) => boolean,
): Change[] {
  const guardedBefore = afterApprovals(before);
  const guardedNow = afterApprovals(after);
  const had = new Set(nodesOf(before).map((node) => node.id));
  return [...now.values()].flatMap((node): Change[] => {
    if (!writes(node)) return [];
    const is = guardedNow.has(node.id);
    if (!had.has(node.id))
      return is
        ? []
        : [
            {
              kind: "added",
              node: node.id,
              risk: "high",
              text: `“${node.label}” runs without anybody’s approval`,
            },
          ];
    const was = guardedBefore.has(node.id);
    if (was && !is)
      return [
        {
          kind: "changed",
          node: node.id,
          risk: "high",
          text: `“${node.label}” no longer waits for an approval`,
        },
      ];
    if (!was && is)
      return [
        { kind: "changed", node: node.id, risk: "low", text: `“${node.label}” now waits for an approval` },
      ];
    return [];
  });
}

function edgeChanges(
  before: PlainMap,
  after: PlainMap,
  now: Map<string, WorkflowNode>,
  old: Map<string, WorkflowNode>,
): Change[] {
  const [was, is] = [
    new Map(edgesOf(before).map((edge) => [edge.id, edge])),
    new Map(edgesOf(after).map((edge) => [edge.id, edge])),
  ];
  const name = (id: string): string => `“${(now.get(id) ?? old.get(id))?.label ?? id}”`;
  const say = (edge: { source: string; target: string; label?: string }): string =>
    `${name(edge.target)} ${edge.label ? `when ${name(edge.source)} says ${edge.label}` : `after ${name(edge.source)}`}`;
  return [
    ...[...is.values()]
      .filter((edge) => !was.has(edge.id))
      .map((edge): Change => ({ kind: "added", risk: "medium", text: `Now follows: ${say(edge)}` })),
    ...[...was.values()]
      .filter((edge) => !is.has(edge.id) && now.has(edge.source) && now.has(edge.target))
      .map((edge): Change => ({ kind: "removed", risk: "medium", text: `Follows no longer: ${say(edge)}` })),
  ];
}

function variableChanges(before: PlainMap, after: PlainMap): Change[] {
  const was = new Map(variablesOf(before).map((variable) => [variable.name, variable]));
  const is = new Map(variablesOf(after).map((variable) => [variable.name, variable]));
  const changes: Change[] = [];
  for (const [name, variable] of is) {
    const old = was.get(name);
    if (!old) changes.push({ kind: "added", risk: "low", text: `New variable ${name}` });
    else if (JSON.stringify(old) !== JSON.stringify(variable))
      changes.push({ kind: "changed", risk: "medium", text: `Variable ${name} changes` });
  }
  for (const name of was.keys())
    if (!is.has(name)) changes.push({ kind: "removed", risk: "medium", text: `Variable ${name} is gone` });
  return changes;
}

function from(was: Plain | undefined, is: Plain | undefined): string {
  if (was === undefined) return `is now ${short(is)}`;
  if (is === undefined) return `is no longer set (was ${short(was)})`;
  return `${short(was)} → ${short(is)}`;
}

function short(value: Plain | undefined): string {
  const text =
    typeof value === "string"
      ? `“${value}”`
      : Array.isArray(value) || isMap(value ?? null)
        ? JSON.stringify(value)
        : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
