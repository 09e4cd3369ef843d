/** What the server sends. */
import type { NodeType } from "@/domain/nodeTypes";
import type { Problem } from "@/domain/problems";

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export type Role = "viewer" | "approver" | "developer" | "admin" | "owner";
export interface TeamOfMine {
  id: string;
  name: string;
  slug: string;
  role: Role;
}
export interface Me {
  id: string;
  email: string;
  name: string;
  isAdmin: boolean;
  teams: TeamOfMine[];
  csrfToken: string | null;
}

export type RunStatus = "pending" | "running" | "waiting" | "success" | "failed" | "cancelled";
export type NodeStatus = RunStatus | "skipped" | "unknown";

export interface WorkflowSummary {
  id: string;
  teamId: string;
  name: string;
  slug: string;
  description: string | null;
  version: number;
  isPublished: boolean;
  publishedAt: string | null;
  publishedVersion: number | null;
  tags: string[];
  trigger: string;
  createdBy: string;
  createdAt: string;
  updatedAt: string;
  lastExecution: { id: string; status: RunStatus; triggeredAt: string } | null;
  lastExecutions?: { id: string; status: RunStatus; triggeredAt: string }[];
  nextRunAt?: string | null;
}

export interface DefinitionAnswer {
  id: string;
  version: number;
  content: string;
  format: "yaml" | "json";
  changelog: string | null;
  createdAt: string;
  createdBy: string;
  publishedAt: string | null;
}

export interface WorkflowAnswer extends WorkflowSummary {
  definitionId: string;
  definition: DefinitionAnswer;
  problems: Problem[];
  revision: number;
  inFlight?: { id: string; status: string; version: number }[];
}

export interface VersionSummary {
  version: number;
  changelog: string | null;
  digest: string | null;
  createdAt: string;
  createdBy: string;
  publishedAt: string | null;
  publishedBy: string | null;
  isLive: boolean;
}
export interface VersionAnswer extends VersionSummary {
  content: string;
  format: "yaml" | "json";
  source: string | null;
  sourceMap: unknown;
}
export interface Comparison {
  old: number;
  new: number;
  text: string;
  python: string;
  nodes: { node: string; change: "added" | "removed" | "changed"; fields: string[] }[];
  edgesAdded: string[];
  edgesRemoved: string[];
}

export interface Checked {
  problems: Problem[];
  source: string | null;
  sourceMap: unknown;
  digest?: string | null;
}

export interface NodeExecution {
  nodeId: string;
  nodeType: string;
  nodeName: string;
  status: NodeStatus;
  reason: string | null;
  branch?: string | null;
  input: unknown;
  output: unknown;
  error: unknown;
  startedAt: string | null;
  completedAt: string | null;
  duration: number | null;
  retryCount: number;
}
export interface ExecutionSummary {
  id: string;
  workflowId: string;
  workflowName?: string;
  version: number;
  status: RunStatus;
  reason?: string | null;
  triggeredBy: string;
  triggeredAt: string;
  startedAt: string | null;
  completedAt: string | null;
  duration?: number | null;
  dryRun?: boolean;
}
export interface Execution extends ExecutionSummary {
  output: unknown;
  error: string | null;
  context?: unknown;
  prefectFlowRunId: string | null;
  prefectUrl?: string | null;
  nodeExecutions: NodeExecution[];
}
export interface LogLine {
  id: number | string;
  nodeId: string | null;
  level: string;
  message: string;
  at: string;
}

export interface Approval {
  id: string;
  executionId: string;
  workflowId: string;
  workflowName?: string;
  nodeId: string;
  nodeName?: string;
  status: "pending" | "approved" | "rejected" | "expired" | "cancelled";
  approvers: string[];
  required: number;
  rule?: string;
  message: string;
  requestedBy?: string | null;
  createdAt: string;
  expiresAt: string | null;
  decidedAt?: string | null;
  comment?: string;
  rejectionReason?: string | null;
  plans?: Plan[];
  planHash?: string;
  votes?: { userId: string; userName?: string; vote: string; comment: string; createdAt: string }[];
  canDecide?: boolean;
  reason?: string | null;
}
export interface Plan {
  connectionId?: string;
  tool?: string;
  planHash?: string;
  migrations?: {
    id: string;
    name: string;
    file?: string | null;
    checksum?: string | null;
    status?: string;
  }[];
  statements?: {
    migration?: string;
    sql: string;
    rows?: number | null;
    locks?: string[];
    rewrites?: string[];
    warnings?: string[];
    destructive?: boolean;
    milliseconds?: number;
  }[];
  warnings?: string[];
  destructive?: boolean;
  rollbackRehearsed?: boolean;
  method?: string;
}

export interface Connection {
  id: string;
  name: string;
  environment: "development" | "staging" | "production";
  database?: string;
  tool: string;
  migrations: { path?: string; gitUrl?: string; ref?: string; subfolder?: string };
  testedAt?: string | null;
  testPassed?: boolean | null;
  testMessage?: string | null;
}
export interface TeamVariable {
  id: string;
  name: string;
  value?: unknown;
  isSecret: boolean;
  description?: string | null;
  updatedAt?: string;
}
export interface Template {
  id: string;
  name: string;
  description: string;
  tags?: string[];
  trigger?: string;
  definition?: { content: string; format: "yaml" | "json" };
  content?: string;
}
export interface AuditEntry {
  id: string;
  at: string;
  actor?: string | null;
  actorName?: string | null;
  action: string;
  target?: string | null;
  detail?: unknown;
}
export interface Trigger {
  id: string;
  type: string;
  config: Record<string, unknown>;
  isActive: boolean;
}
export interface NodeTypes {
  items: NodeType[];
}
