/** Over the canvas while a test is shown: how it goes, and the way out. */
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { Link } from "react-router";
import { executions } from "@/api/calls";
import { useRun } from "@/store/run";
import { IconButton } from "../Button";
import { StatusBadge } from "../Status";
import { duration } from "../Time";

export function RunStrip() {
  const id = useRun((state) => state.executionId);
  const clear = useRun((state) => state.clear);
  const run = useQuery({
    queryKey: ["execution", id],
    queryFn: () => executions.get(id!),
    enabled: id !== null,
  });
  if (!id) return null;
  return (
    <div
      role="status"
      className="absolute top-3 left-1/2 flex -translate-x-1/2 items-center gap-2 rounded-full border border-line bg-panel py-1 pr-1 pl-3 shadow-card"
    >
      <span className="text-xs text-ink-2">Test run</span>
      <StatusBadge status={run.data?.status ?? "pending"} />
      {run.data?.duration !== undefined && run.data.duration !== null && (
        <span className="text-xs text-ink-3">{duration(run.data.duration)}</span>
      )}
      <Link to={`/executions/${id}`} className="text-xs font-medium text-accent-ink hover:underline">
        Open
      </Link>
      <IconButton label="Show the drawing without the run" onClick={clear}>
        <X size={13} />
      </IconButton>
    </div>
  );
}
