/** A schedule: the five fields, what they mean in words, and when it fires next by the server's own clock. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useId } from "react";
import { schedules } from "@/api/calls";
import { cronInWords } from "@/domain/cron";
import { FieldFrame } from "../Field";
import type { WidgetProps } from "./SchemaField";

const COMMON = ["0 2 * * *", "*/15 * * * *", "0 * * * *", "0 9 * * 1-5", "0 18 * * 5", "0 3 1 * *"];

export function CronField({ value, onChange, frame, data }: WidgetProps) {
  const list = useId();
  const cron = typeof value === "string" ? value : "";
  const timezone = typeof data["timezone"] === "string" ? data["timezone"] : "UTC";
  const asked = useDeferredValue(`${cron}|${timezone}`);
  const wordsOf = cronInWords(cron);
  const preview = useQuery({
    queryKey: ["schedule", asked],
    queryFn: ({ signal }) => schedules.preview(cron, timezone, signal),
    enabled: wordsOf !== undefined,
    retry: false,
    staleTime: 60_000,
  });
  const format = new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "2-digit",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: safeZone(timezone),
    timeZoneName: "short",
  });
  const refused =
    preview.isError &&
    preview.error.name === "ApiError" &&
    (preview.error as { status?: number }).status === 422;
  return (
    <FieldFrame
      {...frame}
      error={
        frame.error ??
        (cron && !wordsOf
          ? "Five fields: minute, hour, day, month, weekday."
          : refused
            ? preview.error.message
            : undefined)
      }
      hint={wordsOf && <span className="text-ink-2">Runs {wordsOf}</span>}
    >
      {({ id, describedBy, invalid }) => (
        <>
          <input
            id={id}
            className="input font-mono"
            list={list}
            aria-describedby={describedBy}
            aria-invalid={invalid}
            placeholder="0 2 * * *"
            spellCheck={false}
            value={cron}
            onChange={(event) => onChange(event.target.value || undefined)}
          />
          <datalist id={list}>
            {COMMON.map((example) => (
              <option key={example} value={example}>
                {cronInWords(example)}
              </option>
            ))}
          </datalist>
          {preview.data && (
            <ol
              aria-label="Next runs"
              className="mt-1 flex flex-col gap-0.5 rounded-md bg-sunken px-2 py-1.5 text-xs text-ink-2 tabular-nums"
            >
              {preview.data.next.slice(0, 5).map((time) => (
                <li key={time}>{format.format(new Date(time))}</li>
              ))}
            </ol>
          )}
        </>
      )}
    </FieldFrame>
  );
}

function safeZone(zone: string): string {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}
