/** What a run and a node can be. The same words stand in the database and in Prefect's mirror. */
export type RunStatus = "pending" | "running" | "waiting" | "success" | "failed" | "cancelled";
export type NodeStatus = RunStatus | "skipped" | "unknown";

export function isFinished(status: string): boolean {
  return status === "success" || status === "failed" || status === "cancelled";
}
