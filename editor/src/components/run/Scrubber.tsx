/** The canvas as of any moment: by hand, or played. */
import { Pause, Play, SkipBack } from "lucide-react";
import { useEffect, useState } from "react";
import type { Timeline } from "@/domain/timeline";
import { IconButton } from "../Button";
import { duration } from "../Time";

export function Scrubber({
  line,
  moment,
  onChange,
}: {
  line: Timeline;
  moment: number | undefined;
  onChange: (moment: number | undefined) => void;
}) {
  const [playing, setPlaying] = useState(false);
  const at =
    moment === undefined
      ? line.moments.length - 1
      : Math.max(
          0,
          line.moments.findLastIndex((one) => one <= moment),
        );
  useEffect(() => {
    if (!playing) return;
    const timer = setTimeout(() => {
      if (at + 1 >= line.moments.length) {
        setPlaying(false);
        onChange(undefined);
      } else onChange(line.moments[at + 1]);
    }, 600);
    return () => clearTimeout(timer);
  }, [playing, at, line, onChange]);
  return (
    <div className="flex h-10 shrink-0 items-center gap-2 border-t border-line bg-panel px-3">
      <IconButton label="To the beginning" side="top" onClick={() => onChange(0)}>
        <SkipBack size={14} />
      </IconButton>
      <IconButton
        label={playing ? "Stop" : "Replay"}
        side="top"
        onClick={() => {
          if (!playing && at + 1 >= line.moments.length) onChange(0);
          setPlaying(!playing);
        }}
      >
        {playing ? <Pause size={14} /> : <Play size={14} />}
      </IconButton>
      <input
        type="range"
        aria-label="Moment of the run"
        aria-valuetext={moment === undefined ? "now" : `after ${duration(moment)}`}
        className="flex-1 accent-[var(--accent)]"
        min={0}
        max={line.moments.length - 1}
        step={1}
        value={at}
        onChange={(event) => {
          const step = Number(event.target.value);
          onChange(step >= line.moments.length - 1 ? undefined : line.moments[step]);
        }}
      />
      <span className="w-32 text-right text-xs whitespace-nowrap text-ink-2 tabular-nums">
        {moment === undefined ? "now" : `after ${duration(moment)}`} · step {at + 1}/{line.moments.length}
      </span>
    </div>
  );
}
