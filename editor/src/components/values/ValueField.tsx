/** The control for a value that somebody is asked for, by its type. */
import { useState } from "react";
import { wrong, type Asked } from "@/domain/asked";
import type { Plain } from "@/domain/tree";
import { FieldFrame, Switch } from "../Field";
import { AddLine, RemoveButton } from "./lines";
import { ConnectionSelect } from "./ConnectionSelect";
import { CronInput } from "./CronInput";

export interface ValueFieldProps {
  asked: Asked;
  value: Plain | undefined;
  onChange: (value: Plain | undefined) => void;
  /** What the server said about it; before that only what is wrong with something that was typed. */
  error?: string | undefined;
  timezone?: string;
}

export function ValueField(props: ValueFieldProps) {
  const { asked, value, onChange } = props;
  const label = asked.label ?? asked.name;
  const given = value !== undefined && value !== "";
  const error = props.error ?? (given ? wrong(asked, value) : undefined);
  const frame = {
    label,
    error,
    required: asked.required ?? false,
    ...(asked.hint ? { hint: asked.hint } : {}),
  };
  const fallback = asked.default === undefined ? "" : `${shown(asked.default)} (default)`;
  if (asked.enum) {
    return (
      <FieldFrame {...frame}>
        {({ id, describedBy, invalid }) => (
          <select
            id={id}
            className="input"
            aria-describedby={describedBy}
            aria-invalid={invalid}
            value={given ? JSON.stringify(value) : ""}
            onChange={(event) =>
              onChange(event.target.value === "" ? undefined : (JSON.parse(event.target.value) as Plain))
            }
          >
            <option value="">{fallback || "Choose…"}</option>
            {asked.enum!.map((choice) => (
              <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
                {String(choice)}
              </option>
            ))}
          </select>
        )}
      </FieldFrame>
    );
  }
  switch (asked.type) {
    case "boolean":
      return (
        <Switch
          label={label}
          hint={asked.hint}
          checked={(given ? value : asked.default) === true}
          onChange={onChange}
        />
      );
    case "connection":
      return <ConnectionSelect {...frame} value={value} onChange={onChange} empty={fallback || "Choose…"} />;
    case "list":
    case "approvers":
    case "emails":
      return <ListInput {...props} frame={frame} />;
    case "object":
      return <ObjectInput {...props} frame={frame} />;
    case "cron":
      return (
        <CronInput
          frame={frame}
          value={typeof value === "string" ? value : ""}
          timezone={props.timezone ?? "UTC"}
          placeholder={fallback}
          onChange={(text) => onChange(text || undefined)}
        />
      );
    default: {
      const number = asked.type === "number";
      return (
        <FieldFrame {...frame}>
          {({ id, describedBy, invalid }) => (
            <input
              id={id}
              dir="auto"
              className="input"
              type={number ? "number" : asked.type === "secret" ? "password" : "text"}
              step={number ? "any" : undefined}
              autoComplete="off"
              aria-describedby={describedBy}
              aria-invalid={invalid}
              placeholder={fallback}
              value={typeof value === "string" || typeof value === "number" ? value : ""}
              onChange={(event) => {
                const text = event.target.value;
                onChange(text === "" ? undefined : number ? Number(text) : text);
              }}
            />
          )}
        </FieldFrame>
      );
    }
  }
}

type Framed = ValueFieldProps & { frame: Omit<Parameters<typeof FieldFrame>[0], "children"> };

function ListInput({ asked, value, onChange, frame }: Framed) {
  const items = Array.isArray(value) ? value : [];
  const what = { approvers: "an approver", emails: "an address" }[asked.type] ?? "a value";
  return (
    <FieldFrame
      {...frame}
      hint={frame.hint ?? (asked.default ? `Default: ${shown(asked.default)}` : undefined)}
    >
      {({ id }) => (
        <div className="flex flex-col gap-1">
          {items.map((item, index) => (
            <div key={index} className="flex items-center gap-1 rounded-md border border-line bg-sunken pl-2">
              <span className="min-w-0 flex-1 truncate" title={shown(item)}>
                {shown(item)}
              </span>
              <RemoveButton
                label={`Remove ${shown(item)}`}
                onClick={() => {
                  const left = items.filter((_, at) => at !== index);
                  onChange(left.length ? left : undefined);
                }}
              />
            </div>
          ))}
          <AddLine
            id={id}
            placeholder={`Add ${what}`}
            onAdd={(text) => onChange([...items, asked.type === "list" ? read(text) : text])}
          />
        </div>
      )}
    </FieldFrame>
  );
}

function ObjectInput({ asked, value, onChange, frame }: Framed) {
  const [text, setText] = useState(value === undefined ? "" : JSON.stringify(value, null, 2));
  const broken = text.trim() !== "" && read(text) === text;
  return (
    <FieldFrame {...frame} error={broken ? "This is no JSON yet." : frame.error}>
      {({ id, describedBy, invalid }) => (
        <textarea
          id={id}
          rows={3}
          spellCheck={false}
          className="input font-mono text-xs"
          aria-describedby={describedBy}
          aria-invalid={invalid}
          placeholder={asked.default === undefined ? "{ }" : JSON.stringify(asked.default)}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            onChange(event.target.value.trim() ? read(event.target.value) : undefined);
          }}
        />
      )}
    </FieldFrame>
  );
}

/** JSON where it is JSON, the text itself where it is not. */
function read(text: string): Plain {
  try {
    return JSON.parse(text) as Plain;
  } catch {
    return text;
  }
}

function shown(value: Plain): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
