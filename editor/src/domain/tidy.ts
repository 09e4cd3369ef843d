/** A clear arrangement of the whole drawing, from top to bottom. */
import { Graph, layout } from "@dagrejs/dagre";
import type { Position } from "./definition";
import type { Size } from "./placing";

export interface TidyRequest {
  nodes: { id: string; size: Size }[];
  edges: { source: string; target: string }[];
}

export function tidy({ nodes, edges }: TidyRequest): Record<string, Position> {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 56, ranksep: 54, edgesep: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, size } of nodes) graph.setNode(id, { ...size });
  const known = new Set(nodes.map((node) => node.id));
  edges.forEach(({ source, target }, index) => {
    if (known.has(source) && known.has(target)) graph.setEdge(source, target, {}, String(index));
  });
  layout(graph);
  return Object.fromEntries(
    nodes.map(({ id, size }) => {
      const { x = 0, y = 0 } = graph.node(id) as { x?: number; y?: number };
      return [id, { x: Math.round(x - size.width / 2), y: Math.round(y - size.height / 2) }];
    }),
  );
}
