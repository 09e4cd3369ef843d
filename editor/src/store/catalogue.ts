/** The server's node types, and how large they are drawn. */
import type { WorkflowNode } from "@/domain/definition";
import { catalogueOf, EMPTY_CATALOGUE, typeOf, type Catalogue } from "@/domain/nodeTypes";
import { sizeOf, type Size } from "@/domain/placing";

export { catalogueOf, EMPTY_CATALOGUE, type Catalogue };

export function sizeFor(catalogue: Catalogue, trigger: string): (node: WorkflowNode) => Size {
  return (node) => sizeOf(typeOf(catalogue, node, trigger));
}
