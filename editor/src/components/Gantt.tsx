/** A run over time: one bar a node, retries as ticks, waits hatched. Rows are reachable by keyboard. */
import type { KeyboardEvent } from "react";
import type { Timeline } from "@/domain/timeline";
import { statusLook, StatusIcon } from "./Status";
import { duration } from "./Time";

interface GanttProps {
  line: Timeline;
  selected: string | undefined;
  onSelect: (nodeId: string) => void;
  moment: number | undefined;
}

export function Gantt({ line, selected, onSelect, moment }: GanttProps) {
  const share = (value: number): string => `${(value / line.length) * 100}%`;
  const marks = ticks(line.length);

  function onKeyDown(event: KeyboardEvent<HTMLUListElement>): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row]")];
    rows[rows.indexOf(document.activeElement as HTMLElement) + by]?.focus();
    event.preventDefault();
  }

  return (
    <div className="relative text-xs">
      <div className="ml-52 flex h-5 border-b border-line text-ink-3 max-sm:ml-28" aria-hidden>
        <div className="relative flex-1">
          {marks.map((mark) => (
            <span
              key={mark}
              className="absolute -translate-x-1/2 whitespace-nowrap tabular-nums first:translate-x-0"
              style={{ left: share(mark) }}
            >
              {duration(mark)}
            </span>
          ))}
        </div>
      </div>
      <ul aria-label="Timeline" onKeyDown={onKeyDown}>
        {line.rows.map((row) => {
          const look = statusLook(row.status);
          const waits = row.type === "approval" || row.type === "delay";
          const width = row.from === null || row.to === null ? 0 : row.to - row.from;
          const words =
            row.from === null
              ? look.word
              : `${look.word}, began after ${duration(row.from)}, took ${duration(width)}`;
          return (
            <li key={row.nodeId}>
              <button
                type="button"
                data-row={row.nodeId}
                data-from={row.from ?? ""}
                data-to={row.to ?? ""}
                aria-pressed={selected === row.nodeId}
                aria-label={`${row.name}: ${words}${row.retries ? `, ${row.retries} retries` : ""}`}
                onClick={() => onSelect(row.nodeId)}
                className={`flex h-7 w-full items-center rounded text-left ${selected === row.nodeId ? "bg-hover" : "hover:bg-sunken"}`}
              >
                <span className="flex w-52 shrink-0 items-center gap-1.5 truncate px-2 max-sm:w-28">
                  <StatusIcon status={row.status} size={13} />
                  <span className="truncate">{row.name}</span>
                </span>
                <span className="relative h-full flex-1 border-l border-line">
                  {row.from !== null && (
                    <span
                      className={`absolute top-1.5 h-4 min-w-[3px] rounded-sm ${waits ? "hatched border border-wait bg-wait-soft" : look.bar} ${moment !== undefined && row.from > moment ? "opacity-25" : ""}`}
                      style={{ left: share(row.from), width: share(width) }}
                    >
                      {Array.from({ length: Math.min(row.retries, 20) }, (_, index) => (
                        <span
                          key={index}
                          title={`Retry ${index + 1}`}
                          className="absolute -top-1 h-6 w-0.5 bg-warn"
                          style={{ left: `${((index + 1) / (row.retries + 1)) * 100}%` }}
                        />
                      ))}
                    </span>
                  )}
                  {row.from === null && row.reason && (
                    <span className="absolute top-1.5 left-2 truncate text-ink-3">{row.reason}</span>
                  )}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {moment !== undefined && (
        <div className="pointer-events-none absolute inset-y-0 right-0 left-52 max-sm:left-28" aria-hidden>
          <div className="absolute inset-y-0 w-px bg-accent" style={{ left: share(moment) }} />
        </div>
      )}
    </div>
  );
}

function ticks(length: number): number[] {
  const rough = length / 6;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= rough) ?? rough;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step);
}
