/** What comes in and what goes out, with its types; a click copies the expression. */
import { Braces } from "lucide-react";
import toast from "react-hot-toast";
import type { WorkflowNode } from "@/domain/definition";
import type { NodeType, Schema } from "@/domain/nodeTypes";
import { resolve, scopeAt, typeName, type Name } from "@/domain/scope";
import { triggerOf, useWorkflow } from "@/store/workflow";

export function DataTab({ node, type }: { node: WorkflowNode; type: NodeType | undefined }) {
  const { nodes, edges, variables, catalogue, raw } = useWorkflow();
  const scope = scopeAt(node.id, { nodes, edges, variables, trigger: triggerOf(raw) }, catalogue, true);
  return (
    <div className="flex flex-col gap-4">
      <section>
        <h3 className="label mb-1">Output</h3>
        {type ? (
          <Tree schema={type.outputSchema} path={`${node.id}.output`} />
        ) : (
          <p className="text-ink-3">Unknown to this server.</p>
        )}
      </section>
      <section>
        <h3 className="label mb-1">May be used here</h3>
        {scope.map((name) => (
          <NameTree key={name.name} name={name} />
        ))}
      </section>
    </div>
  );
}

function NameTree({ name }: { name: Name }) {
  const output = name.schema.properties?.["output"];
  const inside = output ? { ...output, $defs: name.schema.$defs ?? {} } : name.schema;
  return (
    <details className="border-b border-line py-1 last:border-0">
      <summary className="cursor-pointer text-sm">
        <span className="font-mono text-xs">{name.name}</span>{" "}
        <span className="text-xs text-ink-3">{name.info}</span>
      </summary>
      <Tree schema={inside} path={output ? `${name.name}.output` : name.name} />
    </details>
  );
}

function Tree({
  schema,
  path,
  defs = schema.$defs ?? {},
  depth = 0,
}: {
  schema: Schema;
  path: string;
  defs?: Record<string, Schema>;
  depth?: number;
}) {
  const found = resolve(schema, defs);
  const entries = Object.entries(found?.properties ?? {});
  if (depth === 0 && entries.length === 0)
    return <Line path={path} label={path} type={typeName(schema, defs)} />;
  if (depth > 2) return null;
  return (
    <ul className={depth ? "ml-3 border-l border-line pl-2" : ""}>
      {entries.map(([key, inner]) => {
        const real = resolve(inner, defs);
        const item = real?.type === "array" ? real.items : undefined;
        return (
          <li key={key}>
            <Line
              path={`${path}.${key}`}
              label={key}
              type={typeName(inner, defs)}
              {...(inner.description ? { hint: inner.description } : {})}
            />
            <Tree
              schema={item ?? inner}
              path={item ? `${path}.${key}[0]` : `${path}.${key}`}
              defs={defs}
              depth={depth + 1}
            />
          </li>
        );
      })}
    </ul>
  );
}

function Line({ path, label, type, hint }: { path: string; label: string; type: string; hint?: string }) {
  return (
    <button
      type="button"
      title={hint ?? `Copy {{ ${path} }}`}
      className="group flex w-full items-center gap-2 rounded px-1 py-0.5 text-left hover:bg-sunken"
      onClick={() => {
        void navigator.clipboard?.writeText(`{{ ${path} }}`);
        toast.success(`Copied {{ ${path} }}`, { duration: 1500 });
      }}
    >
      <span className="font-mono text-xs">{label}</span>
      <span className="min-w-0 flex-1 truncate text-xs text-ink-3">{type}</span>
      <Braces size={12} className="text-ink-3 opacity-0 group-hover:opacity-100" />
    </button>
  );
}
