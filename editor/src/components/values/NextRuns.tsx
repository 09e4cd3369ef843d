/** The next five times of a schedule, in its own time zone; the server works them out. */
import { useQuery } from "@tanstack/react-query";
import { schedules } from "@/api/calls";
import { cronInWords } from "@/domain/cron";

export function useNextRuns(cron: string, timezone: string) {
  return useQuery({
    queryKey: ["schedule", cron, timezone],
    queryFn: ({ signal }) => schedules.preview(cron, timezone, signal),
    enabled: cronInWords(cron) !== undefined,
    retry: false,
    staleTime: 60_000,
  });
}

export function NextRuns({ times, timezone }: { times: readonly string[]; timezone: string }) {
  const format = new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "2-digit",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: safeZone(timezone),
    timeZoneName: "short",
  });
  return (
    <ol
      aria-label="Next runs"
      className="mt-1 flex flex-col gap-0.5 rounded-md bg-sunken px-2 py-1.5 text-xs text-ink-2 tabular-nums"
    >
      {times.slice(0, 5).map((time) => (
        <li key={time}>
          <time dateTime={time}>{format.format(new Date(time))}</time>
        </li>
      ))}
    </ol>
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
