"""Who is calling: a person with a session or a token, or one of our own parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from server.models import ROLES

Role = Literal["viewer", "approver", "developer", "admin", "owner"]
RANK = {role: rank for rank, role in enumerate(ROLES)}


@dataclass(frozen=True)
class Actor:
    """Who the audit log names."""

    id: str | None
    name: str
    ip: str | None = None
    user_agent: str | None = None


SERVER = Actor(None, "server")
WORKER = Actor(None, "worker")


@dataclass(frozen=True)
class Caller:
    """A signed-in person. ``roles`` holds the teams this credential reaches, and nothing else."""

    user_id: str
    email: str
    name: str
    is_admin: bool
    roles: Mapping[str, str]
    credential: Literal["session", "token"]
    credential_id: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    """Empty means everything the role allows."""
    limited: bool = False
    """By a token that was made for one team, or for some scopes only."""
    csrf_token: str | None = None
    ip: str | None = None
    user_agent: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor(self.user_id, self.email, self.ip, self.user_agent)

    def has(self, team_id: str, role: str) -> bool:
        return RANK.get(self.roles.get(team_id, ""), -1) >= RANK[role]

    def teams_with(self, role: str) -> list[str]:
        return sorted(team for team, held in self.roles.items() if RANK[held] >= RANK[role])
