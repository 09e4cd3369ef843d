/**
 * Two people changed the same definition: what both did, put together.
 *
 *     merge(base, mine, theirs)  →  { merged, conflicts: ["nodes.execute-1.timeout"] }
 *
 * Where both changed the same value differently it is a conflict; mine stands
 * in `merged`, and the path is named so that a person can look.
 */
import { equal, isMap, type Plain, type PlainMap } from "./tree";

export interface Merged {
  merged: Plain;
  conflicts: string[];
}

export function merge(base: Plain, mine: Plain, theirs: Plain): Merged {
  const conflicts: string[] = [];
  const merged = join(base, mine, theirs, [], conflicts);
  return { merged: merged ?? null, conflicts };
}

function join(
  base: Plain | undefined,
  mine: Plain | undefined,
  theirs: Plain | undefined,
  path: string[],
  conflicts: string[],
): Plain | undefined {
  if (equal(mine, theirs)) return mine;
  if (equal(base, mine)) return theirs;
  if (equal(base, theirs)) return mine;
  if (mine !== undefined && theirs !== undefined && isMap(mine) && isMap(theirs)) {
    return joinMaps(isMap(base ?? null) ? (base as PlainMap) : {}, mine, theirs, path, conflicts);
  }
  if (Array.isArray(mine) && Array.isArray(theirs)) {
    return joinLists(Array.isArray(base) ? base : [], mine, theirs, path, conflicts);
  }
  conflicts.push(path.join("."));
  return mine ?? theirs;
}

function joinMaps(
  base: PlainMap,
  mine: PlainMap,
  theirs: PlainMap,
  path: string[],
  conflicts: string[],
): PlainMap {
  const result: PlainMap = {};
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const value = join(base[key], mine[key], theirs[key], [...path, key], conflicts);
    if (value !== undefined) result[key] = value;
  }
  return result;
}

/** Items are the same when their id is, or else when they are equal: edges have no id and are never changed in place. */
function joinLists(
  base: Plain[],
  mine: Plain[],
  theirs: Plain[],
  path: string[],
  conflicts: string[],
): Plain[] {
  const keyOf = (item: Plain): string => {
    if (isMap(item)) {
      if (typeof item["id"] === "string" && !("source" in item)) return `id:${item["id"]}`;
      if (typeof item["name"] === "string") return `name:${item["name"]}`;
    }
    return JSON.stringify(item);
  };
  const index = (items: Plain[]): Map<string, Plain> => new Map(items.map((item) => [keyOf(item), item]));
  const [was, ours, other] = [index(base), index(mine), index(theirs)];
  const result: Plain[] = [];
  for (const key of new Set([...ours.keys(), ...other.keys()])) {
    const value = join(
      was.get(key),
      ours.get(key),
      other.get(key),
      [...path, key.replace(/^\w+:/, "")],
      conflicts,
    );
    if (value !== undefined) result.push(value);
  }
  return result;
}
