/** What a trigger waits for, in words. */
import { CalendarClock, Hand, Webhook, Zap } from "lucide-react";
import type { Trigger } from "@/api/types";
import { cronInWords } from "@/domain/cron";

export const TRIGGER_ICON = { manual: Hand, scheduled: CalendarClock, webhook: Webhook, event: Zap } as const;

export const SCHEMES = [
  { value: "standard", label: "Standard Webhooks: signed, with a time" },
  { value: "github", label: "GitHub: signed" },
  { value: "gitlab", label: "GitLab: a token in a header" },
  { value: "shared-secret", label: "A shared secret in a header" },
];

export function triggerWords({ type, config }: Pick<Trigger, "type" | "config">): string {
  const text = (key: string): string => (typeof config[key] === "string" ? config[key] : "");
  switch (type) {
    case "scheduled":
      return `Runs ${cronInWords(text("cron")) ?? text("cron")}, ${text("timezone") || "UTC"}`;
    case "webhook":
      return SCHEMES.find(({ value }) => value === (text("scheme") || "standard"))?.label ?? text("scheme");
    case "event":
      return `When ${text("event") || "something"} happens`;
    default:
      return "Somebody starts it by hand";
  }
}
