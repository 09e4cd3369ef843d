"""Where a worker takes its keys from: beside the server, or on a machine of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.installation import MissingSettings, prepare, worker_environment
from cli.worker import worker

ELSEWHERE = {
    "PREFECT_API_URL": "https://prefect.example/api",
    "DATAROLL_API_URL": "https://dataroll.example",
    "DATAROLL_WORKER_TOKEN": "of the team",
    "DATAROLL_APPROVAL_PUBLIC_KEY": "a2V5",
}


def test_beside_the_server_it_finds_what_the_server_has(tmp_path: Path) -> None:
    beside = {"DATAROLL_HOME": str(tmp_path), "PATH": "/bin"}
    server = prepare(beside)
    assert worker_environment(beside) == dict(server.environment)
    assert server.settings.admin_token == server.admin_token


def test_elsewhere_it_names_all_that_is_missing_and_makes_no_keys(tmp_path: Path) -> None:
    home = tmp_path / "home"
    half = {"DATAROLL_HOME": str(home), "PREFECT_API_URL": "https://prefect.example/api"}
    with pytest.raises(MissingSettings) as refused:
        worker_environment(half)
    said = str(refused.value)
    assert "PREFECT_API_URL" not in said
    for name in ("DATAROLL_API_URL", "DATAROLL_WORKER_TOKEN", "DATAROLL_APPROVAL_PUBLIC_KEY"):
        assert name in said
    assert "--print-env" in said
    assert not home.exists()
    assert worker_environment({**half, **ELSEWHERE}) == {**half, **ELSEWHERE}


def test_what_the_servers_machine_prints_serves_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:it's a pass")
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example/api")
    monkeypatch.setenv("DATAROLL_HOME", str(tmp_path))
    server = prepare()
    printed = CliRunner().invoke(worker, ["--print-env"])
    assert printed.exit_code == 0
    lines = dict(line.split("=", 1) for line in printed.output.splitlines())
    assert lines["PREFECT_API_AUTH_STRING"] == """'admin:it'"'"'s a pass'"""
    assert (
        lines["DATAROLL_APPROVAL_PUBLIC_KEY"].strip("'")
        == (server.environment["DATAROLL_APPROVAL_PUBLIC_KEY"])
    )
    assert set(ELSEWHERE) <= set(lines)


def test_a_worker_with_nothing_set_says_so_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATAROLL_HOME", str(tmp_path / "none"))
    refused = CliRunner().invoke(worker, [])
    assert refused.exit_code == 1
    assert "DATAROLL_WORKER_TOKEN" in refused.output


def test_prefect_takes_the_workers_settings(tmp_path: Path) -> None:
    """It reads them when it is imported: whatever imports it first must come after them."""
    asked = """
from cli import worker


async def serve(pool, limit, token):
    from prefect.settings import get_current_settings

    print(get_current_settings().worker.query_seconds)


worker.serve = serve
worker.worker([])
"""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "DATAROLL_"))}
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env=inherited | ELSEWHERE | {"DATAROLL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "1.0", done.stderr
