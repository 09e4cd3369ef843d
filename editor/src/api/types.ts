/** What the server sends, by the names that the screens use. Generated from its OpenAPI document: `npm run api`. */
import type { Format, Plain } from "@/domain/tree";
import type { NodeType } from "@/domain/nodeTypes";
import type { Problem } from "@/domain/problems";
import type { NodeStatus, RunStatus } from "@/domain/statuses";
import type { components } from "./schema";

type Schemas = components["schemas"];

export interface Page<T> {
  items: T[];
  nextCursor?: string | null;
}

export type Role = Schemas["TeamOfMine"]["role"];
export type Me = Schemas["Me"];
export type { NodeStatus, RunStatus };
export type Environment = "development" | "staging" | "production";

export type WorkflowSummary = Schemas["WorkflowSummary"];
export type WorkflowAnswer = Omit<Schemas["WorkflowAnswer"], "definition"> & {
  definition: Omit<Schemas["DefinitionAnswer"], "format"> & { format: Format };
  inFlight?: Schemas["InFlight"][];
};
export type VersionSummary = Schemas["VersionSummary"];
export type VersionAnswer = Omit<Schemas["VersionAnswer"], "format"> & { format: Format };
export type VariableAnswer = Schemas["VariableAnswer"];
export interface Checked {
  problems: Problem[];
  source: string | null;
  sourceMap?: unknown;
}
export type CheckedExpression = Schemas["CheckedExpression"];
export type NodeExecution = Omit<Schemas["NodeExecutionAnswer"], "status"> & { status: NodeStatus };
export type ExecutionSummary = Omit<Schemas["ExecutionSummary"], "status"> & { status: RunStatus };
export type Execution = Omit<Schemas["ExecutionAnswer"], "status" | "nodeExecutions"> & {
  status: RunStatus;
  nodeExecutions: NodeExecution[];
};
export type LogLine = Schemas["LogAnswer"];
export type Approval = Omit<Schemas["ApprovalAnswer"], "plans"> & { plans?: Plan[] };
export type Connection = Schemas["ConnectionAnswer"];
export type TeamVariable = Schemas["TeamVariableAnswer"] & { value?: Plain };
export type Template = Schemas["TemplateAnswer"];
export type AuditEntry = Schemas["AuditEntry"];
export type Trigger = Schemas["TriggerAnswer"];
export type TriggerMade = Schemas["TriggerMade"];
export type Metrics = Schemas["Metrics"];
export type Member = Schemas["MemberAnswer"];
export type Invitation = Schemas["InvitationAnswer"];
export type Token = Schemas["TokenAnswer"];

/** Node types come as JSON Schema, which OpenAPI calls an object. */
export interface NodeTypes {
  items: NodeType[];
}

/** What a dry run found out; the approval shows the same. The worker writes it, so OpenAPI knows it as JSON. */
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
  notShown?: string[];
}
