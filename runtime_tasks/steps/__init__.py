"""The steps: one typed function per node type. Generated flows call them as ``steps.<name>``.

Adding a node type is one function in a module here (listed below) and one test.
"""

from runtime_tasks.output import Output
from runtime_tasks.secrets import secret, secret_text
from runtime_tasks.steps.approval import approval
from runtime_tasks.steps.catalogue import CATALOGUE, DISCRIMINATORS, NodeType, step
from runtime_tasks.steps.condition import condition
from runtime_tasks.steps.delay import delay, wait
from runtime_tasks.steps.error_handler import error_handler
from runtime_tasks.steps.http import http_request
from runtime_tasks.steps.migrations import (
    check_connections,
    discover_migrations,
    dry_run,
    execute_migrations,
    migration_report,
    rollback,
    run_sql,
    run_tests,
)
from runtime_tasks.steps.notifications import (
    notify_email,
    notify_pagerduty,
    notify_slack,
    notify_webhook,
)
from runtime_tasks.steps.triggers import (
    event_trigger,
    manual_trigger,
    scheduled_trigger,
    webhook_trigger,
)

__all__ = [
    "CATALOGUE",
    "DISCRIMINATORS",
    "NodeType",
    "Output",
    "approval",
    "check_connections",
    "condition",
    "delay",
    "discover_migrations",
    "dry_run",
    "error_handler",
    "event_trigger",
    "execute_migrations",
    "http_request",
    "manual_trigger",
    "migration_report",
    "notify_email",
    "notify_pagerduty",
    "notify_slack",
    "notify_webhook",
    "rollback",
    "run_sql",
    "run_tests",
    "scheduled_trigger",
    "secret",
    "secret_text",
    "step",
    "wait",
    "webhook_trigger",
]
