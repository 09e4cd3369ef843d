/** Log lines that follow the run: by node, by words, by level. */
import { useQuery } from "@tanstack/react-query";
import { ArrowDownToLine, Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { executions } from "@/api/calls";
import type { LogLine } from "@/api/types";
import { follow } from "@/store/live";

const INK: Record<string, string> = {
  ERROR: "text-danger",
  CRITICAL: "text-danger",
  WARNING: "text-warn",
  DEBUG: "text-ink-3",
};
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

export function Logs({
  executionId,
  nodeId,
  live,
}: {
  executionId: string;
  nodeId?: string | undefined;
  live: boolean;
}) {
  const [text, setText] = useState("");
  const [following, setFollowing] = useState(true);
  const [fresh, setFresh] = useState<LogLine[]>([]);
  const end = useRef<HTMLDivElement>(null);
  const first = useQuery({
    queryKey: ["logs", executionId],
    queryFn: () => allLogs(executionId),
    refetchInterval: live ? 5000 : false,
  });

  useEffect(() => {
    setFresh([]);
    if (!live) return;
    return follow(`execution:${executionId}`, ({ kind, data }) => {
      if (kind !== "log" && kind !== "logs") return;
      const lines = (Array.isArray(data["lines"]) ? data["lines"] : [data]) as LogLine[];
      setFresh((before) => [...before, ...lines.filter((line) => typeof line.message === "string")]);
    });
  }, [executionId, live]);

  // A line that comes again has learnt its node; one that comes late belongs where it was said.
  const all = [...new Map([...(first.data ?? []), ...fresh].map((line) => [line.id, line])).values()].sort(
    (one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0),
  );
  const words = text.toLowerCase();
  const shown = all.filter(
    (line) => (!nodeId || line.nodeId === nodeId) && (!words || line.message.toLowerCase().includes(words)),
  );
  const count = shown.length;
  useEffect(() => {
    if (following) end.current?.scrollIntoView({ block: "nearest" });
  }, [count, following]);

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex h-9 shrink-0 items-center gap-2 border-b border-line px-2">
        <div className="relative w-56">
          <Search size={13} className="absolute top-1.5 left-2 text-ink-3" />
          <input
            type="search"
            aria-label="Search the logs"
            className="input !min-h-6 !py-0.5 pl-7"
            placeholder="Search the logs"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <span className="text-xs text-ink-3">
          {count} lines{nodeId ? ` of ${nodeId}` : ""}
        </span>
        <label className="ml-auto flex items-center gap-1.5 text-xs text-ink-2">
          <input
            type="checkbox"
            checked={following}
            onChange={(event) => setFollowing(event.target.checked)}
          />
          <ArrowDownToLine size={12} /> Follow
        </label>
      </div>
      <div
        role="log"
        aria-label="Logs"
        tabIndex={0}
        className="min-h-0 flex-1 overflow-auto px-2 py-1 font-mono text-[0.72rem] leading-5"
      >
        {shown.map((line) => (
          <div key={line.id} className="flex gap-2 hover:bg-sunken">
            <time className="shrink-0 text-ink-3" dateTime={line.at}>
              {clock.format(new Date(line.at))}
            </time>
            <span className={`w-12 shrink-0 ${INK[line.level.toUpperCase()] ?? "text-ink-3"}`}>
              {line.level.toUpperCase().slice(0, 5)}
            </span>
            {!nodeId && <span className="w-24 shrink-0 truncate text-accent-ink">{line.nodeId ?? ""}</span>}
            <span className="min-w-0 break-words whitespace-pre-wrap">{line.message}</span>
          </div>
        ))}
        {count === 0 && !first.isPending && (
          <p className="p-3 font-sans text-sm text-ink-2">
            {text
              ? "No line has these words."
              : live
                ? "Nothing has been logged yet."
                : "Nothing was logged."}
          </p>
        )}
        <div ref={end} />
      </div>
    </div>
  );
}

async function allLogs(id: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  let cursor: string | undefined;
  do {
    const page = await executions.logs(id, { cursor });
    lines.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor && lines.length < 5000);
  return lines.sort((a, b) => a.at.localeCompare(b.at) || Number(a.id) - Number(b.id));
}
