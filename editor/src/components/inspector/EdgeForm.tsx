/** An edge: from where to where, and on which outcome. */
import { ArrowRight, Trash2 } from "lucide-react";
import type { WorkflowEdge } from "@/domain/definition";
import { edgeLabelFor, outcomeOf, outcomesOf, typeOf } from "@/domain/nodeTypes";
import { triggerOf, useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { SelectField } from "../Field";

export function EdgeForm({ edge }: { edge: WorkflowEdge }) {
  const { byId, catalogue, raw, setEdgeLabel, removeEdge } = useWorkflow();
  const source = byId.get(edge.source);
  const type = source && typeOf(catalogue, source, triggerOf(raw));
  const outcomes = outcomesOf(type);
  const now = outcomeOf(type, edge.label);
  return (
    <div className="flex flex-col gap-4 p-4">
      <h2 className="flex flex-wrap items-center gap-1.5 text-base font-semibold">
        {source?.label ?? edge.source} <ArrowRight size={14} className="text-ink-3" />{" "}
        {byId.get(edge.target)?.label ?? edge.target}
      </h2>
      <SelectField
        label="Followed when"
        value={now}
        onChange={(event) => setEdgeLabel(edge.id, edgeLabelFor(event.target.value))}
        choices={[...new Set([...outcomes, now])].map((outcome) => ({
          value: outcome,
          label: outcome || "It succeeds",
        }))}
      />
      <Button weight="danger" icon={<Trash2 size={14} />} onClick={() => removeEdge(edge.id)}>
        Delete edge
      </Button>
    </div>
  );
}
