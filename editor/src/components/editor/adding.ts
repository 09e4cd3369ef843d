/** New nodes: by dragging, by clicking, by Enter; copies and pastes. */
import toast from "react-hot-toast";
import { clipOf, paste, readClip } from "@/domain/clipboard";
import { withEdge, withNode, withPositions, type Position, type WorkflowNode } from "@/domain/definition";
import { freshId } from "@/domain/ids";
import {
  edgeLabelFor,
  FAILED,
  freshData,
  outcomeOf,
  outcomesOf,
  typeOf,
  type NodeType,
} from "@/domain/nodeTypes";
import { GRID, NODE_WIDTH, overlaps, sizeOf } from "@/domain/placing";
import { triggerOf, useWorkflow } from "@/store/workflow";

export const PALETTE_MIME = "application/x-dataroll-node-type";

export function paletteKey(type: NodeType): string {
  return `${type.type}/${type.variant}`;
}

/** With a place: dropped there. Without: behind the chosen node, and connected with it. */
export function addFromPalette(key: string, position?: Position): void {
  const store = useWorkflow.getState();
  const [kind = "", variant = ""] = key.split("/");
  const type = store.catalogue.find(kind, variant);
  if (!type || store.readOnly) return;
  const id = freshId(
    variant && kind !== "trigger" && kind !== "notification" ? variant : kind,
    new Set(store.byId.keys()),
  );
  const node: WorkflowNode = { id, type: kind, label: type.label, data: freshData(type) };
  const before = store.selectedNode;
  if (position || !before || type.starts) {
    store.addNode(node, position);
    return;
  }
  const outcome = freeOutcome(before);
  const place = placeAfter(before.id, type);
  let next = withNode(store.raw, node);
  if (outcome !== undefined)
    next = withEdge(next, { source: before.id, target: id, label: edgeLabelFor(outcome) });
  next = withPositions(next, { ...store.positions, [id]: place });
  store.commit(`Add ${type.label}`, next);
  store.choose([id]);
}

/** The first way out of a node that nothing follows yet; never Failed, which is drawn on purpose. */
function freeOutcome(node: WorkflowNode): string | undefined {
  const { catalogue, edges, raw } = useWorkflow.getState();
  const type = typeOf(catalogue, node, triggerOf(raw));
  const used = new Set(
    edges.filter((edge) => edge.source === node.id).map((edge) => outcomeOf(type, edge.label)),
  );
  const outcomes = outcomesOf(type).filter((outcome) => outcome !== FAILED);
  return outcomes.find((outcome) => !used.has(outcome)) ?? outcomes[0];
}

function placeAfter(id: string, type: NodeType): Position {
  const { positions, byId, catalogue, raw } = useWorkflow.getState();
  const from = positions[id] ?? { x: 0, y: 0 };
  const size = sizeOf(type);
  const before = byId.get(id);
  const height = sizeOf(before && typeOf(catalogue, before, triggerOf(raw))).height;
  const place = { x: from.x, y: Math.ceil((from.y + height + 54) / GRID) * GRID };
  const boxes = Object.entries(positions).map(([other, at]) => {
    const node = byId.get(other);
    return { ...at, ...sizeOf(node && typeOf(catalogue, node, triggerOf(raw))) };
  });
  while (boxes.some((box) => overlaps(box, { ...place, ...size }))) place.x += NODE_WIDTH + 64;
  return place;
}

export async function copyChosen(): Promise<boolean> {
  const { raw, selection, byId, positions } = useWorkflow.getState();
  const ids = new Set([...selection].filter((id) => byId.has(id)));
  if (ids.size === 0) return false;
  const text = JSON.stringify(clipOf(raw, ids, positions));
  sessionStorage.setItem("dataroll.clip", text);
  localStorage.setItem("dataroll.clip", text);
  // The system's clipboard may be closed to us; ours serves this browser in any case.
  await navigator.clipboard?.writeText(text).catch(() => undefined);
  toast.success(ids.size === 1 ? "Copied one node" : `Copied ${ids.size} nodes`, { duration: 1500 });
  return true;
}

export function pasteClip(text: string | null = localStorage.getItem("dataroll.clip")): void {
  const store = useWorkflow.getState();
  const clip = readClip(text ?? "");
  if (!clip || store.readOnly) return;
  const { raw, ids } = paste(store.raw, clip, { x: 40, y: 64 });
  store.commit(ids.length === 1 ? "Paste one node" : `Paste ${ids.length} nodes`, raw);
  store.choose(ids);
}

export function duplicateChosen(): void {
  const { raw, selection, byId, positions } = useWorkflow.getState();
  const ids = new Set([...selection].filter((id) => byId.has(id)));
  if (ids.size) pasteClip(JSON.stringify(clipOf(raw, ids, positions)));
}
