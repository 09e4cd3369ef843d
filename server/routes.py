"""Every router of the server, in the order in which paths are tried."""

from __future__ import annotations

from fastapi import APIRouter

from server.approvals.routes import router as approvals
from server.audit.routes import router as audit
from server.auth.oidc_routes import router as oidc
from server.auth.routes import router as auth
from server.auth.users import router as users
from server.connections.routes import router as connections
from server.executions.routes import router as executions
from server.expressions.routes import router as expressions
from server.health.routes import router as health
from server.live.routes import router as live
from server.metrics.routes import router as metrics
from server.node_types.routes import router as node_types
from server.notifications.routes import router as notifications
from server.pages import router as pages
from server.teams.routes import router as teams
from server.templates.routes import router as templates
from server.triggers.preview import router as schedules
from server.triggers.routes import router as triggers
from server.variables.routes import router as variables
from server.webhooks.routes import router as webhooks
from server.worker.routes import router as worker
from server.workflows.routes import router as workflows

ROUTERS: tuple[APIRouter, ...] = (
    health,
    auth,
    oidc,
    users,
    teams,
    templates,
    workflows,
    triggers,
    schedules,
    webhooks,
    notifications,
    node_types,
    expressions,
    executions,
    approvals,
    connections,
    variables,
    metrics,
    audit,
    live,
    worker,
    pages,
)
