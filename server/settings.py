"""Where everything is, read from the environment once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """``DATAROLL_*`` variables; every default serves a laptop."""

    home: Path
    database_url: str
    host: str
    port: int
    prefect_api_url: str | None
    prefect_ui_url: str | None
    """Where people see Prefect; by default the API's address without its ``/api``."""
    admin_token: str | None
    public_url: str
    generated: Path
    """Where publish writes flows: one readable file per workflow, and every version beside it."""
    generated_given: bool
    """Whether somebody named that folder: only then it may be a git working tree to commit to."""
    review_branches: bool
    """Publishing commits to a branch, and deploys when the main branch carries it."""

    @classmethod
    def from_environment(cls, environment: dict[str, str] | None = None) -> Settings:
        env = dict(os.environ) if environment is None else environment
        home = Path(env.get("DATAROLL_HOME", ".dataroll")).absolute()
        host = env.get("DATAROLL_HOST", "127.0.0.1")
        port = int(env.get("DATAROLL_PORT", "8420"))
        return cls(
            home=home,
            database_url=env.get("DATAROLL_DATABASE_URL", f"sqlite:///{home / 'dataroll.db'}"),
            host=host,
            port=port,
            prefect_api_url=env.get("PREFECT_API_URL"),
            prefect_ui_url=env.get("DATAROLL_PREFECT_UI_URL")
            or (env.get("PREFECT_API_URL") or "").removesuffix("/").removesuffix("/api")
            or None,
            admin_token=env.get("DATAROLL_ADMIN_TOKEN"),
            public_url=env.get("DATAROLL_PUBLIC_URL", f"http://{host}:{port}"),
            generated=Path(env.get("DATAROLL_GENERATED", str(home / "flows"))).absolute(),
            generated_given="DATAROLL_GENERATED" in env,
            review_branches=env.get("DATAROLL_REVIEW_BRANCHES", "") in ("1", "true", "yes"),
        )
