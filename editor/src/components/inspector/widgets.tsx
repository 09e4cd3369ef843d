/** Fields with a life of their own: connections, approvers, durations. */
import { useQuery } from "@tanstack/react-query";
import { Suspense, useId, useState } from "react";
import { connections, notifications, teams } from "@/api/calls";
import { useTeam } from "@/store/session";
import { CodeField } from "../code/lazyCode";
import { FieldFrame } from "../Field";
import { AddLine, RemoveButton } from "../values/lines";
import { isHole } from "@/domain/holes";
import type { WidgetProps } from "./fieldProps";

const RUN = "{{ connectionId }}";

export function ConnectionField({ value, onChange, frame, scope, field }: WidgetProps) {
  const { data } = useQuery({ queryKey: ["connections"], queryFn: connections.list, staleTime: 60_000 });
  const items = data?.items ?? [];
  const text = typeof value === "string" ? value : "";
  const listed = text === "" || text === RUN || items.some((item) => item.id === text);
  const [expression, setExpression] = useState(false);
  const free = expression || (!listed && (isHole(text) || data !== undefined));
  return (
    <FieldFrame
      {...frame}
      aside={
        <button
          type="button"
          className="text-xs text-accent-ink hover:underline"
          onClick={() => setExpression(!free)}
        >
          {free ? "Choose" : "Expression"}
        </button>
      }
    >
      {({ id, invalid }) =>
        free ? (
          <Suspense fallback={<div className="input h-[30px]" />}>
            <CodeField
              label={field.label}
              value={text}
              onChange={(next) => onChange(next || undefined)}
              scope={scope}
              invalid={invalid}
            />
          </Suspense>
        ) : (
          <select
            id={id}
            className="input"
            aria-invalid={invalid}
            value={text}
            onChange={(event) => onChange(event.target.value || undefined)}
          >
            <option value="">{field.required ? "Choose…" : "None"}</option>
            <option value={RUN}>The run's connection</option>
            {(["development", "staging", "production"] as const).map((environment) => {
              const members = items.filter((item) => item.environment === environment);
              return (
                members.length > 0 && (
                  <optgroup
                    key={environment}
                    label={environment.replace(/^./, (letter) => letter.toUpperCase())}
                  >
                    {members.map((item) => (
                      <option key={item.id} value={item.id}>
                        {item.name}
                      </option>
                    ))}
                  </optgroup>
                )
              );
            })}
            {!listed && <option value={text}>{text}</option>}
          </select>
        )
      }
    </FieldFrame>
  );
}

const ROLES = ["role:owner", "role:admin", "role:developer", "role:approver"];

export function ApproversField({ value, onChange, frame, field }: WidgetProps) {
  const team = useTeam();
  const list = useId();
  const { data } = useQuery({
    queryKey: ["members", team?.id],
    queryFn: () => teams.members(team!.id),
    enabled: team !== undefined,
    staleTime: 60_000,
  });
  const items = Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];
  const nameOf = (item: string): string =>
    data?.items.find((member) => member.userId === item || member.email === item)?.name ??
    (item === "{{ currentUser.teamOwner }}"
      ? "The team's owner"
      : item.startsWith("role:")
        ? `Everyone with the role ${item.slice(5)}`
        : item);
  return (
    <FieldFrame {...frame} hint={frame.hint ?? "People, roles (role:admin) or an expression."}>
      {({ id }) => (
        <div className="flex flex-col gap-1">
          {items.map((item, index) => (
            <div key={item} className="flex items-center gap-1 rounded-md border border-line bg-sunken pl-2">
              <span className="min-w-0 flex-1 truncate" title={item}>
                {nameOf(item)}
              </span>
              <RemoveButton
                label={`Remove ${nameOf(item)}`}
                onClick={() => onChange(items.filter((_, at) => at !== index))}
              />
            </div>
          ))}
          <datalist id={list}>
            {[...(data?.items.map((member) => member.email) ?? []), ...ROLES, "{{ currentUser.teamOwner }}"]
              .filter((option) => !items.includes(option))
              .map((option) => (
                <option key={option} value={option}>
                  {nameOf(option)}
                </option>
              ))}
          </datalist>
          <AddLine
            id={id}
            list={list}
            placeholder={`Add to ${field.label.toLowerCase()}`}
            onAdd={(text) => onChange(items.includes(text) ? items : [...items, text])}
          />
        </div>
      )}
    </FieldFrame>
  );
}

/** One of the server's message templates, or the message alone. */
export function MessageTemplateField({ value, onChange, frame }: WidgetProps) {
  const { data } = useQuery({
    queryKey: ["message-templates"],
    queryFn: notifications.templates,
    staleTime: 60_000,
  });
  const items = data?.items ?? [];
  const chosen = typeof value === "string" ? value : "";
  const known = items.find((item) => item.name === chosen);
  const hint = known?.problem ?? (known?.facts.length ? `Shows ${known.facts.join(", ")}.` : frame.hint);
  return (
    <FieldFrame {...frame} hint={hint}>
      {({ id, describedBy, invalid }) => (
        <select
          id={id}
          className="input"
          aria-describedby={describedBy}
          aria-invalid={invalid}
          value={chosen}
          onChange={(event) => onChange(event.target.value || undefined)}
        >
          <option value="">None: the message alone</option>
          {items.map(({ name, title }) => (
            <option key={name} value={name}>
              {title ? `${title} (${name})` : name}
            </option>
          ))}
          {chosen && !known && <option value={chosen}>{chosen}</option>}
        </select>
      )}
    </FieldFrame>
  );
}

const UNITS: [string, number][] = [
  ["seconds", 1],
  ["minutes", 60],
  ["hours", 3600],
  ["days", 86400],
];

export function DurationField({ value, onChange, frame, scope, field }: WidgetProps) {
  const shown =
    typeof value === "number"
      ? value
      : typeof field.schema.default === "number" && value === undefined
        ? field.schema.default
        : 0;
  const natural =
    [...UNITS].reverse().find(([, size]) => shown !== 0 && shown % size === 0)?.[0] ?? "seconds";
  const [chosen, setChosen] = useState<string>();
  const unit = chosen ?? natural;
  const size = UNITS.find(([name]) => name === unit)![1];
  if (isHole(value)) {
    return (
      <FieldFrame {...frame}>
        {({ invalid }) => (
          <Suspense fallback={<div className="input h-[30px]" />}>
            <CodeField
              label={field.label}
              value={value}
              onChange={(text) => onChange(text || undefined)}
              scope={scope}
              invalid={invalid}
            />
          </Suspense>
        )}
      </FieldFrame>
    );
  }
  return (
    <FieldFrame {...frame}>
      {({ id, describedBy, invalid }) => (
        <div className="flex gap-1">
          <input
            id={id}
            type="number"
            min={0}
            step="any"
            className="input"
            aria-describedby={describedBy}
            aria-invalid={invalid}
            placeholder={typeof field.schema.default === "number" ? String(field.schema.default / size) : ""}
            value={typeof value === "number" ? value / size : ""}
            onChange={(event) =>
              onChange(event.target.value === "" ? undefined : Number(event.target.value) * size)
            }
          />
          <select
            aria-label={`Unit of ${field.label}`}
            className="input !w-28"
            value={unit}
            onChange={(event) => {
              const next = UNITS.find(([name]) => name === event.target.value)!;
              setChosen(next[0]);
              if (typeof value === "number") onChange((value / size) * next[1]);
            }}
          >
            {UNITS.map(([name]) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
      )}
    </FieldFrame>
  );
}
