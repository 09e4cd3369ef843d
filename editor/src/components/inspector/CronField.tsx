/** A trigger's schedule, in the form of its node. */
import { CronInput } from "../values/CronInput";
import type { WidgetProps } from "./fieldProps";

export function CronField({ value, onChange, frame, data }: WidgetProps) {
  return (
    <CronInput
      frame={frame}
      value={typeof value === "string" ? value : ""}
      timezone={typeof data["timezone"] === "string" ? data["timezone"] : "UTC"}
      onChange={(text) => onChange(text || undefined)}
    />
  );
}
