/** One field of a node's form, by what the server's schema says about it. */
import { Suspense, useId } from "react";
import { isHole } from "@/domain/holes";
import type { Schema } from "@/domain/nodeTypes";
import { isMap, type Plain, type PlainMap } from "@/domain/tree";
import { CodeField } from "../code/lazyCode";
import { FieldFrame, Switch } from "../Field";
import { AddLine, RemoveButton } from "../values/lines";
import { readValue, showValue } from "@/domain/typed";
import { ExpressionPreview } from "./ExpressionPreview";
import { CronField } from "./CronField";
import type { SchemaFieldProps, WidgetProps } from "./fieldProps";
import { ApproversField, ConnectionField, DurationField, MessageTemplateField } from "./widgets";

export function SchemaField(props: SchemaFieldProps) {
  const { field, value, onChange, error } = props;
  const { schema, required } = field;
  const kind = kindOf(schema);
  const choices = enumOf(schema);
  const hint = schema.description;
  const frame = { label: field.label, error, required, ...(hint ? { hint } : {}) };
  const unset = value === undefined;

  if (kind === "boolean" && !isHole(value)) {
    return (
      <div>
        <Switch
          label={field.label}
          checked={(unset ? schema.default : value) === true}
          onChange={onChange}
          hint={hint}
        />
        {error && <p className="mt-1 text-xs text-danger">{error}</p>}
      </div>
    );
  }
  if (field.widget === "connection") return <ConnectionField {...props} frame={frame} />;
  if (field.widget === "approvers") return <ApproversField {...props} frame={frame} />;
  if (field.widget === "duration") return <DurationField {...props} frame={frame} />;
  if (field.widget === "cron") return <CronField {...props} frame={frame} />;
  if (field.widget === "message-template" && !isHole(value))
    return <MessageTemplateField {...props} frame={frame} />;
  if (field.widget === "timezone") return <TimezoneField {...props} />;
  if (choices && (unset || choices.includes(value))) {
    const fallback = schema.default;
    return (
      <FieldFrame {...frame}>
        {({ id, invalid }) => (
          <select
            id={id}
            className="input"
            aria-invalid={invalid}
            value={JSON.stringify(unset ? (fallback ?? "") : value)}
            onChange={(event) => onChange(JSON.parse(event.target.value) as Plain)}
          >
            {unset && fallback === undefined && <option value='""'>Choose…</option>}
            {choices.map((choice) => (
              <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
                {String(choice)}
                {choice === fallback ? "  (default)" : ""}
              </option>
            ))}
          </select>
        )}
      </FieldFrame>
    );
  }
  if (kind === "array" && !isHole(value)) return <ListField {...props} frame={frame} />;
  if (kind === "map" && !isHole(value)) return <MapField {...props} frame={frame} />;
  if ((kind === "integer" || kind === "number") && !isHole(value)) {
    return (
      <FieldFrame {...frame}>
        {({ id, describedBy, invalid }) => (
          <input
            id={id}
            type="number"
            className="input"
            aria-describedby={describedBy}
            aria-invalid={invalid}
            placeholder={
              schema.default === undefined || schema.default === null ? "" : String(schema.default)
            }
            min={schema.minimum}
            step={kind === "integer" ? 1 : "any"}
            value={typeof value === "number" ? value : ""}
            onChange={(event) => onChange(event.target.value === "" ? undefined : Number(event.target.value))}
          />
        )}
      </FieldFrame>
    );
  }
  if (schema.examples && !isHole(value)) return <SuggestedField {...props} frame={frame} />;
  const long = field.widget === "text" || field.widget === "sql";
  const text = showValue(value, kind);
  return (
    <div className="flex flex-col gap-1">
      <FieldFrame
        {...frame}
        hint={
          field.secret
            ? `${hint ?? ""} Write {{ name }} of a secret variable; its value never comes back.`.trim()
            : hint
        }
      >
        {({ invalid }) => (
          <Suspense fallback={<div className="input h-[30px]" />}>
            <CodeField
              label={field.label}
              value={text}
              placeholder={placeholderFor(schema)}
              onChange={(next) => onChange(readValue(next, kind, required))}
              scope={props.scope}
              lines={long ? 4 : 1}
              invalid={invalid}
            />
          </Suspense>
        )}
      </FieldFrame>
      {!field.secret && !error && text.includes("{{") && (
        <ExpressionPreview text={text} scope={props.scope} />
      )}
    </div>
  );
}

function kindOf(schema: Schema): string {
  const one = schema.anyOf?.find((option) => option.type !== "null") ?? schema;
  if (one.type === "object" && one.additionalProperties) return "map";
  return typeof one.type === "string" ? one.type : "any";
}

function enumOf(schema: Schema): Plain[] | undefined {
  if (schema.enum) return schema.enum;
  // `anyOf` of words and free text is free text with suggestions.
  return undefined;
}

function placeholderFor(schema: Schema): string {
  const value = schema.default;
  return value === undefined || value === null || value === "" ? "" : showValue(value, "any");
}

function TimezoneField({ field, value, onChange, error }: SchemaFieldProps) {
  const list = useId();
  return (
    <FieldFrame label={field.label} error={error} required={field.required}>
      {({ id, describedBy, invalid }) => (
        <>
          <input
            id={id}
            className="input"
            list={list}
            aria-describedby={describedBy}
            aria-invalid={invalid}
            placeholder="UTC"
            value={typeof value === "string" ? value : ""}
            onChange={(event) => onChange(event.target.value || undefined)}
          />
          <datalist id={list}>
            {["UTC", ...Intl.supportedValuesOf("timeZone")].map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </>
      )}
    </FieldFrame>
  );
}

/** Any text, with the usual ones to choose from. */
function SuggestedField({ field, value, onChange, frame }: WidgetProps) {
  const list = useId();
  return (
    <FieldFrame {...frame}>
      {({ id, describedBy, invalid }) => (
        <>
          <input
            id={id}
            className="input"
            list={list}
            aria-describedby={describedBy}
            aria-invalid={invalid}
            value={showValue(value, "string")}
            onChange={(event) => onChange(event.target.value || undefined)}
          />
          <datalist id={list}>
            {field.schema.examples!.map((example) => (
              <option key={String(example)} value={String(example)} />
            ))}
          </datalist>
        </>
      )}
    </FieldFrame>
  );
}

function ListField({ field, value, onChange, frame }: WidgetProps) {
  const items = Array.isArray(value) ? value : [];
  const number = (field.schema.anyOf ?? [field.schema]).some((option) => option.items?.type === "integer");
  const read = (text: string): Plain => (number && /^\d+$/.test(text) ? Number(text) : text);
  return (
    <FieldFrame {...frame}>
      {({ id }) => (
        <div className="flex flex-col gap-1">
          {items.map((item, index) => (
            <div key={index} className="flex gap-1">
              <input
                className="input"
                aria-label={`${field.label} ${index + 1}`}
                value={showValue(item, "string")}
                onChange={(event) =>
                  onChange(items.map((other, at) => (at === index ? read(event.target.value) : other)))
                }
              />
              <RemoveButton
                label={`Remove ${field.label} ${index + 1}`}
                onClick={() =>
                  onChange(
                    items.length === 1 && !field.required ? undefined : items.filter((_, at) => at !== index),
                  )
                }
              />
            </div>
          ))}
          <AddLine
            id={id}
            placeholder={`Add to ${field.label.toLowerCase()}`}
            onAdd={(text) => onChange([...items, read(text)])}
          />
        </div>
      )}
    </FieldFrame>
  );
}

function MapField({ field, value, onChange, frame, scope }: WidgetProps) {
  const entries = Object.entries(isMap(value ?? null) ? (value as PlainMap) : {});
  const set = (next: [string, Plain][]): void => onChange(next.length ? Object.fromEntries(next) : undefined);
  return (
    <FieldFrame {...frame}>
      {({ id }) => (
        <div className="flex flex-col gap-1">
          {entries.map(([key, inner]) => (
            <div key={key} className="flex gap-1">
              <span
                className="flex w-24 shrink-0 items-center truncate rounded-md bg-sunken px-2 text-xs"
                title={key}
              >
                {key}
              </span>
              <div className="min-w-0 flex-1">
                <Suspense fallback={<div className="input h-[30px]" />}>
                  <CodeField
                    label={`${field.label} ${key}`}
                    value={showValue(inner, "string")}
                    onChange={(text) => set(entries.map(([name, old]) => [name, name === key ? text : old]))}
                    scope={scope}
                  />
                </Suspense>
              </div>
              <RemoveButton
                label={`Remove ${key}`}
                onClick={() => set(entries.filter(([name]) => name !== key))}
              />
            </div>
          ))}
          <AddLine
            id={id}
            placeholder={`Add a name to ${field.label.toLowerCase()}`}
            onAdd={(text) => set([...entries, [text, ""]])}
          />
        </div>
      )}
    </FieldFrame>
  );
}
