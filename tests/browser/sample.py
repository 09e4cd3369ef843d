"""Something to see on every screen: workflows, runs that went well and badly, an approval that waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.browser.site import Site

TEMPLATES = Path(__file__).parents[2] / "templates" / "workflows"
SAFE = (TEMPLATES / "safe_production_migration.yaml").read_text()

MIGRATIONS = [
    {
        "id": "0007",
        "name": "0007_add_invoices.sql",
        "file": "0007_add_invoices.sql",
        "status": "pending",
    },
    {
        "id": "0008",
        "name": "0008_index_orders.sql",
        "file": "0008_index_orders.sql",
        "status": "pending",
    },
]
PLAN = {
    "connectionId": "shop",
    "tool": "sql",
    "planHash": "sha256:9f4c2a17be03d5aa",
    "migrations": MIGRATIONS,
    "statements": [
        {
            "migration": "0007",
            "sql": "CREATE TABLE invoices (\n  id bigserial PRIMARY KEY,\n  order_id bigint NOT NULL REFERENCES orders (id),\n  total numeric(12, 2) NOT NULL\n)",
            "milliseconds": 12.4,
            "locks": ["orders: SHARE ROW EXCLUSIVE"],
            "warnings": [],
        },
        {
            "migration": "0008",
            "sql": "ALTER TABLE orders DROP COLUMN legacy_state",
            "milliseconds": 3.1,
            "rows": 0,
            "locks": ["orders: ACCESS EXCLUSIVE"],
            "warnings": ["the column's data is lost"],
            "destructive": True,
        },
    ],
    "warnings": [],
    "method": "rolled-back transaction",
    "rollbackRehearsed": True,
    "destructive": True,
    "milliseconds": 41,
}


def fill(site: Site) -> dict[str, Any]:
    """What was made, by name."""
    shop = site.connection("Shop production", "production")
    site.connection("Shop staging", "staging")
    site.connection("Laptop", "development")
    robin = site.person("Robin", "developer")
    site.post(
        "/api/variables",
        {
            "name": "channel",
            "type": "string",
            "value": "#migrations",
            "description": "Where the team reads",
        },
    )
    site.post(
        "/api/variables",
        {
            "name": "pagerKey",
            "type": "secret",
            "value": "not-to-be-seen",
            "description": "Events API",
        },
    )
    safe = site.workflow(SAFE, publish=True)
    for name in ("scheduled", "multi_env", "deployment_pipeline"):
        site.workflow((TEMPLATES / f"{name}.yaml").read_text(), publish=name == "scheduled")
    context = {"connectionId": shop["id"]}
    for round_ in range(3):
        worker = site.run(safe["id"], context=context)
        through(worker, fails=round_ == 1)
    waiting = site.run(safe["id"], context=context, token=robin["token"])
    before_approval(waiting)
    me = site.get("/api/auth/me")
    approval = waiting.ask(
        "approval-1",
        [me["email"]],
        name="Require Approval",
        message="Two migrations for production, one drops a column.",
        plans=[PLAN],
        planHash=PLAN["planHash"],
    )
    return {
        "safe": safe,
        "waiting": waiting.execution_id,
        "worker": waiting,
        "approval": approval["id"],
        "robin": robin,
    }


def before_approval(worker: Any) -> None:
    worker.settle("trigger-1", node_type="trigger", node_name="Manual Trigger")
    worker.log("Looking for migrations", "discover-1")
    found = {"connectionId": "shop", "tool": "sql", "migrations": MIGRATIONS, "applied": []}
    worker.settle(
        "discover-1", node_name="Discover Migrations", output=found, input={"ormType": "auto"}
    )
    worker.log("Found 2 pending migrations", "discover-1")
    worker.settle(
        "filter-1",
        node_type="condition",
        node_name="Any Pending?",
        branch="Yes",
        output={"branch": "Yes"},
    )
    worker.settle("dryrun-1", node_name="Dry-Run Migrations", output=PLAN)
    worker.log("Tried 2 statements and rolled them back", "dryrun-1")


def through(worker: Any, *, fails: bool) -> None:
    before_approval(worker)
    worker.settle(
        "approval-1", node_type="approval", node_name="Require Approval", branch="Approved"
    )
    if fails:
        error = {"type": "DatabaseError", "message": 'column "legacy_state" does not exist'}
        worker.settle(
            "execute-1", "failed", node_name="Execute Migrations", error=error, retry_count=2
        )
        worker.settle(
            "notify-1",
            "skipped",
            node_type="notification",
            node_name="Slack Notification",
            reason="Execute Migrations failed",
        )
        worker.settle("error-handler-1", node_name="Rollback on Failure", output={"rolledBack": []})
        worker.finish("failed", error='column "legacy_state" does not exist')
        return
    worker.settle(
        "execute-1", node_name="Execute Migrations", output={"applied": MIGRATIONS, "statements": 2}
    )
    worker.settle("notify-1", node_type="notification", node_name="Slack Notification")
    worker.settle(
        "error-handler-1", "skipped", node_name="Rollback on Failure", reason="nothing failed"
    )
    worker.finish("success")
