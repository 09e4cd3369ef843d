/** All workflows: what state each is in, how it last went, and what can be done with it. */
import { FileUp, LayoutTemplate, Plus, Search, Workflow as WorkflowIcon } from "lucide-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import toast from "react-hot-toast";
import { useNavigate, useSearchParams } from "react-router";
import { workflows } from "@/api/calls";
import type { WorkflowSummary } from "@/api/types";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { FilterSelect } from "@/components/FilterSelect";
import { useActions } from "@/components/keys";
import { NewWorkflow } from "@/components/NewWorkflow";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { stateOf } from "@/components/workflows/StateBadge";
import { WorkflowTable } from "@/components/workflows/WorkflowTable";
import { useMay } from "@/store/session";

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
              placeholder="Search workflows"
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
        <WorkflowTable
          workflows={shown}
          mayEdit={mayEdit}
          busy={toggle.isPending ? toggle.variables.id : undefined}
          onTag={(name) => filter("tag", name)}
          onToggle={toggle.mutate}
          onDuplicate={duplicate.mutate}
          onDelete={setDeleting}
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
