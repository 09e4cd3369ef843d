/** What starts a workflow: the triggers that are drawn, and those made here. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { AlertTriangle, KeyRound, Pencil, Plus, RefreshCw, Trash2, Zap } from "lucide-react";
import { useMemo, useState } from "react";
import toast from "react-hot-toast";
import { Link, useParams } from "react-router";
import { triggers, workflows } from "@/api/calls";
import type { Trigger, TriggerMade } from "@/api/types";
import { Button, IconButton } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { Switch } from "@/components/Field";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Badge } from "@/components/Status";
import { Ago } from "@/components/Time";
import { ShownOnce } from "@/components/triggers/ShownOnce";
import { TriggerDialog } from "@/components/triggers/TriggerDialog";
import { TRIGGER_ICON, triggerWords } from "@/components/triggers/words";
import { NextRuns, useNextRuns } from "@/components/values/NextRuns";
import { variablesOf } from "@/domain/definition";
import { readPlain } from "@/domain/read";
import { isMap, type Format } from "@/domain/tree";
import { useMay } from "@/store/session";

export default function Triggers() {
  const { id = "" } = useParams();
  const queries = useQueryClient();
  const may = useMay("developer");
  const workflow = useQuery({ queryKey: ["workflow", "of-triggers", id], queryFn: () => workflows.get(id) });
  const list = useQuery({
    queryKey: ["triggers", id],
    queryFn: () => triggers.list(id),
    refetchInterval: 15_000,
  });
  const [editing, setEditing] = useState<Trigger | "new">();
  const [made, setMade] = useState<TriggerMade>();
  const [rotating, setRotating] = useState<Trigger>();
  const [removing, setRemoving] = useState<Trigger>();
  const fresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["triggers", id] });
  const failed = (error: Error): unknown => toast.error(error.message);

  const toggle = useMutation({
    mutationFn: (trigger: Trigger) => triggers.change(id, trigger.id, { isActive: !trigger.isActive }),
    onSuccess: (after) => toast.success(after.isActive ? "It may fire again" : "Paused: it starts nothing"),
    onError: failed,
    onSettled: fresh,
  });
  const rotate = useMutation({
    mutationFn: (trigger: Trigger) => triggers.rotate(id, trigger.id),
    onSuccess: setMade,
    onError: failed,
    onSettled: fresh,
  });
  const remove = useMutation({
    mutationFn: (trigger: Trigger) => triggers.remove(id, trigger.id),
    onSuccess: () => toast.success("Deleted"),
    onError: failed,
    onSettled: fresh,
  });
  const definition = workflow.data?.data.definition;
  const variables = useMemo(() => {
    try {
      const raw = definition ? readPlain(definition.content, definition.format as Format) : null;
      return isMap(raw) ? variablesOf(raw) : [];
    } catch {
      return [];
    }
  }, [definition]);
  const published = workflow.data?.data.isPublished ?? true;

  return (
    <Page
      title="Triggers"
      hint={
        workflow.data && (
          <>
            What starts{" "}
            <Link className="font-medium text-accent-ink hover:underline" to={`/workflows/${id}/editor`}>
              {workflow.data.data.name}
            </Link>
          </>
        )
      }
      actions={
        may && (
          <Button weight="primary" icon={<Plus size={14} />} onClick={() => setEditing("new")}>
            New trigger
          </Button>
        )
      }
    >
      {!published && (
        <p className="mb-3 flex items-center gap-2 rounded-md bg-warn-soft px-3 py-2 text-warn">
          <AlertTriangle size={14} className="shrink-0" /> This workflow is not published. Its triggers start
          nothing until it is.
        </p>
      )}
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.data.items.length === 0 ? (
        <div className="panel">
          <Empty icon={<Zap size={22} />} title="Nothing starts it but people">
            A trigger node appears here when the workflow is published. Schedules, webhooks and events can
            also be added without changing the drawing.
          </Empty>
        </div>
      ) : (
        <ul aria-label="Triggers" className="flex flex-col gap-3">
          {list.data.items.map((trigger) => (
            <li key={trigger.id} className="panel p-3.5">
              <Card
                trigger={trigger}
                may={may}
                onToggle={() => toggle.mutate(trigger)}
                onEdit={() => setEditing(trigger)}
                onRotate={() => setRotating(trigger)}
                onRemove={() => setRemoving(trigger)}
              />
            </li>
          ))}
        </ul>
      )}
      {editing && (
        <TriggerDialog
          workflowId={id}
          variables={variables}
          trigger={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onDone={(after) => {
            setEditing(undefined);
            if (after?.url) setMade(after);
            else toast.success(after ? "Created" : "Changed");
            void fresh();
          }}
        />
      )}
      {made && <ShownOnce made={made} onClose={() => setMade(undefined)} />}
      <Confirm
        open={rotating !== undefined}
        onClose={() => setRotating(undefined)}
        onConfirm={() => rotating && rotate.mutate(rotating)}
        title={rotating?.keyPrefix ? "Make a new address and secret?" : "Show the address?"}
        verb={rotating?.keyPrefix ? "Make new ones" : "Show it"}
        danger={Boolean(rotating?.keyPrefix)}
      >
        {rotating?.keyPrefix
          ? "The old ones stop working at once. Whoever calls this webhook needs the new ones."
          : "It is made now and shown once."}
      </Confirm>
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        onConfirm={() => removing && remove.mutate(removing)}
        title="Delete this trigger?"
        verb="Delete"
        danger
      >
        It starts nothing any more, and its address stops working. Runs that it started stay.
      </Confirm>
    </Page>
  );
}

interface CardProps {
  trigger: Trigger;
  may: boolean;
  onToggle: () => void;
  onEdit: () => void;
  onRotate: () => void;
  onRemove: () => void;
}

function Card({ trigger, may, onToggle, onEdit, onRotate, onRemove }: CardProps) {
  const Icon = TRIGGER_ICON[trigger.type as keyof typeof TRIGGER_ICON] ?? Zap;
  const text = (key: string): string =>
    typeof trigger.config[key] === "string" ? (trigger.config[key] as string) : "";
  const drawn = trigger.nodeId !== null;
  return (
    <div className="flex gap-3">
      <span className="flex size-8 shrink-0 items-center justify-center rounded-md bg-ok-soft text-ok">
        <Icon size={16} />
      </span>
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-2">
          <h2 className="text-base font-semibold capitalize">{trigger.type}</h2>
          {drawn ? <Badge>node {trigger.nodeId}</Badge> : <Badge tone="accent">made here</Badge>}
          {!trigger.isActive && <Badge tone="warn">paused</Badge>}
        </div>
        <p className="text-ink-2">{triggerWords(trigger)}</p>
        {text("filter") && <p className="font-mono text-xs text-ink-3">only when {text("filter")}</p>}
        {trigger.type === "webhook" && (
          <p className="flex items-center gap-1.5 text-xs text-ink-3">
            <KeyRound size={12} />
            {trigger.keyPrefix ? <code>…/api/webhooks/{trigger.keyPrefix}…</code> : "It has no address yet."}
          </p>
        )}
        {trigger.type === "scheduled" && trigger.isActive && (
          <div className="max-w-72">
            <Next cron={text("cron")} timezone={text("timezone") || "UTC"} />
          </div>
        )}
        <p className={`mt-1.5 text-xs text-ink-3 ${trigger.type === "manual" ? "hidden" : ""}`}>
          {trigger.lastFiredAt ? (
            <>
              Last fired <Ago at={trigger.lastFiredAt} />
            </>
          ) : (
            "It has not fired yet."
          )}
        </p>
        {trigger.lastError && (
          <p role="note" className="mt-1.5 rounded-md bg-danger-soft px-2.5 py-1.5 text-sm text-danger">
            {trigger.lastError}
          </p>
        )}
      </div>
      {may && (
        <div className="flex shrink-0 flex-col items-end gap-2">
          {trigger.type !== "manual" && (
            <Switch label="Active" checked={trigger.isActive} onChange={onToggle} />
          )}
          <div className="flex gap-0.5">
            {trigger.type === "webhook" && (
              <Button size="small" icon={<RefreshCw size={12} />} onClick={onRotate}>
                {trigger.keyPrefix ? "Rotate" : "Show address"}
              </Button>
            )}
            {!drawn && trigger.type !== "manual" && (
              <>
                <IconButton label="Change the trigger" onClick={onEdit}>
                  <Pencil size={14} />
                </IconButton>
                <IconButton label="Delete the trigger" onClick={onRemove}>
                  <Trash2 size={14} />
                </IconButton>
              </>
            )}
          </div>
        </div>
      )}
    </div>
  );
}

function Next({ cron, timezone }: { cron: string; timezone: string }) {
  const next = useNextRuns(cron, timezone);
  return next.data ? <NextRuns times={next.data.next} timezone={timezone} /> : null;
}
