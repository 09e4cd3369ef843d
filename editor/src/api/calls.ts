/** Every call the editor makes, by name. */
import { del, get, patch, post, request, type Reply } from "./http";
import type { components } from "./schema";
import type * as t from "./types";

type Body<Name extends keyof components["schemas"]> = Partial<components["schemas"][Name]>;

const path = encodeURIComponent;

export const auth = {
  me: () => get<t.Me>("/api/auth/me"),
  login: (email: string, password: string) => post<t.Me>("/api/auth/login", { email, password }),
  loginLink: (token: string) => post<t.Me>("/api/auth/login-link", { token }),
  accept: (body: Body<"AcceptInvitation">) =>
    post<components["schemas"]["Accepted"]>("/api/auth/invitations/accept", body),
  logout: () => post("/api/auth/logout"),
  liveTicket: () => post<{ token: string }>("/api/auth/live-ticket"),
  tokens: () => get<t.Page<t.Token>>("/api/auth/tokens"),
  makeToken: (body: Body<"NewToken">) => post<components["schemas"]["TokenMade"]>("/api/auth/tokens", body),
  revokeToken: (id: string) => del(`/api/auth/tokens/${path(id)}`),
};

export const workflows = {
  list: () => all<t.WorkflowSummary>("/api/workflows"),
  get: (id: string): Promise<Reply<t.WorkflowAnswer>> => request("GET", `/api/workflows/${path(id)}`),
  create: (body: Body<"NewWorkflow">) => post<t.WorkflowAnswer>("/api/workflows", body),
  import: (content: string, format: string) =>
    post<t.WorkflowAnswer>("/api/workflows/import", { content, format }),
  duplicate: (id: string) => post<t.WorkflowAnswer>(`/api/workflows/${path(id)}/duplicate`),
  change: (
    id: string,
    body: Body<"ChangeWorkflow">,
    ifMatch?: string | null,
  ): Promise<Reply<t.WorkflowAnswer>> => request("PATCH", `/api/workflows/${path(id)}`, { body, ifMatch }),
  remove: (id: string) => del(`/api/workflows/${path(id)}`),
  publish: (id: string, body: Body<"Publish">): Promise<Reply<t.WorkflowAnswer>> =>
    request("POST", `/api/workflows/${path(id)}/publish`, { body }),
  unpublish: (id: string) => post<t.WorkflowAnswer>(`/api/workflows/${path(id)}/unpublish`),
  test: (id: string, body: { input: unknown; dryRun: boolean; approvals: Record<string, string> }) =>
    post<{ id: string; status: string }>(`/api/workflows/${path(id)}/test`, body),
  execute: (id: string, body: { context?: unknown; variables?: unknown }) =>
    post<{ id: string; status: string }>(`/api/workflows/${path(id)}/execute`, body),
  versions: (id: string) => get<t.Page<t.VersionSummary>>(`/api/workflows/${path(id)}/versions`),
  version: (id: string, version: number) =>
    get<t.VersionAnswer>(`/api/workflows/${path(id)}/versions/${version}`),
  check: (content: string, format: string, signal?: AbortSignal) =>
    request<t.Checked>("POST", "/api/definitions/check", { body: { content, format }, signal }).then(
      ({ data }) => data,
    ),
  executions: (id: string, query: Record<string, string | undefined> = {}) =>
    get<t.Page<t.ExecutionSummary>>(`/api/workflows/${path(id)}/executions`, query),
  variables: (id: string) => get<t.Page<t.VariableAnswer>>(`/api/workflows/${path(id)}/variables`),
  setSecret: (id: string, name: string, value: string) =>
    request("PUT", `/api/workflows/${path(id)}/variables/${path(name)}`, { body: { value } }),
};

export const triggers = {
  list: (id: string) => get<t.Page<t.Trigger>>(`/api/workflows/${path(id)}/triggers`),
  create: (id: string, body: Body<"NewTrigger">) =>
    post<t.TriggerMade>(`/api/workflows/${path(id)}/triggers`, body),
  change: (id: string, trigger: string, body: Body<"ChangeTrigger">) =>
    patch<t.Trigger>(`/api/workflows/${path(id)}/triggers/${path(trigger)}`, body),
  rotate: (id: string, trigger: string) =>
    post<t.TriggerMade>(`/api/workflows/${path(id)}/triggers/${path(trigger)}/rotate`),
  remove: (id: string, trigger: string) => del(`/api/workflows/${path(id)}/triggers/${path(trigger)}`),
};

export const expressions = {
  check: (expression: string, scope: Record<string, unknown> | null, signal?: AbortSignal) =>
    request<t.CheckedExpression>("POST", "/api/expressions/check", {
      body: { expression, scope },
      signal,
    }).then(({ data }) => data),
};

export const executions = {
  list: (query: Record<string, string | undefined>) =>
    get<t.Page<t.ExecutionSummary>>("/api/executions", query),
  get: (id: string) => get<t.Execution>(`/api/executions/${path(id)}`),
  logs: (id: string, query: Record<string, string | undefined> = {}) =>
    get<t.Page<t.LogLine>>(`/api/executions/${path(id)}/logs`, { limit: 200, ...query }),
  cancel: (id: string) => post(`/api/executions/${path(id)}/cancel`),
};

export const approvals = {
  list: (query: Record<string, string | undefined> = {}) => get<t.Page<t.Approval>>("/api/approvals", query),
  get: (id: string) => get<t.Approval>(`/api/approvals/${path(id)}`),
  approve: (id: string, vote: Body<"Vote">) => post<t.Approval>(`/api/approvals/${path(id)}/approve`, vote),
  reject: (id: string, vote: Body<"Vote">) => post<t.Approval>(`/api/approvals/${path(id)}/reject`, vote),
  delegate: (id: string, to: string) => post<t.Approval>(`/api/approvals/${path(id)}/delegate`, { to }),
  withdraw: (id: string) => post<t.Approval>(`/api/approvals/${path(id)}/cancel`),
  comment: (id: string, text: string) => post<t.Approval>(`/api/approvals/${path(id)}/comments`, { text }),
};

export const connections = {
  list: () => all<t.Connection>("/api/connections"),
  create: (body: Body<"NewConnection">) => post<t.Connection>("/api/connections", body),
  change: (id: string, body: Body<"ChangeConnection">) =>
    patch<t.Connection>(`/api/connections/${path(id)}`, body),
  test: (id: string) => post<components["schemas"]["ConnectionTested"]>(`/api/connections/${path(id)}/test`),
  remove: (id: string) => del(`/api/connections/${path(id)}`),
};

export const variables = {
  list: () => all<t.TeamVariable>("/api/variables"),
  create: (body: Body<"NewVariable">) => post<t.TeamVariable>("/api/variables", body),
  change: (id: string, body: Body<"ChangeVariable">) =>
    patch<t.TeamVariable>(`/api/variables/${path(id)}`, body),
  remove: (id: string) => del(`/api/variables/${path(id)}`),
};

export const templates = {
  list: () => get<t.Page<t.Template>>("/api/workflow-templates"),
  use: (id: string, body: Body<"FromTemplate">) =>
    post<t.WorkflowAnswer>(`/api/workflows/from-template/${path(id)}`, body),
};

export const teams = {
  members: (id: string) => get<t.Page<t.Member>>(`/api/teams/${path(id)}/members`, { limit: 200 }),
  changeMember: (id: string, user: string, role: t.Role) =>
    patch(`/api/teams/${path(id)}/members/${path(user)}`, { role }),
  removeMember: (id: string, user: string) => del(`/api/teams/${path(id)}/members/${path(user)}`),
  invitations: (id: string) => get<t.Page<t.Invitation>>(`/api/teams/${path(id)}/invitations`),
  invite: (id: string, email: string, role: t.Role) =>
    post<components["schemas"]["InvitationMade"]>(`/api/teams/${path(id)}/invitations`, { email, role }),
  revokeInvitation: (id: string, invitation: string) =>
    del(`/api/teams/${path(id)}/invitations/${path(invitation)}`),
  get: (id: string) => get<components["schemas"]["TeamAnswer"]>(`/api/teams/${path(id)}`),
  change: (id: string, body: Body<"ChangeTeam">) =>
    patch<components["schemas"]["TeamAnswer"]>(`/api/teams/${path(id)}`, body),
};

export const schedules = {
  preview: (cron: string, timezone: string, signal?: AbortSignal) =>
    request<{ next: string[] }>("POST", "/api/schedules/preview", { body: { cron, timezone }, signal }).then(
      ({ data }) => data,
    ),
};

export const notifications = {
  templates: () => get<t.Page<components["schemas"]["MessageTemplate"]>>("/api/notifications/templates"),
  /** What would be sent; nothing is. */
  preview: (body: Body<"PreviewNotification">, signal?: AbortSignal) =>
    request<components["schemas"]["NotificationPreview"]>("POST", "/api/notifications/preview", {
      body,
      signal,
    }).then(({ data }) => data.payload),
};

export const misc = {
  nodeTypes: () => get<t.NodeTypes>("/api/node-types"),
  metrics: (query: Record<string, string | undefined>) => get<t.Metrics>("/api/metrics", query),
  audit: (query: Record<string, string | undefined> = {}) => get<t.Page<t.AuditEntry>>("/api/audit", query),
};

/** A whole list, page by page. For lists that people can overlook. */
async function all<T>(path: string, most = 1000): Promise<t.Page<T>> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const page: t.Page<T> = await get(path, { limit: 200, cursor });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor && items.length < most);
  return { items, nextCursor: cursor ?? null };
}
