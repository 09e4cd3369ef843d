/** A run over time: one bar a node, retries as ticks, waits hatched. Rows are reachable by keyboard. */
import { memo, useEffect, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { marksOf, type Row, type Timeline } from "@/domain/timeline";
import { statusLook, StatusIcon } from "./Status";
import { duration } from "./Time";

interface GanttProps {
  line: Timeline;
  selected: string | undefined;
  onSelect: (nodeId: string) => void;
  moment: number | undefined;
}

const ROW = 28;
/** Fewer rows than this are all drawn. */
const ALL = 120;
const BESIDE = 12;

export function Gantt({ line, selected, onSelect, moment }: GanttProps) {
  const list = useRef<HTMLUListElement>(null);
  const count = line.rows.length;
  const [first, last] = useSeen(list, count);
  const share = (value: number): string => `${(value / line.length) * 100}%`;

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
          {marksOf(line.length).map((mark) => (
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
      <ul
        ref={list}
        aria-label="Timeline"
        onKeyDown={onKeyDown}
        style={{ paddingTop: first * ROW, paddingBottom: (count - last) * ROW }}
      >
        {line.rows.slice(first, last).map((row, index) => (
          <Bar
            key={row.nodeId}
            {...row}
            place={first + index + 1}
            count={count}
            length={line.length}
            selected={selected === row.nodeId}
            later={moment !== undefined && row.from !== null && row.from > moment}
            onSelect={onSelect}
          />
        ))}
      </ul>
      {moment !== undefined && (
        <div className="pointer-events-none absolute inset-y-0 right-0 left-52 max-sm:left-28" aria-hidden>
          <div className="absolute inset-y-0 w-px bg-accent" style={{ left: share(moment) }} />
        </div>
      )}
    </div>
  );
}

interface BarProps extends Row {
  place: number;
  count: number;
  length: number;
  selected: boolean;
  /** It begins after the moment that is shown. */
  later: boolean;
  onSelect: (nodeId: string) => void;
}

const Bar = memo(function Bar(row: BarProps) {
  const { from, to, length } = row;
  const look = statusLook(row.status);
  const waits = row.type === "approval" || row.type === "delay";
  const width = from === null || to === null ? 0 : to - from;
  const words =
    from === null
      ? [look.word, row.reason].filter(Boolean).join(", ")
      : `${look.word}, began after ${duration(from)}, took ${duration(width)}`;
  const share = (value: number): string => `${(value / length) * 100}%`;
  const side = from === null ? null : roomier(from / length, 1 - (from + width) / length);
  // What stands beside a bar is in the button's name in full; drawn by CSS it is not said twice.
  return (
    <li aria-posinset={row.place} aria-setsize={row.count}>
      <button
        type="button"
        data-row={row.nodeId}
        data-from={from ?? ""}
        data-to={to ?? ""}
        aria-pressed={row.selected}
        aria-label={`${row.name}: ${words}${row.retries ? `, ${row.retries} retries` : ""}`}
        onClick={() => row.onSelect(row.nodeId)}
        className={`flex h-7 w-full items-center rounded text-left ${row.selected ? "bg-hover" : "hover:bg-sunken"}`}
      >
        <span className="flex w-52 shrink-0 items-center gap-1.5 truncate px-2 max-sm:w-28">
          <StatusIcon status={row.status} size={13} />
          <span className="truncate" dir="auto" title={row.name}>
            {row.name}
          </span>
        </span>
        <span className="relative h-full flex-1 border-l border-line">
          {from !== null && (
            <span
              className={`absolute top-1.5 h-4 min-w-[3px] rounded-sm ${waits ? "hatched border border-wait bg-wait-soft" : look.bar} ${row.later ? "opacity-25" : ""}`}
              style={{ left: share(from), width: share(width) }}
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
          {from !== null && side !== null && (
            <span
              data-words={duration(width)}
              className={`absolute top-1.5 whitespace-nowrap text-ink-3 tabular-nums after:content-[attr(data-words)] ${side === "behind" ? "pl-2" : "pr-2"}`}
              style={side === "behind" ? { left: share(from + width) } : { right: share(length - from) }}
            />
          )}
          {from === null && row.reason && (
            <span
              data-words={row.reason}
              className="absolute top-1.5 left-2 max-w-full truncate pr-4 text-ink-3 after:content-[attr(data-words)]"
            />
          )}
        </span>
      </button>
    </li>
  );
});

/** The side of a bar on which its words have room; the shares are those of the whole line. */
function roomier(before: number, behind: number): "before" | "behind" | null {
  if (Math.max(before, behind) < 0.2) return null;
  return behind >= 0.3 || behind >= before ? "behind" : "before";
}

/** The rows that are in sight of the nearest thing that scrolls, with a few beside them. */
function useSeen(list: RefObject<HTMLUListElement | null>, count: number): [number, number] {
  const [seen, setSeen] = useState<[number, number]>([0, ALL]);
  const all = count <= ALL;
  useEffect(() => {
    if (all) return;
    const scrolls = list.current?.closest<HTMLElement>("[data-scrolls]");
    if (!scrolls) return;
    const look = (): void => {
      const top = scrolls.scrollTop - (list.current?.offsetTop ?? 0);
      const first = Math.max(0, Math.floor(top / ROW) - BESIDE);
      const last = Math.ceil((top + scrolls.clientHeight) / ROW) + BESIDE;
      setSeen((before) => (before[0] === first && before[1] === last ? before : [first, last]));
    };
    look();
    scrolls.addEventListener("scroll", look, { passive: true });
    const sizes = new ResizeObserver(look);
    sizes.observe(scrolls);
    return () => {
      scrolls.removeEventListener("scroll", look);
      sizes.disconnect();
    };
  }, [list, all]);
  if (all) return [0, count];
  return [Math.min(seen[0], count), Math.min(seen[1], count)];
}
