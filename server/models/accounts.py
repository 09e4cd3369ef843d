"""Who may do what: users, teams, memberships, and everything that proves who is calling.

Tokens of every kind are kept as SHA-256 of 256 random bits; the token itself is shown once.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, Created, Id, Identified, JSONText, Updated

ROLES = ("viewer", "approver", "developer", "admin", "owner")
"""From least to most; each may do what the ones before it may."""


class User(Identified, Updated, Base):
    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(320), unique=True)
    """Lower case."""
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    oidc_subject: Mapped[str | None] = mapped_column(String(512), unique=True)
    """``issuer|sub`` of the identity provider."""
    is_admin: Mapped[bool] = mapped_column(Boolean, default=False)
    """Looks after the installation: may make users and teams. Grants nothing inside a team."""
    disabled_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]


class Team(Identified, Updated, Base):
    __tablename__ = "teams"

    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(100), unique=True)
    allow_self_approval: Mapped[bool] = mapped_column(Boolean, default=True)
    """Whether the person who started a run may vote at all. Alone they never suffice."""
    deleted_at: Mapped[datetime | None]


class Membership(Identified, Created, Base):
    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("team_id", "user_id"),
        CheckConstraint("role IN ('viewer','approver','developer','admin','owner')", name="role"),
    )

    team_id: Mapped[str] = mapped_column(Id, ForeignKey("teams.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))


class Invitation(Identified, Created, Base):
    __tablename__ = "invitations"

    team_id: Mapped[str] = mapped_column(Id, ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    role: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[str] = mapped_column(Id)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class BrowserSession(Identified, Created, Base):
    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    ip: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(300))


class ApiToken(Identified, Created, Base):
    __tablename__ = "api_tokens"

    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[str | None] = mapped_column(Id, ForeignKey("teams.id", ondelete="CASCADE"))
    """Limits the token to one team; null means every team of its user."""
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(16))
    """The first characters, so that a list can tell tokens apart."""
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSONText(), default=list)
    """``read``, ``write``, ``execute``, ``approve``, ``admin``; empty means all of them."""
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class OneTimeToken(Identified, Created, Base):
    """Login links and WebSocket tickets: good once, and not for long."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (Index(None, "expires_at"),)

    purpose: Mapped[str] = mapped_column(String(20))
    """``login`` or ``live``."""
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"))
    credential_id: Mapped[str | None] = mapped_column(Id)
    """The session or API token that asked for it: when that is revoked, so is this."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInAttempts(Base):
    """How often somebody has tried to sign in, counted for all servers of this database."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index(None, "ends_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of what is counted: addresses and names are not kept here."""
    count: Mapped[int]
    ends_at: Mapped[datetime]
    """From then on the count begins anew."""
