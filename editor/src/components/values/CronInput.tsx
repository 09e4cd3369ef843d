/** A schedule: the five fields, what they mean in words, and when it fires next by the server's own clock. */
import { useDeferredValue, useId } from "react";
import { cronInWords } from "@/domain/cron";
import { FieldFrame, type FieldFrameProps } from "../Field";
import { NextRuns, useNextRuns } from "./NextRuns";

const COMMON = ["0 2 * * *", "*/15 * * * *", "0 * * * *", "0 9 * * 1-5", "0 18 * * 5", "0 3 1 * *"];

interface CronInputProps {
  value: string;
  timezone: string;
  placeholder?: string;
  onChange: (value: string) => void;
  frame: Omit<FieldFrameProps, "children">;
}

export function CronInput({ value, timezone, placeholder, onChange, frame }: CronInputProps) {
  const list = useId();
  const asked = useDeferredValue(value);
  const words = cronInWords(value);
  const preview = useNextRuns(asked, timezone);
  const refused =
    preview.isError &&
    preview.error.name === "ApiError" &&
    (preview.error as { status?: number }).status === 422;
  return (
    <FieldFrame
      {...frame}
      error={
        frame.error ??
        (value && !words
          ? "Five fields: minute, hour, day, month, weekday."
          : refused
            ? preview.error.message
            : undefined)
      }
      hint={words && <span className="text-ink-2">Runs {words}</span>}
    >
      {({ id, describedBy, invalid }) => (
        <>
          <input
            id={id}
            className="input font-mono"
            list={list}
            aria-describedby={describedBy}
            aria-invalid={invalid}
            placeholder={placeholder || "0 2 * * *"}
            spellCheck={false}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
          <datalist id={list}>
            {COMMON.map((example) => (
              <option key={example} value={example}>
                {cronInWords(example)}
              </option>
            ))}
          </datalist>
          {preview.data && <NextRuns times={preview.data.next} timezone={timezone} />}
        </>
      )}
    </FieldFrame>
  );
}
