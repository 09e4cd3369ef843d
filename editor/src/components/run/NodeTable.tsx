/** Every node of a run: how it ended, and why. */
import type { Execution as Run } from "@/api/types";
import { StatusBadge } from "../Status";
import { Table } from "../Table";
import { duration } from "../Time";
import { errorText } from "./errorText";

export function NodeTable({ run, onSelect }: { run: Run; onSelect: (nodeId: string) => void }) {
  return (
    <Table
      label="Nodes"
      rows={run.nodeExecutions}
      keyOf={(node) => node.nodeId}
      columns={[
        { title: "Status", cell: (node) => <StatusBadge status={node.status} /> },
        {
          title: "Node",
          cell: (node) => (
            <button
              type="button"
              className="text-left font-medium hover:underline"
              onClick={() => onSelect(node.nodeId)}
            >
              {node.nodeName} <span className="font-mono text-xs font-normal text-ink-3">{node.nodeId}</span>
            </button>
          ),
        },
        { title: "Outcome", cell: (node) => <span className="text-ink-2">{node.branch ?? ""}</span> },
        {
          title: "Why",
          cell: (node) => (
            <span className="line-clamp-2 max-w-xl text-xs text-ink-2">
              {node.reason ?? errorText(node.error)}
            </span>
          ),
        },
        { title: "Retries", className: "text-right", cell: (node) => node.retryCount || "" },
        { title: "Took", className: "text-right tabular-nums", cell: (node) => duration(node.duration) },
      ]}
    />
  );
}
