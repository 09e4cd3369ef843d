/** What is chosen, in detail: a node's form, an edge's outcome, several nodes at once, or the workflow itself. */
import { Copy, FlaskConical, Trash2, X } from "lucide-react";
import { Tabs } from "radix-ui";
import { useEffect, useRef, useState } from "react";
import toast from "react-hot-toast";
import type { WorkflowNode } from "@/domain/definition";
import { typeOf } from "@/domain/nodeTypes";
import { useRun } from "@/store/run";
import { triggerOf, useWorkflow } from "@/store/workflow";
import { Button, IconButton } from "../Button";
import { nodeLook } from "../canvas/nodeLook";
import { copyChosen, duplicateChosen } from "../editor/adding";
import { Badge } from "../Status";
import { TabBar } from "../TabBar";
import { BehaviourForm } from "./BehaviourForm";
import { ConfigForm } from "./ConfigForm";
import { DataTab } from "./DataTab";
import { EdgeForm } from "./EdgeForm";
import { LastRunTab } from "./LastRunTab";
import { ProblemList } from "./ProblemList";
import { Steps } from "./Steps";
import { WorkflowForm } from "./WorkflowForm";

export function Inspector({ onTest }: { onTest: (nodeId: string) => void }) {
  const selected = useWorkflow((state) => state.selectedNode);
  const selection = useWorkflow((state) => state.selection);
  const edge = useWorkflow((state) =>
    state.selection.size === 1 ? state.edges.find((other) => state.selection.has(other.id)) : undefined,
  );
  return (
    <aside
      aria-label="Inspector"
      className="flex h-full w-[340px] shrink-0 flex-col border-l border-line bg-panel max-lg:w-[300px] max-md:w-[250px]"
    >
      {selected ? (
        <NodeInspector key={selected.id} node={selected} onTest={onTest} />
      ) : edge ? (
        <EdgeForm edge={edge} />
      ) : selection.size > 1 ? (
        <Several count={selection.size} />
      ) : (
        <WorkflowForm />
      )}
    </aside>
  );
}

const TABS = [
  ["config", "Config"],
  ["data", "Data"],
  ["behaviour", "Behaviour"],
  ["problems", "Problems"],
  ["run", "Last run"],
] as const;

function NodeInspector({ node, onTest }: { node: WorkflowNode; onTest: (nodeId: string) => void }) {
  const store = useWorkflow();
  const type = typeOf(store.catalogue, node, triggerOf(store.raw));
  const problems = store.nodeProblems.get(node.id) ?? [];
  const replaying = useRun((state) => state.executionId !== null);
  const [tab, setTab] = useState<string>(replaying ? "run" : "config");
  const { icon: Icon, ink, soft } = nodeLook(node.type, type?.variant);
  const focusField = store.focusField;
  const body = useRef<HTMLDivElement>(null);

  // A click on a problem leads to its field.
  useEffect(() => {
    if (!focusField) return;
    setTab("config");
    const timer = setTimeout(() => {
      const place = body.current?.querySelector(`[data-field="${CSS.escape(focusField)}"]`);
      place?.scrollIntoView({ block: "nearest" });
      place?.querySelector<HTMLElement>("input,select,textarea,.cm-content,button[role=switch]")?.focus();
    }, 80);
    return () => clearTimeout(timer);
  }, [focusField]);

  return (
    <>
      <header className="flex items-start gap-2.5 border-b border-line p-3">
        <span className={`mt-0.5 flex size-8 shrink-0 items-center justify-center rounded-md ${ink} ${soft}`}>
          <Icon size={16} />
        </span>
        <div className="min-w-0 flex-1">
          <LabelInput node={node} />
          <div className="flex items-center gap-1 text-xs text-ink-3">
            <span className="whitespace-nowrap">{type?.label ?? node.type} ·</span>
            <IdInput node={node} />
          </div>
        </div>
        <IconButton label="Copy" keys="Mod+C" onClick={() => void copyChosen()}>
          <Copy size={14} />
        </IconButton>
        <IconButton label="Delete node" keys="Delete" onClick={store.removeChosen}>
          <Trash2 size={14} />
        </IconButton>
      </header>
      {!type && (
        <p className="m-3 rounded-md bg-warn-soft px-2.5 py-2 text-sm text-warn">
          This server does not know the type “{node.type}”. The node is kept exactly as it is written; edit it
          under Definition.
        </p>
      )}
      <Tabs.Root value={tab} onValueChange={setTab} className="flex min-h-0 flex-1 flex-col">
        <TabBar
          label="Parts of the node"
          small
          className="px-3"
          tabs={TABS.map(([value, name]) => [
            value,
            <>
              {name}
              {value === "problems" && problems.length > 0 && (
                <Badge tone={problems.some((problem) => problem.severity === "error") ? "danger" : "warn"}>
                  {problems.length}
                </Badge>
              )}
            </>,
          ])}
        />
        <div ref={body} className="min-h-0 flex-1 overflow-y-auto" tabIndex={-1}>
          <Tabs.Content value="config" className="flex flex-col gap-3.5 p-3" tabIndex={-1}>
            {type && <p className="text-xs text-ink-2">{type.summary}</p>}
            {type && <ConfigForm node={node} type={type} problems={problems} />}
            <Steps node={node} type={type} />
          </Tabs.Content>
          <Tabs.Content value="data" className="p-3" tabIndex={-1}>
            <DataTab node={node} type={type} />
          </Tabs.Content>
          <Tabs.Content value="behaviour" className="p-3" tabIndex={-1}>
            <BehaviourForm node={node} type={type} problems={problems} />
          </Tabs.Content>
          <Tabs.Content value="problems" className="p-3" tabIndex={-1}>
            <ProblemList problems={problems} />
          </Tabs.Content>
          <Tabs.Content value="run" className="p-3" tabIndex={-1}>
            <LastRunTab node={node} />
          </Tabs.Content>
        </div>
      </Tabs.Root>
      {type && !type.starts && (
        <footer className="border-t border-line p-2.5">
          <Button className="w-full" icon={<FlaskConical size={14} />} onClick={() => onTest(node.id)}>
            Test node
          </Button>
        </footer>
      )}
    </>
  );
}

function LabelInput({ node }: { node: WorkflowNode }) {
  const update = useWorkflow((state) => state.updateNode);
  return (
    <input
      aria-label="Label"
      title={node.label}
      dir="auto"
      className="-ml-1.5 w-full rounded-md border border-transparent px-1.5 py-0.5 text-base font-semibold text-ellipsis hover:border-line-strong focus:border-accent"
      value={node.label}
      onChange={(event) => update(node.id, { label: event.target.value }, `label:${node.id}`)}
    />
  );
}

/** The id changes when the field is left, not with every letter: everything that speaks of the node changes with it. */
function IdInput({ node }: { node: WorkflowNode }) {
  const rename = useWorkflow((state) => state.rename);
  const [text, setText] = useState(node.id);
  function finish(): void {
    const reason = rename(node.id, text.trim());
    if (!reason) return;
    toast.error(reason);
    setText(node.id);
  }
  return (
    <input
      aria-label="Node id"
      title={node.id}
      spellCheck={false}
      className="min-w-0 flex-1 rounded border border-transparent px-1 font-mono text-xs text-ellipsis text-ink-2 hover:border-line-strong focus:border-accent"
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") setText(node.id);
      }}
    />
  );
}

function Several({ count }: { count: number }) {
  const removeChosen = useWorkflow((state) => state.removeChosen);
  const choose = useWorkflow((state) => state.choose);
  return (
    <div className="flex flex-col gap-3 p-4">
      <h2 className="text-base font-semibold">{count} chosen</h2>
      <p className="text-ink-2">Drag them together, or use the arrow keys.</p>
      <div className="flex flex-col gap-2">
        <Button icon={<Copy size={14} />} onClick={duplicateChosen}>
          Duplicate
        </Button>
        <Button icon={<X size={14} />} onClick={() => choose([])}>
          Choose nothing
        </Button>
        <Button weight="danger" icon={<Trash2 size={14} />} onClick={removeChosen}>
          Delete all of them
        </Button>
      </div>
    </div>
  );
}
