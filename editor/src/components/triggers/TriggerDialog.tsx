/** A trigger that is made here, or one of those changed: what starts the run, and what it is given. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { misc, triggers } from "@/api/calls";
import { ApiError } from "@/api/http";
import type { Trigger, TriggerMade } from "@/api/types";
import { askedOf, type Asked } from "@/domain/asked";
import type { WorkflowVariable } from "@/domain/definition";
import { isMap, type Plain, type PlainMap } from "@/domain/tree";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { SelectField, TextField } from "../Field";
import { ConnectionSelect } from "../values/ConnectionSelect";
import { CronInput } from "../values/CronInput";
import { ValueField } from "../values/ValueField";
import { SCHEMES } from "./words";

type Kind = "scheduled" | "webhook" | "event";
const KINDS: [Kind, string, string][] = [
  ["webhook", "Webhook", "Another program calls an address, signed with a secret."],
  ["scheduled", "Schedule", "At certain times, by the clock of a time zone."],
  ["event", "Event", "Something happens in dataroll, or is told to it."],
];
const ZONES = Intl.supportedValuesOf("timeZone");

interface TriggerDialogProps {
  workflowId: string;
  variables: readonly WorkflowVariable[];
  trigger: Trigger | undefined;
  onClose: () => void;
  onDone: (made: TriggerMade | undefined) => void;
}

export function TriggerDialog({ workflowId, variables, trigger, onClose, onDone }: TriggerDialogProps) {
  const [kind, setKind] = useState<Kind>((trigger?.type as Kind | undefined) ?? "webhook");
  const [config, setConfig] = useState<PlainMap>((trigger?.config ?? {}) as PlainMap);
  const set = (key: string, value: Plain | undefined): void =>
    setConfig(({ [key]: _, ...rest }) =>
      value === undefined || value === "" ? rest : { ...rest, [key]: value },
    );
  const text = (key: string): string => (typeof config[key] === "string" ? config[key] : "");
  const given = isMap(config["variables"]) ? config["variables"] : {};
  const asked = variables.filter(({ type }) => type !== "secret").map(askedOf);

  const types = useQuery({ queryKey: ["node-types"], queryFn: misc.nodeTypes, staleTime: Infinity });
  const waits = types.data?.items.find((type) => type.type === "trigger" && type.variant === "event");
  const events = (waits?.configSchema.properties?.["event"]?.examples ?? []).map(String);

  const save = useMutation({
    mutationFn: async () => {
      const body = onlyFor(kind, config);
      if (!trigger) return triggers.create(workflowId, { type: kind, config: body });
      await triggers.change(workflowId, trigger.id, { config: body });
      return undefined;
    },
    onSuccess: onDone,
  });
  const refused = save.error instanceof ApiError ? save.error.fields : [];
  const errorOf = (field: string): string | undefined =>
    refused.find((each) => each.field === `config.${field}`)?.message;
  const shown = ["cron", "timezone", "scheme", "header", "event", "filter", "connectionId"];
  const others = refused.filter(({ field }) => !shown.includes(field.replace(/^config\./, "")));

  return (
    <Dialog
      open
      onClose={onClose}
      width="max-w-lg"
      title={trigger ? "Change the trigger" : "New trigger"}
      description={
        trigger
          ? undefined
          : "Beside those that are drawn. It starts the version that is published at the time."
      }
    >
      <form
        className="flex flex-col gap-3"
        noValidate
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        {!trigger && (
          <fieldset className="flex flex-col gap-1.5">
            <legend className="label mb-1">It starts by</legend>
            {KINDS.map(([value, name, hint]) => (
              <label
                key={value}
                className={`flex items-start gap-2.5 rounded-md border px-2.5 py-2 ${kind === value ? "border-accent bg-accent-soft" : "border-line"}`}
              >
                <input
                  type="radio"
                  name="kind"
                  className="mt-0.5 accent-[var(--accent)]"
                  checked={kind === value}
                  onChange={() => {
                    setKind(value);
                    save.reset();
                  }}
                />
                <span>
                  <span className="block font-medium">{name}</span>
                  <span className="block text-xs text-ink-2">{hint}</span>
                </span>
              </label>
            ))}
          </fieldset>
        )}
        {kind === "scheduled" && (
          <>
            <CronInput
              frame={{ label: "Cron", required: true, error: errorOf("cron") }}
              value={text("cron")}
              timezone={text("timezone") || "UTC"}
              onChange={(value) => set("cron", value)}
            />
            <TextField
              label="Time zone"
              list="time-zones"
              placeholder="UTC"
              error={errorOf("timezone")}
              value={text("timezone")}
              onChange={(event) => set("timezone", event.target.value)}
            />
            <datalist id="time-zones">
              {ZONES.map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
            <SelectField
              label="Times that were missed"
              value={text("catchUp") || "skip"}
              onChange={(event) => set("catchUp", event.target.value)}
              choices={[
                { value: "skip", label: "Are let go" },
                { value: "latest", label: "The last one runs late" },
              ]}
            />
          </>
        )}
        {kind === "webhook" && (
          <>
            <SelectField
              label="How deliveries are signed"
              value={text("scheme") || "standard"}
              disabled={trigger !== undefined}
              hint={trigger ? "A trigger keeps its scheme; make a new one for another." : undefined}
              onChange={(event) => set("scheme", event.target.value)}
              choices={SCHEMES}
            />
            {text("scheme") === "shared-secret" && (
              <TextField
                label="Header"
                placeholder="X-Webhook-Secret"
                error={errorOf("header")}
                value={text("header")}
                onChange={(event) => set("header", event.target.value)}
              />
            )}
          </>
        )}
        {kind === "event" && (
          <SelectField
            label="Event"
            required
            error={errorOf("event")}
            value={text("event")}
            onChange={(event) => set("event", event.target.value)}
            choices={[{ value: "", label: "Choose…" }, ...events.map((value) => ({ value, label: value }))]}
          />
        )}
        {kind !== "scheduled" && (
          <TextField
            label="Only when"
            className="input font-mono"
            placeholder="{{ trigger?.body?.ref === 'refs/heads/main' }}"
            hint="An expression on what arrives; what it says no to starts nothing."
            error={errorOf("filter")}
            value={text("filter")}
            onChange={(event) => set("filter", event.target.value)}
          />
        )}
        <Given
          asked={asked}
          values={given}
          connection={text("connectionId") || undefined}
          connectionError={errorOf("connectionId")}
          onConnection={(value) => set("connectionId", value)}
          onChange={(values) => set("variables", Object.keys(values).length ? values : undefined)}
        />
        {others.map(({ field, message }) => (
          <p key={field} role="alert" className="text-sm text-danger">
            {field.replace(/^config\./, "")}: {message}
          </p>
        ))}
        {save.error && refused.length === 0 && (
          <p role="alert" className="text-sm text-danger">
            {save.error.message}
          </p>
        )}
        <div className="flex justify-end gap-2 pt-1">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" weight="primary" disabled={save.isPending}>
            {trigger ? "Change" : "Create"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** What the run is handed, as nobody is there to fill in a form. */
function Given({
  asked,
  values,
  connection,
  connectionError,
  onConnection,
  onChange,
}: {
  asked: Asked[];
  values: PlainMap;
  connection: string | undefined;
  connectionError: string | undefined;
  onConnection: (value: string | undefined) => void;
  onChange: (values: PlainMap) => void;
}) {
  return (
    <fieldset className="flex flex-col gap-3 border-t border-line pt-3">
      <legend className="label">What the run is given</legend>
      <ConnectionSelect
        label="Connection"
        empty="None"
        value={connection}
        error={connectionError}
        onChange={onConnection}
      />
      {asked.map((each) => (
        <ValueField
          key={each.name}
          asked={each}
          value={values[each.name]}
          onChange={(value) => {
            const { [each.name]: _, ...rest } = values;
            onChange(value === undefined ? rest : { ...rest, [each.name]: value });
          }}
        />
      ))}
    </fieldset>
  );
}

const KEYS: Record<Kind, string[]> = {
  scheduled: ["cron", "timezone", "catchUp", "variables", "connectionId", "description"],
  webhook: ["scheme", "header", "path", "filter", "variables", "connectionId", "description"],
  event: ["event", "filter", "variables", "connectionId", "description"],
};

function onlyFor(kind: Kind, config: PlainMap): PlainMap {
  return Object.fromEntries(
    Object.entries(config).filter(
      ([key]) => KEYS[kind].includes(key) && (key !== "header" || config["scheme"] === "shared-secret"),
    ),
  );
}
