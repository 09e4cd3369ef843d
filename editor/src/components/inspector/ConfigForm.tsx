/** The form of a node: one field for each property that the server's schema names. */
import { useMemo } from "react";
import type { WorkflowNode } from "@/domain/definition";
import { fieldsOf, type NodeType } from "@/domain/nodeTypes";
import type { Problem } from "@/domain/problems";
import { scopeAt } from "@/domain/scope";
import { triggerOf, useWorkflow } from "@/store/workflow";
import { SelectField } from "../Field";
import { NotificationPreview } from "./NotificationPreview";
import { SchemaField } from "./SchemaField";

export function ConfigForm({
  node,
  type,
  problems,
}: {
  node: WorkflowNode;
  type: NodeType;
  problems: readonly Problem[];
}) {
  const { nodes, edges, variables, catalogue, updateNode, raw } = useWorkflow();
  const fields = useMemo(() => fieldsOf(type), [type]);
  const trigger = triggerOf(raw);
  const definition = useMemo(
    () => ({ nodes, edges, variables, trigger }),
    [nodes, edges, variables, trigger],
  );
  const scope = useMemo(() => scopeAt(node.id, definition, catalogue), [node.id, definition, catalogue]);
  const secretScope = useMemo(
    () => scopeAt(node.id, definition, catalogue, true),
    [node.id, definition, catalogue],
  );
  const variants = catalogue.all.filter((other) => other.type === type.type);
  const claimed = new Set(fields.map((field) => field.key));
  const errorOf = (key: string): string | undefined => {
    const found = problems.find(
      (problem) =>
        problem.field === key || problem.field?.startsWith(`${key}.`) || problem.field?.startsWith(`${key}[`),
    );
    return found ? [found.message, found.hint].filter(Boolean).join(" – ") : undefined;
  };
  const loose = problems.filter(
    (problem) =>
      problem.field && !claimed.has(problem.field.split(/[.[]/)[0]!) && problem.severity === "error",
  );

  return (
    <>
      {variants.length > 1 && type.discriminator && (
        <SelectField
          label={{ trigger: "Starts", action: "Action", notification: "Provider" }[type.type] ?? "Kind"}
          value={type.variant}
          onChange={(event) => updateNode(node.id, { [type.discriminator!]: event.target.value })}
          choices={variants.map((variant) => ({ value: variant.variant, label: variant.label }))}
        />
      )}
      {fields.map((field) => (
        <div key={field.key} data-field={field.key}>
          <SchemaField
            field={field}
            value={node.data[field.key]}
            data={node.data}
            scope={field.secret ? secretScope : scope}
            error={errorOf(field.key)}
            onChange={(value) => updateNode(node.id, { [field.key]: value }, `field:${node.id}:${field.key}`)}
          />
        </div>
      ))}
      {type.type === "notification" && (
        <NotificationPreview node={node} provider={type.variant} scope={scope} />
      )}
      {loose.map((problem) => (
        <p key={problem.code + problem.message} className="text-xs text-danger">
          {problem.message}
        </p>
      ))}
    </>
  );
}
