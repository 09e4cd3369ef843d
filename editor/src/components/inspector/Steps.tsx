/** What comes before and after a node, changeable without a mouse. */
import { useId } from "react";
import type { WorkflowNode } from "@/domain/definition";
import { edgeLabelFor, outcomeOf, outcomesOf, SUCCESS, type NodeType } from "@/domain/nodeTypes";
import { refusal } from "@/domain/graph";
import { useWorkflow } from "@/store/workflow";
import { RemoveButton } from "../values/lines";

export function Steps({ node, type }: { node: WorkflowNode; type: NodeType | undefined }) {
  const { nodes, edges, byId, catalogue, addEdge, removeEdge, choose } = useWorkflow();
  const id = useId();
  const incoming = edges.filter((edge) => edge.target === node.id);
  const outgoing = edges.filter((edge) => edge.source === node.id);
  const name = (other: string): string => byId.get(other)?.label ?? other;
  return (
    <section aria-label="Connections of the node" className="flex flex-col gap-2 border-t border-line pt-3">
      <h3 className="label">Before and after</h3>
      {incoming.length > 0 && (
        <ul className="flex flex-col gap-1">
          {incoming.map((edge) => (
            <li key={edge.id} className="flex items-center gap-1 text-sm">
              <span className="w-16 shrink-0 text-xs text-ink-3">after</span>
              <button
                type="button"
                className="min-w-0 flex-1 truncate text-left hover:underline"
                onClick={() => choose([edge.source])}
              >
                {name(edge.source)}
                {edge.label && <span className="text-ink-3"> · {edge.label}</span>}
              </button>
              <RemoveButton
                label={`Disconnect from ${name(edge.source)}`}
                onClick={() => removeEdge(edge.id)}
              />
            </li>
          ))}
        </ul>
      )}
      {outcomesOf(type).map((outcome) => {
        const label = edgeLabelFor(outcome);
        const mine = outgoing.filter((edge) => outcomeOf(type, edge.label) === outcome);
        const possible = nodes.filter(
          (other) =>
            refusal({ source: node.id, target: other.id, label }, nodes, edges, catalogue) === undefined,
        );
        return (
          <div key={outcome} className="flex flex-col gap-1">
            {mine.map((edge) => (
              <div key={edge.id} className="flex items-center gap-1 text-sm">
                <span className="w-16 shrink-0 truncate text-xs text-ink-3">{outcome || "then"}</span>
                <button
                  type="button"
                  className="min-w-0 flex-1 truncate text-left hover:underline"
                  onClick={() => choose([edge.target])}
                >
                  {name(edge.target)}
                </button>
                <RemoveButton label={`Disconnect ${name(edge.target)}`} onClick={() => removeEdge(edge.id)} />
              </div>
            ))}
            {possible.length > 0 && (
              <div className="flex items-center gap-1">
                <label htmlFor={`${id}-${outcome}`} className="w-16 shrink-0 truncate text-xs text-ink-3">
                  {outcome === SUCCESS ? "then" : outcome}
                </label>
                <select
                  id={`${id}-${outcome}`}
                  aria-label={outcome ? `Connect ${outcome} to` : "Connect to"}
                  className="input"
                  value=""
                  onChange={(event) => addEdge({ source: node.id, target: event.target.value, label })}
                >
                  <option value="">Connect to…</option>
                  {possible.map((other) => (
                    <option key={other.id} value={other.id}>
                      {other.label} ({other.id})
                    </option>
                  ))}
                </select>
              </div>
            )}
          </div>
        );
      })}
    </section>
  );
}
