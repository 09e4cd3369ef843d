/** Arrange everything anew: worked out beside the page, and one step of undo. */
import { typeOf } from "@/domain/nodeTypes";
import { sizeOf } from "@/domain/placing";
import type { Position } from "@/domain/definition";
import type { TidyRequest } from "@/domain/tidy";
import { triggerOf, useWorkflow } from "@/store/workflow";

export async function tidyNow(): Promise<void> {
  const { nodes, edges, catalogue, raw, move } = useWorkflow.getState();
  if (nodes.length === 0) return;
  const trigger = triggerOf(raw);
  const request: TidyRequest = {
    nodes: nodes.map((node) => ({ id: node.id, size: sizeOf(typeOf(catalogue, node, trigger)) })),
    edges: edges.map(({ source, target }) => ({ source, target })),
  };
  const positions = await new Promise<Record<string, Position>>((resolve, reject) => {
    const worker = new Worker(new URL("./tidyWorker.ts", import.meta.url), { type: "module" });
    worker.onmessage = (event: MessageEvent<Record<string, Position>>) => {
      resolve(event.data);
      worker.terminate();
    };
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(request);
  });
  // Somebody may have gone on drawing meanwhile: only what still exists is moved.
  const still = useWorkflow.getState().byId;
  move(Object.fromEntries(Object.entries(positions).filter(([id]) => still.has(id))), undefined, "Tidy");
}
