/** All workflows: what state each is in, how it last went, and what can be done with it. */
import {
  Copy,
  FileUp,
  LayoutTemplate,
  MoreHorizontal,
  Pencil,
  Plus,
  Search,
  Trash2,
  Workflow as WorkflowIcon,
  Activity,
  CalendarClock,
  Hand,
  Webhook,
  Zap,
} from "lucide-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import toast from "react-hot-toast";
import { Link, useNavigate, useSearchParams } from "react-router";
import { schedules, workflows } from "@/api/calls";
import type { WorkflowSummary } from "@/api/types";
import { Button, Tip } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { useActions } from "@/components/keys";
import { Menu } from "@/components/Menu";
import { NewWorkflow } from "@/components/NewWorkflow";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Badge, statusLook } from "@/components/Status";
import { Table } from "@/components/Table";
import { Ago, exactTime } from "@/components/Time";
import { useMay } from "@/store/session";

const TRIGGERS = { manual: Hand, scheduled: CalendarClock, webhook: Webhook, event: Zap } as const;

export default function Workflows() {
  const [query, setQuery] = useSearchParams();
  const go = useNavigate();
  const queries = useQueryClient();
  const mayEdit = useMay("developer");
  const [making, setMaking] = useState(false);
  const [deleting, setDeleting] = useState<WorkflowSummary>();
  const search = useRef<HTMLInputElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const text = useDeferredValue(query.get("search") ?? "").toLowerCase();
  const status = query.get("status") ?? "";
  const trigger = query.get("trigger") ?? "";
  const tag = query.get("tag") ?? "";
  const list = useQuery({ queryKey: ["workflows"], queryFn: () => workflows.list() });

  const fresh = () => queries.invalidateQueries({ queryKey: ["workflows"] });
  const failed = (error: Error) => toast.error(error.message);
  const toggle = useMutation({
    mutationFn: (workflow: WorkflowSummary) =>
      workflow.isPublished
        ? workflows.unpublish(workflow.id)
        : workflows.publish(workflow.id, {}).then((reply) => reply.data),
    onSuccess: (workflow) =>
      toast.success(
        workflow.isPublished ? `Published as version ${workflow.publishedVersion}` : "Unpublished",
      ),
    onError: failed,
    onSettled: fresh,
  });
  const duplicate = useMutation({ mutationFn: workflows.duplicate, onSuccess: fresh, onError: failed });
  const remove = useMutation({
    mutationFn: workflows.remove,
    onSuccess: () => toast.success("Deleted"),
    onError: failed,
    onSettled: fresh,
  });

  const actions = useMemo(
    () => [
      {
        id: "new-workflow",
        name: "New workflow",
        group: "Workflows",
        keys: "C",
        perform: () => setMaking(true),
        disabled: !mayEdit,
      },
      {
        id: "search-workflows",
        name: "Search workflows",
        group: "Workflows",
        keys: "/",
        perform: () => search.current?.focus(),
      },
    ],
    [mayEdit],
  );
  useActions("workflows", actions);

  function filter(key: string, value: string): void {
    const next = new URLSearchParams(query);
    if (value) next.set(key, value);
    else next.delete(key);
    setQuery(next, { replace: true });
  }

  async function importFile(chosen: File | undefined): Promise<void> {
    if (!chosen) return;
    try {
      const made = await workflows.import(
        await chosen.text(),
        chosen.name.endsWith(".json") ? "json" : "yaml",
      );
      await go(`/workflows/${made.id}/editor`);
    } catch (error) {
      failed(error as Error);
    }
  }

  const all = list.data?.items ?? [];
  const tags = [...new Set(all.flatMap((workflow) => workflow.tags))].sort();
  const shown = all.filter(
    (workflow) =>
      (!text ||
        `${workflow.name} ${workflow.description ?? ""} ${workflow.tags.join(" ")}`
          .toLowerCase()
          .includes(text)) &&
      (!status || stateOf(workflow) === status) &&
      (!trigger || workflow.trigger === trigger) &&
      (!tag || workflow.tags.includes(tag)),
  );

  return (
    <Page
      wide
      title="Workflows"
      actions={
        mayEdit && (
          <>
            <input
              ref={file}
              type="file"
              accept=".yaml,.yml,.json"
              className="hidden"
              aria-label="Workflow file"
              onChange={(event) => void importFile(event.target.files?.[0])}
            />
            <Button icon={<FileUp size={14} />} onClick={() => file.current?.click()}>
              Import
            </Button>
            <Button icon={<LayoutTemplate size={14} />} onClick={() => void go("/templates")}>
              From template
            </Button>
            <Button weight="primary" icon={<Plus size={14} />} onClick={() => setMaking(true)}>
              New workflow
            </Button>
          </>
        )
      }
    >
      {all.length > 0 && (
        <div className="mb-3 flex flex-wrap items-center gap-2">
          <div className="relative w-64">
            <Search size={14} className="absolute top-2 left-2.5 text-ink-3" />
            <input
              ref={search}
              type="search"
              aria-label="Search workflows"
              placeholder="Search by name, description or tag"
              className="input pl-8"
              value={query.get("search") ?? ""}
              onChange={(event) => filter("search", event.target.value)}
            />
          </div>
          <FilterSelect
            label="Status"
            value={status}
            onChange={(value) => filter("status", value)}
            choices={["draft", "published", "ahead"]}
            words={{ ahead: "draft ahead" }}
          />
          <FilterSelect
            label="Trigger"
            value={trigger}
            onChange={(value) => filter("trigger", value)}
            choices={["manual", "scheduled", "webhook", "event"]}
          />
          {tags.length > 0 && (
            <FilterSelect label="Tag" value={tag} onChange={(value) => filter("tag", value)} choices={tags} />
          )}
          <span className="ml-auto text-xs text-ink-3" role="status">
            {shown.length === all.length ? `${all.length} workflows` : `${shown.length} of ${all.length}`}
          </span>
        </div>
      )}
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : all.length === 0 ? (
        <div className="panel">
          <Empty
            icon={<WorkflowIcon size={22} />}
            title="No workflows yet"
            action={
              <>
                <Button
                  weight="primary"
                  icon={<LayoutTemplate size={14} />}
                  onClick={() => void go("/templates")}
                >
                  Start from a template
                </Button>
                <Button icon={<Plus size={14} />} onClick={() => setMaking(true)}>
                  Start with an empty one
                </Button>
              </>
            }
          >
            A workflow takes migrations to a database in steps you can see: discover, try, ask for approval,
            execute, tell the team. Templates hold the common ones.
          </Empty>
        </div>
      ) : shown.length === 0 ? (
        <div className="panel">
          <Empty
            icon={<Search size={22} />}
            title="No workflow fits"
            action={<Button onClick={() => setQuery({}, { replace: true })}>Show all</Button>}
          />
        </div>
      ) : (
        <Table
          label="Workflows"
          rows={shown}
          keyOf={(workflow) => workflow.id}
          columns={[
            {
              title: "Name",
              className: "w-[36%] min-w-56",
              cell: (workflow) => (
                <div className="min-w-0">
                  <Link to={`/workflows/${workflow.id}/editor`} className="font-medium hover:underline">
                    {workflow.name}
                  </Link>
                  {workflow.tags.map((name) => (
                    <button
                      key={name}
                      type="button"
                      onClick={() => filter("tag", name)}
                      className="ml-1.5 rounded bg-sunken px-1.5 text-xs text-ink-2 hover:bg-hover"
                    >
                      {name}
                    </button>
                  ))}
                  {workflow.description && (
                    <div className="line-clamp-1 max-w-xl text-xs text-ink-3">{workflow.description}</div>
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
                      disabled={toggle.isPending && toggle.variables.id === workflow.id}
                      onClick={() => toggle.mutate(workflow)}
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
                        label: "Duplicate",
                        icon: <Copy size={14} />,
                        disabled: !mayEdit,
                        onSelect: () => duplicate.mutate(workflow.id),
                      },
                      {
                        label: "Delete…",
                        icon: <Trash2 size={14} />,
                        danger: true,
                        apart: true,
                        disabled: !mayEdit,
                        onSelect: () => setDeleting(workflow),
                      },
                    ]}
                  />
                </div>
              ),
            },
          ]}
        />
      )}
      <NewWorkflow open={making} onClose={() => setMaking(false)} />
      <Confirm
        open={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && remove.mutate(deleting.id)}
        title={`Delete “${deleting?.name}”?`}
        verb="Delete"
        danger
      >
        It leaves the list and can no longer be started. Its past executions stay, for the audit.
      </Confirm>
    </Page>
  );
}

export function stateOf(workflow: WorkflowSummary): "draft" | "published" | "ahead" {
  if (!workflow.isPublished) return "draft";
  return workflow.publishedVersion !== null && workflow.version > workflow.publishedVersion
    ? "ahead"
    : "published";
}

export function StateBadge({ workflow }: { workflow: WorkflowSummary }) {
  const state = stateOf(workflow);
  if (state === "draft") return <Badge>Draft</Badge>;
  if (state === "published") return <Badge tone="ok">Published v{workflow.publishedVersion}</Badge>;
  return (
    <Tip text={`Version ${workflow.publishedVersion} runs; the draft has changed since.`}>
      <span tabIndex={0}>
        <Badge tone="warn">v{workflow.publishedVersion} · draft ahead</Badge>
      </span>
    </Tip>
  );
}

function TriggerCell({ workflow }: { workflow: WorkflowSummary }) {
  const Icon = TRIGGERS[workflow.trigger as keyof typeof TRIGGERS] ?? Hand;
  return (
    <span className="flex items-center gap-1.5 whitespace-nowrap text-ink-2">
      <Icon size={13} className="text-ink-3" />
      <span className="capitalize">{workflow.trigger}</span>
      {workflow.trigger === "scheduled" && workflow.isPublished && <NextRun workflow={workflow} />}
    </span>
  );
}

/** By the schedule that will fire it. */
function NextRun({ workflow }: { workflow: WorkflowSummary }) {
  const next = useQuery({
    queryKey: ["next-run", workflow.id, workflow.publishedVersion],
    queryFn: async () => {
      const { items } = await workflows.triggers(workflow.id);
      const clocks = items.filter((trigger) => trigger.type === "scheduled" && trigger.isActive);
      const times = await Promise.all(
        clocks.map(({ config }) =>
          schedules.preview(String(config["cron"]), String(config["timezone"] ?? "UTC")),
        ),
      );
      return times.flatMap((time) => time.next.slice(0, 1)).sort()[0] ?? null;
    },
    staleTime: 300_000,
    retry: false,
  });
  if (!next.data) return null;
  return (
    <span className="text-xs text-ink-3" title={exactTime(next.data)}>
      · next <Ago at={next.data} />
    </span>
  );
}

function Strip({ workflow }: { workflow: WorkflowSummary }) {
  const runs = workflow.lastExecutions ?? [];
  if (runs.length === 0) return <span className="text-xs text-ink-3">never run</span>;
  return (
    <span className="flex items-center gap-[3px]">
      {[...runs].reverse().map((run) => (
        <Link
          key={run.id}
          to={`/executions/${run.id}`}
          aria-label={`${statusLook(run.status).word}, ${exactTime(run.triggeredAt)}`}
          title={`${statusLook(run.status).word}, ${exactTime(run.triggeredAt)}`}
          className={`h-4 w-2 rounded-[2px] ${statusLook(run.status).bar} hover:opacity-70`}
        />
      ))}
      <span className="ml-1.5 text-xs">
        <Ago at={runs[0]!.triggeredAt} />
      </span>
    </span>
  );
}

export function FilterSelect({
  label,
  value,
  onChange,
  choices,
  words = {},
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  choices: readonly string[];
  words?: Record<string, string>;
}) {
  return (
    <select
      aria-label={label}
      className="input !w-auto"
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{label}: any</option>
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {(words[choice] ?? choice).replace(/^./, (letter) => letter.toUpperCase())}
        </option>
      ))}
    </select>
  );
}
