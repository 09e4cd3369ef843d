/** How a workflow starts, and when it does next. */
import { useQuery } from "@tanstack/react-query";
import { Hand } from "lucide-react";
import { schedules, triggers } from "@/api/calls";
import type { WorkflowSummary } from "@/api/types";
import { Ago, exactTime } from "../Time";
import { TRIGGER_ICON } from "../triggers/words";

export function TriggerCell({ workflow }: { workflow: WorkflowSummary }) {
  const Icon = TRIGGER_ICON[workflow.trigger as keyof typeof TRIGGER_ICON] ?? Hand;
  return (
    <span className="flex items-center gap-1.5 whitespace-nowrap text-ink-2">
      <Icon size={13} className="text-ink-3" />
      <span className="capitalize">{workflow.trigger}</span>
      {workflow.trigger === "scheduled" && workflow.isPublished && <NextRun workflow={workflow} />}
    </span>
  );
}

/** By the schedule that will fire it. */
function NextRun({ workflow }: { workflow: WorkflowSummary }) {
  const next = useQuery({
    queryKey: ["next-run", workflow.id, workflow.publishedVersion],
    queryFn: async () => {
      const { items } = await triggers.list(workflow.id);
      const clocks = items.filter((trigger) => trigger.type === "scheduled" && trigger.isActive);
      const times = await Promise.all(
        clocks.map(({ config }) =>
          schedules.preview(String(config["cron"]), String(config["timezone"] ?? "UTC")),
        ),
      );
      return times.flatMap((time) => time.next.slice(0, 1)).sort()[0] ?? null;
    },
    staleTime: 300_000,
    retry: false,
  });
  if (!next.data) return null;
  return (
    <span className="text-xs text-ink-3" title={exactTime(next.data)}>
      · next <Ago at={next.data} />
    </span>
  );
}
