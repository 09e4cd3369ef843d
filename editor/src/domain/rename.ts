/** Give a node another id everywhere: node, edges, layout, and every expression that speaks of it. */
import { renameInPlain } from "./holes";
import { isMap, type Plain, type PlainMap } from "./tree";

export function renameNode(raw: PlainMap, from: string, to: string): PlainMap {
  if (from === to) return raw;
  const names = new Map([[from, to]]);
  const next: PlainMap = { ...raw };
  const nodes = raw["nodes"];
  if (Array.isArray(nodes)) {
    next["nodes"] = nodes.map((node) => {
      const inner = renameInPlain(node, names);
      return isMap(inner) && inner["id"] === from ? { ...inner, id: to } : inner;
    });
  } else if (isMap(nodes)) {
    next["nodes"] = renamedKey(renameInPlain(nodes, names), from, to);
  }
  if (Array.isArray(raw["edges"])) {
    next["edges"] = raw["edges"].map((edge) => {
      if (!isMap(edge) || (edge["source"] !== from && edge["target"] !== from)) return edge;
      const moved = { ...edge };
      if (edge["source"] === from) moved["source"] = to;
      if (edge["target"] === from) moved["target"] = to;
      return moved;
    });
  }
  if (isMap(raw["layout"])) next["layout"] = renamedKey(raw["layout"], from, to);
  if (raw["settings"] !== undefined) next["settings"] = renameInPlain<Plain>(raw["settings"], names);
  return next;
}

function renamedKey(map: PlainMap, from: string, to: string): PlainMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key === from ? to : key, value]));
}
