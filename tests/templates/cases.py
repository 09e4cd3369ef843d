"""What is pending where, and who decides how: one case for every way through every template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.migrations.projects import SHOP

PROD, TEST, DEV = "production", "staging", "development"

BROKEN = {**SHOP, "004_broken.sql": "INSERT INTO nowhere VALUES (1);\n"}
"""Fails at its last file: nothing of that file is done, on any database."""
DROPS = {"001_users.sql": SHOP["001_users.sql"], "002_drop.sql": "DROP TABLE users;"}
SECURITY = {
    "001_security.sql": "CREATE TABLE security (id INTEGER PRIMARY KEY);",
    "001_security.down.sql": "DROP TABLE security;",
}
PLAIN = {"001_users.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY);"}
NEXT = {
    "004_next.sql": "INSERT INTO next VALUES (1);",
    "004_next.down.sql": "DELETE FROM next WHERE number = 1;",
}
"""Passes the dry run, and fails when somebody has taken the number meanwhile."""

FAILING_TEST = ("equals: 1", "equals: 2")
NO_TEST = ("sql: SELECT 1\n", "sql: ''\n")
NO_REPORT = ("title: Weekly migration report", "connections: [nobody]\n    title: Weekly")


@dataclass(frozen=True)
class Case:
    """One run. ``files`` maps connections to their migrations; empty: all of them are applied
    already; None: the database does not answer."""

    ends: str
    files: dict[str, dict[str, str] | None] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    """approved, rejected or expired, by approval node."""
    variables: dict[str, Any] = field(default_factory=dict)
    replace: tuple[str, str] = ("", "")
    """In the definition's text: checks that fail need other checks than those that come along."""
    taken: str = ""
    """The connection on which somebody takes the number while an approval waits."""
    migrated: str = ""
    """The connection that has all of its migrations before the run."""
    left: dict[str, int] = field(default_factory=dict)
    """How many migrations are pending afterwards, by connection."""


def approved(*nodes: str) -> dict[str, str]:
    return dict.fromkeys(nodes, "approved")


def taken(
    files: dict[str, str],
    *,
    others: dict[str, dict[str, str]] | None = None,
    decisions: dict[str, str] | None = None,
    left: dict[str, int],
) -> Case:
    """Production fails in the middle although the dry run had passed, and is taken back."""
    return Case(
        "failed",
        {PROD: {**files, **NEXT}, **(others or {})},
        decisions or approved("approval"),
        taken=PROD,
        left=left,
    )


ONE = {PROD: SHOP}
CHAIN = ("reviewer", "administrator", "owner")

CASES: dict[str, list[Case]] = {
    "safe_production_migration": [
        Case("success", {PROD: {}}),
        Case("success", ONE, approved("approval-1"), left={PROD: 0}),
        Case("cancelled", ONE, {"approval-1": "rejected"}, left={PROD: 3}),
        taken(SHOP, decisions=approved("approval-1"), left={PROD: 4}),
    ],
    "simple_migration": [
        Case("success", {DEV: SHOP}, left={DEV: 0}),
        Case("failed", {DEV: BROKEN}, left={DEV: 4}),
        Case("failed", {DEV: None}),
    ],
    "prod_safe": [
        Case("success", {PROD: {}}),
        Case("success", ONE, approved("approval"), left={PROD: 0}),
        Case("success", ONE, {"approval": "rejected"}, left={PROD: 3}),
        Case("success", ONE, {"approval": "expired"}, left={PROD: 3}),
        taken(SHOP, left={PROD: 4}),
        Case("failed", {PROD: None}),
    ],
    "scheduled": [
        Case("success", ONE, left={PROD: 3}),
        Case("success", {PROD: {}}),
        Case("failed", {PROD: None}),
    ],
    "approval_chain": [
        Case("success", ONE, approved(*CHAIN), left={PROD: 0}),
        *(
            Case("success", ONE, approved(*CHAIN[:step]) | {CHAIN[step]: how}, left={PROD: 3})
            for step in range(3)
            for how in ("rejected", "expired")
        ),
        taken(SHOP, decisions=approved(*CHAIN), left={PROD: 4}),
        Case("failed", {PROD: None}),
    ],
    "data_validation": [
        Case("success", {TEST: SHOP}, left={TEST: 0}),
        Case("failed", {TEST: SHOP}, replace=FAILING_TEST, left={TEST: 3}),
        Case("failed", {TEST: SHOP}, replace=NO_TEST, left={TEST: 3}),
        Case("failed", {TEST: BROKEN}, left={TEST: 4}),
        Case("failed", {TEST: None}),
    ],
    "daily_auto_migration_check": [
        Case("success", {PROD: {}}),
        Case("success", {PROD: PLAIN}, left={PROD: 1}),
        Case("success", {PROD: SECURITY}, approved("approval"), left={PROD: 0}),
        Case("success", {PROD: DROPS}, {"approval": "rejected"}, left={PROD: 2}),
        Case("success", {PROD: SECURITY}, {"approval": "expired"}, left={PROD: 1}),
        taken(SECURITY, left={PROD: 2}),
        Case("failed", {PROD: None}),
    ],
    "deployment_pipeline": [
        Case("success", {PROD: {}, TEST: {}}),
        Case("success", {PROD: SHOP, TEST: SHOP}, approved("approval"), left={PROD: 0, TEST: 0}),
        Case("success", {PROD: SHOP, TEST: SHOP}, {"approval": "rejected"}, left={PROD: 3}),
        Case("success", {PROD: SHOP, TEST: SHOP}, {"approval": "expired"}, left={PROD: 3}),
        Case("failed", {PROD: SHOP, TEST: SHOP}, replace=FAILING_TEST, left={PROD: 3, TEST: 3}),
        Case("failed", {PROD: SHOP, TEST: SHOP}, replace=NO_TEST, left={PROD: 3, TEST: 3}),
        Case("failed", {PROD: SHOP, TEST: BROKEN}, left={PROD: 3, TEST: 4}),
        taken(SHOP, others={TEST: SHOP}, left={PROD: 4, TEST: 0}),
        Case("failed", {PROD: None, TEST: {}}),
    ],
    "weekly_audit": [
        Case("success", {PROD: SHOP, TEST: {}}, left={PROD: 3}),
        Case("success", {PROD: SHOP, TEST: None}, left={PROD: 3}),
        Case("failed", {PROD: SHOP}, replace=NO_REPORT),
    ],
    "emergency_rollback": [
        Case(
            "success",
            ONE,
            approved("two-people"),
            {"count": 2, "reason": "orders are lost"},
            migrated=PROD,
            left={PROD: 2},
        ),
        Case("success", ONE, {"two-people": "rejected"}, migrated=PROD, left={PROD: 0}),
        Case("success", ONE, {"two-people": "expired"}, migrated=PROD, left={PROD: 0}),
        Case("failed", {PROD: None}, approved("two-people")),
    ],
}
EVERYWHERE = {DEV: SHOP, TEST: SHOP, PROD: SHOP}
ROLLOUT = [
    Case("success", EVERYWHERE, approved("approval"), left={DEV: 0, TEST: 0, PROD: 0}),
    Case("success", EVERYWHERE, {"approval": "rejected"}, left={DEV: 0, TEST: 0, PROD: 3}),
    Case("success", EVERYWHERE, {"approval": "expired"}, left={PROD: 3}),
    Case("failed", EVERYWHERE | {DEV: BROKEN}, left={DEV: 4, TEST: 3, PROD: 3}),
    Case("failed", EVERYWHERE | {TEST: BROKEN}, left={DEV: 0, TEST: 4, PROD: 3}),
    taken(SHOP, others={DEV: SHOP, TEST: SHOP}, left={DEV: 0, TEST: 0, PROD: 4}),
    Case("failed", EVERYWHERE | {PROD: None}, left={DEV: 0, TEST: 0}),
]
CASES["multi_env"] = ROLLOUT
CASES["staged_rollout"] = ROLLOUT
