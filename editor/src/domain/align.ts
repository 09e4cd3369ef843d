/**
 * Which old list items live on in a new list.
 *
 *     align([a, b, c], [a, c])   →  a and c are kept, b is gone
 *     align([{id: 1, x: 1}], [{id: 1, x: 2}])  →  kept, to be changed inside
 */
import { equal, isMap, type Plain } from "./tree";

export interface Alignment {
  /** Pairs of (old index, new index), rising in both. */
  kept: [number, number][];
  gone: Set<number>;
  fresh: Set<number>;
}

export function align(before: readonly Plain[], after: readonly Plain[]): Alignment {
  let head = 0;
  while (head < before.length && head < after.length && same(before[head]!, after[head]!)) head++;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    same(before[before.length - 1 - tail]!, after[after.length - 1 - tail]!)
  ) {
    tail++;
  }
  const kept: [number, number][] = [];
  for (let index = 0; index < head; index++) kept.push([index, index]);
  const oldMiddle = before.slice(head, before.length - tail);
  const newMiddle = after.slice(head, after.length - tail);
  for (const [i, j] of pairUp(oldMiddle, newMiddle)) kept.push([head + i, head + j]);
  for (let index = tail; index > 0; index--) kept.push([before.length - index, after.length - index]);

  const gone = new Set(before.keys());
  const fresh = new Set(after.keys());
  for (const [i, j] of kept) {
    gone.delete(i);
    fresh.delete(j);
  }
  return { kept, gone, fresh };
}

function same(a: Plain, b: Plain): boolean {
  if (a === b) return true;
  // Things with an id are the same thing when the id is, whatever else has changed.
  if (isMap(a) && isMap(b) && a["id"] !== undefined && b["id"] !== undefined) return a["id"] === b["id"];
  return equal(a, b);
}

/** Longest common subsequence; between its members, leftovers are paired so that they change in place. */
function pairUp(before: Plain[], after: Plain[]): [number, number][] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i]![j] = same(before[i]!, after[j]!)
        ? lengths[i + 1]![j + 1]! + 1
        : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const anchors: [number, number][] = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    if (same(before[i]!, after[j]!)) anchors.push([i++, j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  const pairs: [number, number][] = [];
  let [fromOld, fromNew] = [0, 0];
  for (const [oldAnchor, newAnchor] of [...anchors, [before.length, after.length] as [number, number]]) {
    while (fromOld < oldAnchor && fromNew < newAnchor) pairs.push([fromOld++, fromNew++]);
    if (oldAnchor < before.length) pairs.push([oldAnchor, newAnchor]);
    [fromOld, fromNew] = [oldAnchor + 1, newAnchor + 1];
  }
  return pairs;
}
