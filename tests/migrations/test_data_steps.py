"""run_sql, run_tests, check_connections and migration_report."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_tasks import steps
from runtime_tasks.context import using
from runtime_tasks.errors import Refused, StepConfigError, StepError
from runtime_tasks.migrations.database import connect
from tests.migrations.projects import SHOP, connection, write
from tests.migrations.test_steps import RunContext


@pytest.fixture
def shop(every_database_url: str, tmp_path: Path) -> RunContext:
    """A run on a database with one user, whose other migrations are pending."""
    folder = write(tmp_path / "migrations", SHOP)
    run = RunContext(target=connection(every_database_url, folder))
    with using(run):
        found = steps.discover_migrations(connection_id="db")
        steps.execute_migrations(connection_id="db", migrations=found.migrations[:2])
    return run


def test_sql_runs_with_parameters_and_reports_its_rows(shop: RunContext) -> None:
    with using(shop):
        done = steps.run_sql(
            connection_id="db",
            sql="INSERT INTO users (id, name) VALUES (2, :name), (3, '100% :name');\n"
            "UPDATE users SET email = :mail WHERE id > 1;\nSELECT id, name, email FROM users ORDER BY id",
            parameters={"name": "x'; DROP TABLE users; --", "mail": "a%b"},
        )
    assert done.rows == 4
    assert done.results[1:] == [
        {"id": 2, "name": "x'; DROP TABLE users; --", "email": "a%b"},
        {"id": 3, "name": "100% :name", "email": "a%b"},
    ]


def test_sql_that_fails_keeps_nothing(shop: RunContext) -> None:
    with using(shop), pytest.raises(StepError, match=r"line 2: .*nowhere"):
        steps.run_sql(connection_id="db", sql="DELETE FROM users;\nSELECT * FROM nowhere")
    assert shop.target is not None
    with connect(shop.target.url) as database:
        assert database.row_counts()["users"] == 1


def test_sql_in_a_test_run_is_rolled_back(shop: RunContext) -> None:
    shop.dry_run = True
    with using(shop):
        assert steps.run_sql(connection_id="db", sql="DELETE FROM users").rows == 1
    assert shop.target is not None
    with connect(shop.target.url) as database:
        assert database.row_counts()["users"] == 1


@pytest.mark.parametrize(
    "sql", ["BEGIN; DELETE FROM users; COMMIT", "", "DELETE FROM users; COMMIT"]
)
def test_sql_that_controls_transactions_is_refused(shop: RunContext, sql: str) -> None:
    with using(shop), pytest.raises(StepConfigError):
        steps.run_sql(connection_id="db", sql=sql)


def test_assertions_say_what_they_found(shop: RunContext) -> None:
    with using(shop):
        done = steps.run_tests(
            connection_id="db",
            tests=[
                {"name": "one user", "sql": "SELECT count(*) FROM users", "equals": 1},
                {
                    "name": "no email",
                    "sql": "SELECT id FROM users WHERE email IS NULL",
                    "empty": True,
                },
                {"name": "rows", "sql": "SELECT id FROM users;", "rows": 1},
                {"name": "typo", "sql": "SELECT id FROM user_s", "rows": 1},
                {
                    "name": "row",
                    "sql": "SELECT id, name FROM users",
                    "equals": {"id": 1, "name": "a;b"},
                },
                {"name": "writes", "sql": "DELETE FROM users", "empty": True},
            ],
        )
    assert [t.passed for t in done.tests] == [True, False, True, False, True, False]
    assert (done.passed, done.total, done.failures) == (False, 6, 3)
    assert "user_s" in done.tests[3].message
    assert shop.target is not None
    with connect(shop.target.url) as database:
        assert database.row_counts()["users"] == 1


def test_a_test_without_an_expectation_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    run = RunContext(target=connection(sqlite_url, tmp_path))
    with using(run), pytest.raises(StepConfigError, match="exactly one of"):
        steps.run_tests(connection_id="db", tests=[{"sql": "SELECT 1"}])


def test_only_allowed_commands_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAROLL_ALLOWED_COMMANDS", "true\nfalse")
    assert steps.run_tests(command="true").passed
    assert not steps.run_tests(command="false").passed
    with pytest.raises(Refused, match="DATAROLL_ALLOWED_COMMANDS"):
        steps.run_tests(command="true; rm -rf x")


def test_connections_that_do_not_answer_are_named(shop: RunContext) -> None:
    assert shop.target is not None
    dead = connection("postgresql://a:secret%21@127.0.0.1:1/x", Path("."))
    shop.connections = lambda: [shop.target, dead]  # type: ignore[method-assign,list-item,return-value]
    with using(shop):
        done = steps.check_connections()
        report = steps.migration_report(title="Weekly <report>")
    assert (done.ok, [c.ok for c in done.connections]) == (False, [True, False])
    assert "secret" not in str(done.as_json())
    assert report.pending == 1
    assert "003\\_orders" in report.markdown
    assert "<h1>Weekly &lt;report&gt;</h1>" in report.html
    assert "<td>003_orders</td>" in report.html
