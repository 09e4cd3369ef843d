"""One installation: its home folder, its secrets, and the environment its processes share."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from server.approvals.signing import Signer
from server.settings import Settings

INBOX_HOST = "127.0.0.2"
"""An address of its own on loopback, so that allowing it opens little else."""
INBOX_PORT_OFFSET = 2
PREFECT_PORT_OFFSET = 1
"""Prefect's own server listens on the port after dataroll's, unless DATAROLL_PREFECT_PORT says."""


@dataclass(frozen=True)
class Installation:
    settings: Settings
    prefect_port: int
    own_prefect: bool
    """Whether this installation runs a Prefect server of its own."""
    prefect_auth: str
    admin_token: str
    """The first admin's API token: for the commands on this machine."""
    inbox_address: tuple[str, int] | None
    """Where the sample's stand-in for Slack listens; None without the sample."""
    environment: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def inbox_url(self) -> str:
        return "http://{}:{}/hook".format(*self.inbox_address) if self.inbox_address else ""


def prepare(environment: Mapping[str, str] | None = None, *, sample: bool = False) -> Installation:
    """Make the home folder and its keys where they are missing, and work out the environment."""
    env = dict(os.environ if environment is None else environment)
    settings = Settings.from_environment(env)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = int(env.get("DATAROLL_PREFECT_PORT", settings.port + PREFECT_PORT_OFFSET))
    own = settings.prefect_api_url is None
    auth = env.get("PREFECT_API_AUTH_STRING", "")
    if own:
        auth = kept_secret(settings.home / "prefect.auth", "dataroll:")
    admin = env.get("DATAROLL_ADMIN_TOKEN") or kept_secret(settings.home / "admin.token")
    allowed = env.get("DATAROLL_ALLOW_ADDRESSES", "")
    shared = {
        **env,
        "DATAROLL_ADMIN_TOKEN": admin,
        "DATAROLL_HOME": str(settings.home),
        "DATAROLL_API_URL": env.get("DATAROLL_API_URL", f"http://{settings.host}:{settings.port}"),
        "DATAROLL_PUBLIC_URL": settings.public_url,
        "DATAROLL_WORKER_TOKEN": env.get("DATAROLL_WORKER_TOKEN")
        or kept_secret(settings.home / "worker.token"),
        "DATAROLL_APPROVAL_PUBLIC_KEY": env.get("DATAROLL_APPROVAL_PUBLIC_KEY")
        or Signer.open(settings.home, env).public_key,
        "PREFECT_API_URL": settings.prefect_api_url or f"http://127.0.0.1:{port}/api",
        "PREFECT_HOME": env.get("PREFECT_HOME", str(settings.home / "prefect")),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}",
    }
    if auth:
        shared["PREFECT_API_AUTH_STRING"] = auth
    inbox = (INBOX_HOST, settings.port + INBOX_PORT_OFFSET) if sample else None
    if inbox:
        shared["DATAROLL_ALLOW_ADDRESSES"] = f"{allowed} {INBOX_HOST}/32".strip()
    settings = replace(settings, admin_token=admin)
    return Installation(settings, port, own, auth, admin, inbox, shared)


WORKER_NEEDS = {
    "PREFECT_API_URL": "where Prefect's API is, such as https://prefect.example/api",
    "DATAROLL_API_URL": "where the dataroll server is, such as https://dataroll.example",
    "DATAROLL_WORKER_TOKEN": "what the server knows its workers by",
    "DATAROLL_APPROVAL_PUBLIC_KEY": "what decisions about approvals are checked with",
}
WORKER_TAKES = (*WORKER_NEEDS, "PREFECT_API_AUTH_STRING", "PREFECT_API_KEY")


def worker_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a worker's processes find: beside a server, which has the key that signs approvals, the
    same as the server; elsewhere what is set. Raises MissingSettings with all that is not set."""
    env = dict(os.environ if environment is None else environment)
    settings = Settings.from_environment(env)
    if env.get("DATAROLL_APPROVAL_KEY") or (settings.home / "approval.key").exists():
        return dict(prepare(env).environment)
    missing = [name for name in WORKER_NEEDS if not env.get(name)]
    if missing:
        raise MissingSettings(settings.home, missing)
    return env


class MissingSettings(Exception):
    """A worker without these would run flows that nobody can approve, or reach no Prefect."""

    def __init__(self, home: Path, names: Sequence[str]) -> None:
        lines = [f"  {name}: {WORKER_NEEDS[name]}" for name in names]
        super().__init__(
            "\n".join(
                [
                    f"no server has its keys in {home}, and a worker without them needs in its"
                    " environment:",
                    *lines,
                    "`dataroll worker --print-env` on the server's machine prints them all;"
                    " DATAROLL_HOME names the installation's folder there.",
                ]
            )
        )


def prefect_server_environment(installation: Installation) -> dict[str, str]:
    """For a Prefect server of our own: measured settings that keep task states from lagging."""
    return {
        **installation.environment,
        "PREFECT_SERVER_API_AUTH_STRING": installation.prefect_auth,
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "10",
        "PREFECT_UI_API_URL": f"http://127.0.0.1:{installation.prefect_port}/api",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    }


def kept_secret(path: Path, prefix: str = "") -> str:
    """The secret in ``path``, made on first use; only the owner may read it."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        secret = prefix + secrets.token_urlsafe(32)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret + "\n")
        return secret
