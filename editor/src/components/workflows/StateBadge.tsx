/** Draft, published, or a draft ahead of what runs. */
import type { WorkflowSummary } from "@/api/types";
import { Tip } from "../Button";
import { Badge } from "../Status";

export function stateOf(workflow: WorkflowSummary): "draft" | "published" | "ahead" {
  if (!workflow.isPublished) return "draft";
  return workflow.publishedVersion !== null && workflow.version > workflow.publishedVersion
    ? "ahead"
    : "published";
}

export function StateBadge({ workflow }: { workflow: WorkflowSummary }) {
  const state = stateOf(workflow);
  if (state === "draft") return <Badge>Draft</Badge>;
  if (state === "published") return <Badge tone="ok">Published v{workflow.publishedVersion}</Badge>;
  return (
    <Tip text={`Version ${workflow.publishedVersion} runs; the draft has changed since.`}>
      <span tabIndex={0}>
        <Badge tone="warn">v{workflow.publishedVersion} · draft ahead</Badge>
      </span>
    </Tip>
  );
}
