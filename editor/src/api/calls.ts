/** Every call the editor makes, by name. */
import { del, get, patch, post, request, type Reply } from "./http";
import type * as t from "./types";

const path = encodeURIComponent;

export const auth = {
  me: () => get<t.Me>("/api/auth/me"),
  methods: () => get<{ password: boolean; oidc: string | null }>("/api/auth/methods"),
  login: (email: string, password: string) => post<t.Me>("/api/auth/login", { email, password }),
  loginLink: (token: string) => post<t.Me>("/api/auth/login-link", { token }),
  logout: () => post("/api/auth/logout"),
  liveTicket: () => post<{ token?: string; ticket?: string }>("/api/live/ticket"),
  tokens: () =>
    get<
      t.Page<{
        id: string;
        name: string;
        prefix: string;
        scopes: string[];
        createdAt: string;
        expiresAt: string | null;
        lastUsedAt: string | null;
      }>
    >("/api/auth/tokens"),
  makeToken: (body: { name: string; scopes: string[]; expiresInDays: number | null }) =>
    post<{ id: string; token: string }>("/api/auth/tokens", body),
  revokeToken: (id: string) => del(`/api/auth/tokens/${path(id)}`),
};

export interface WorkflowFilter {
  status?: string | undefined;
  trigger?: string | undefined;
  search?: string | undefined;
  cursor?: string | undefined;
}

export const workflows = {
  list: (filter: WorkflowFilter = {}) =>
    get<t.Page<t.WorkflowSummary>>("/api/workflows", { limit: 100, ...filter }),
  get: (id: string): Promise<Reply<t.WorkflowAnswer>> => request("GET", `/api/workflows/${path(id)}`),
  create: (body: {
    name: string;
    description?: string;
    trigger?: string;
    definition?: { content: string; format: string };
  }) => post<t.WorkflowAnswer>("/api/workflows", body),
  import: (content: string, format: string) =>
    post<t.WorkflowAnswer>("/api/workflows/import", { content, format }),
  duplicate: (id: string) => post<t.WorkflowAnswer>(`/api/workflows/${path(id)}/duplicate`),
  change: (
    id: string,
    body: Record<string, unknown>,
    ifMatch?: string | null,
  ): Promise<Reply<t.WorkflowAnswer>> => request("PATCH", `/api/workflows/${path(id)}`, { body, ifMatch }),
  remove: (id: string) => del(`/api/workflows/${path(id)}`),
  publish: (
    id: string,
    body: { changelog?: string; acknowledge?: boolean },
  ): Promise<Reply<t.WorkflowAnswer>> => request("POST", `/api/workflows/${path(id)}/publish`, { body }),
  unpublish: (id: string) => patch<t.WorkflowAnswer>(`/api/workflows/${path(id)}`, { isPublished: false }),
  test: (id: string, body: { input: unknown; dryRun: boolean; approvals?: Record<string, string> }) =>
    post<{ id: string; status: string }>(`/api/workflows/${path(id)}/test`, body),
  execute: (id: string, body: { context?: unknown; variables?: unknown }) =>
    post<{ id: string; status: string }>(`/api/workflows/${path(id)}/execute`, body),
  versions: (id: string) => get<t.Page<t.VersionSummary>>(`/api/workflows/${path(id)}/versions`),
  version: (id: string, version: number) =>
    get<t.VersionAnswer>(`/api/workflows/${path(id)}/versions/${version}`),
  check: (content: string, format: string, signal?: AbortSignal) =>
    request<t.Checked>("POST", "/api/workflows/check", { body: { content, format }, signal }).then(
      (reply) => reply.data,
    ),
  executions: (id: string, query: Record<string, string | undefined> = {}) =>
    get<t.Page<t.ExecutionSummary>>(`/api/workflows/${path(id)}/executions`, query),
  triggers: (id: string) => get<t.Page<t.Trigger>>(`/api/workflows/${path(id)}/triggers`),
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
  list: (status?: string) => get<t.Page<t.Approval>>("/api/approvals", { status }),
  get: (id: string) => get<t.Approval>(`/api/approvals/${path(id)}`),
  approve: (id: string, comment: string) =>
    post<t.Approval>(`/api/approvals/${path(id)}/approve`, comment ? { comment } : {}),
  reject: (id: string, comment: string) =>
    post<t.Approval>(`/api/approvals/${path(id)}/reject`, comment ? { comment } : {}),
};

export const connections = {
  list: () => get<t.Page<t.Connection>>("/api/connections", { limit: 200 }),
  create: (body: unknown) => post<t.Connection>("/api/connections", body),
  change: (id: string, body: unknown) => patch<t.Connection>(`/api/connections/${path(id)}`, body),
  test: (id: string) =>
    post<{ ok?: boolean; message?: string; error?: string }>(`/api/connections/${path(id)}/test`),
  remove: (id: string) => del(`/api/connections/${path(id)}`),
};

export const variables = {
  list: () => get<t.Page<t.TeamVariable>>("/api/variables", { limit: 200 }),
  create: (body: unknown) => post<t.TeamVariable>("/api/variables", body),
  change: (id: string, body: unknown) => patch<t.TeamVariable>(`/api/variables/${path(id)}`, body),
  remove: (id: string) => del(`/api/variables/${path(id)}`),
};

export const templates = {
  list: () => get<t.Page<t.Template>>("/api/workflow-templates"),
  use: (id: string, body: { name?: string } = {}) =>
    post<t.WorkflowAnswer>(`/api/workflows/from-template/${path(id)}`, body),
};

export const teams = {
  members: (id: string) =>
    get<t.Page<{ userId: string; email: string; name: string; role: t.Role; since: string }>>(
      `/api/teams/${path(id)}/members`,
    ),
  changeMember: (id: string, user: string, role: t.Role) =>
    patch(`/api/teams/${path(id)}/members/${path(user)}`, { role }),
  removeMember: (id: string, user: string) => del(`/api/teams/${path(id)}/members/${path(user)}`),
  invitations: (id: string) =>
    get<t.Page<{ id: string; email: string; role: t.Role; expiresAt: string }>>(
      `/api/teams/${path(id)}/invitations`,
    ),
  invite: (id: string, email: string, role: t.Role) =>
    post<{ id: string; url: string; token: string }>(`/api/teams/${path(id)}/invitations`, { email, role }),
  revokeInvitation: (id: string, invitation: string) =>
    del(`/api/teams/${path(id)}/invitations/${path(invitation)}`),
};

export const schedules = {
  preview: (cron: string, timezone: string, signal?: AbortSignal) =>
    request<{ next: string[] }>("POST", "/api/schedules/preview", { body: { cron, timezone }, signal }).then(
      (reply) => reply.data,
    ),
};

export const misc = {
  nodeTypes: () => get<t.NodeTypes>("/api/node-types"),
  metrics: (query: Record<string, string | undefined>) => get<Record<string, unknown>>("/api/metrics", query),
  audit: (query: Record<string, string | undefined> = {}) => get<t.Page<t.AuditEntry>>("/api/audit", query),
};
