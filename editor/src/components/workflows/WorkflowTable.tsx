/** The workflows, a row each: state, trigger, last runs, and what can be done. */
import { Activity, Copy, MoreHorizontal, Pencil, Trash2, Zap } from "lucide-react";
import { Link, useNavigate } from "react-router";
import type { WorkflowSummary } from "@/api/types";
import { Button } from "../Button";
import { Menu } from "../Menu";
import { Table } from "../Table";
import { Ago } from "../Time";
import { StateBadge } from "./StateBadge";
import { Strip } from "./Strip";
import { TriggerCell } from "./TriggerCell";

interface WorkflowTableProps {
  workflows: readonly WorkflowSummary[];
  mayEdit: boolean;
  /** The one that is being published or unpublished. */
  busy: string | undefined;
  onTag: (tag: string) => void;
  onToggle: (workflow: WorkflowSummary) => void;
  onDuplicate: (id: string) => void;
  onDelete: (workflow: WorkflowSummary) => void;
}

export function WorkflowTable({
  workflows,
  mayEdit,
  busy,
  onTag,
  onToggle,
  onDuplicate,
  onDelete,
}: WorkflowTableProps) {
  const go = useNavigate();
  return (
    <Table
      label="Workflows"
      rows={workflows}
      keyOf={(workflow) => workflow.id}
      columns={[
        {
          title: "Name",
          className: "w-[36%] min-w-56",
          cell: (workflow) => (
            <div className="min-w-0">
              <div className="flex flex-wrap items-baseline gap-x-1.5">
                <Link
                  to={`/workflows/${workflow.id}/editor`}
                  dir="auto"
                  className="font-medium [overflow-wrap:anywhere] hover:underline"
                >
                  {workflow.name}
                </Link>
                {workflow.tags.map((name) => (
                  <button
                    key={name}
                    type="button"
                    onClick={() => onTag(name)}
                    className="rounded bg-sunken px-1.5 text-xs text-ink-2 hover:bg-hover"
                  >
                    {name}
                  </button>
                ))}
              </div>
              {workflow.description && (
                <div className="line-clamp-1 max-w-xl text-xs text-ink-3" title={workflow.description}>
                  {workflow.description}
                </div>
              )}
            </div>
          ),
        },
        { title: "Status", cell: (workflow) => <StateBadge workflow={workflow} /> },
        { title: "Trigger", cell: (workflow) => <TriggerCell workflow={workflow} /> },
        { title: "Last runs", cell: (workflow) => <Strip workflow={workflow} /> },
        { title: "Changed", cell: (workflow) => <Ago at={workflow.updatedAt} /> },
        {
          title: "Actions",
          silent: true,
          className: "text-right whitespace-nowrap",
          cell: (workflow) => (
            <div className="flex items-center justify-end gap-1">
              {mayEdit && (
                <Button
                  size="small"
                  weight="quiet"
                  aria-label={
                    workflow.isPublished ? `Unpublish ${workflow.name}` : `Publish ${workflow.name}`
                  }
                  disabled={busy === workflow.id}
                  onClick={() => onToggle(workflow)}
                >
                  {workflow.isPublished ? "Unpublish" : "Publish"}
                </Button>
              )}
              <Menu
                trigger={
                  <button
                    type="button"
                    aria-label={`More for ${workflow.name}`}
                    className="rounded-md p-1 text-ink-3 hover:bg-hover"
                  >
                    <MoreHorizontal size={16} />
                  </button>
                }
                items={[
                  {
                    label: "Edit",
                    icon: <Pencil size={14} />,
                    onSelect: () => void go(`/workflows/${workflow.id}/editor`),
                  },
                  {
                    label: "Executions",
                    icon: <Activity size={14} />,
                    onSelect: () => void go(`/workflows/${workflow.id}/executions`),
                  },
                  {
                    label: "Triggers",
                    icon: <Zap size={14} />,
                    onSelect: () => void go(`/workflows/${workflow.id}/triggers`),
                  },
                  {
                    label: "Duplicate",
                    icon: <Copy size={14} />,
                    disabled: !mayEdit,
                    onSelect: () => onDuplicate(workflow.id),
                  },
                  {
                    label: "Delete…",
                    icon: <Trash2 size={14} />,
                    danger: true,
                    apart: true,
                    disabled: !mayEdit,
                    onSelect: () => onDelete(workflow),
                  },
                ]}
              />
            </div>
          ),
        },
      ]}
    />
  );
}
