/** What comes before and after a node, changeable without a mouse. */
import { useId, useMemo, useState } from "react";
import type { WorkflowNode } from "@/domain/definition";
import { edgeLabelFor, outcomeOf, outcomesOf, SUCCESS, type NodeType } from "@/domain/nodeTypes";
import { possibleTargets } from "@/domain/graph";
import { useWorkflow } from "@/store/workflow";
import { RemoveButton } from "../values/lines";

export function Steps({ node, type }: { node: WorkflowNode; type: NodeType | undefined }) {
  const edges = useWorkflow((state) => state.edges);
  const byId = useWorkflow((state) => state.byId);
  const { removeEdge, choose } = useWorkflow.getState();
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
            <ConnectTo node={node} outcome={outcome} label={label} />
          </div>
        );
      })}
    </section>
  );
}

/** With more nodes than this the list is made when somebody comes to it, not with every letter typed elsewhere. */
const MANY = 60;

interface ConnectToProps {
  node: WorkflowNode;
  outcome: string;
  label: string | undefined;
}

function ConnectTo({ node, outcome, label }: ConnectToProps) {
  const nodes = useWorkflow((state) => state.nodes);
  const edges = useWorkflow((state) => state.edges);
  const catalogue = useWorkflow((state) => state.catalogue);
  const addEdge = useWorkflow((state) => state.addEdge);
  const [near, setNear] = useState(false);
  const id = useId();
  const wanted = near || nodes.length <= MANY;
  const possible = useMemo(
    () => (wanted ? possibleTargets(node, label, nodes, edges, catalogue) : []),
    [wanted, node, label, nodes, edges, catalogue],
  );
  if (wanted && possible.length === 0) return null;
  return (
    <div className="flex items-center gap-1">
      <label htmlFor={id} className="w-16 shrink-0 truncate text-xs text-ink-3">
        {outcome === SUCCESS ? "then" : outcome}
      </label>
      <select
        id={id}
        aria-label={outcome ? `Connect ${outcome} to` : "Connect to"}
        className="input"
        value=""
        onFocus={() => setNear(true)}
        onPointerEnter={() => setNear(true)}
        onBlur={() => setNear(false)}
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
  );
}
