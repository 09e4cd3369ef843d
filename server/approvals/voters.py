"""Who may decide, worked out when the request is made.

The person who started the run can never be the only consent: where nobody
else could approve, the request is refused, and says what to do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import RANK
from server.errors import Invalid
from server.models import Membership, Team, User

Required = int | Literal["any", "all"]


@dataclass(frozen=True)
class Voters:
    ids: tuple[str, ...]
    required: int


@dataclass(frozen=True)
class _Person:
    id: str
    email: str
    role: str


async def voters_for(
    session: AsyncSession,
    team_id: str,
    asked: list[str],
    *,
    required: Required,
    started_by: str | None,
    skip_if_creator: bool,
    by_a_stranger: bool = False,
    approved_before: Collection[str] = (),
) -> Voters:
    """``asked`` names users by id or e-mail address, or everybody with a role or more.

    ``by_a_stranger``: it is not known who started the run, and it may be one of those asked. Then
    it takes one consent more than the starter's own could be. ``approved_before``: people who have
    had their say in this run, and are not asked again.
    """
    people = await _people(session, team_id)
    team = await session.get(Team, team_id)
    assert team is not None  # noqa: S101 - executions point to teams
    chosen: dict[str, None] = {}
    unknown = []
    for name in asked:
        found = _matching(people, name)
        if not found:
            unknown.append(name)
        chosen.update(dict.fromkeys(found))
    if unknown:
        raise _refuse(
            f"nobody in the team '{team.name}' who may approve is called "
            + ", ".join(repr(name[:100]) for name in unknown)
        )
    if skip_if_creator or not team.allow_self_approval:
        chosen.pop(started_by or "", None)
    if chosen.keys() and chosen.keys() <= set(approved_before):
        raise _refuse(
            "everybody who could approve this step has approved another one of this run:"
            " name somebody else"
        )
    for person in approved_before:
        chosen.pop(person, None)
    others = [person for person in chosen if person != started_by]
    if not others:
        raise _refuse(
            "only the person who started the run could approve it: "
            "name another approver, or have somebody else start it"
        )
    ids = tuple(chosen)
    count = {"any": 1, "all": len(ids)}.get(required) if isinstance(required, str) else required
    if count is None or not 1 <= count <= len(ids):
        raise _refuse(f"it takes {required} approvals and {len(ids)} people may give one")
    if by_a_stranger:
        without_them = skip_if_creator or not team.allow_self_approval
        count = max(2, min(count + 1, len(ids)) if without_them else count)
        if count > len(ids):
            raise _refuse(
                "somebody started this run in Prefect, and nobody knows who: it takes two"
                f" approvals, and {len(ids)} person may give one; start it in dataroll"
            )
    return Voters(ids, count)


async def eligible(session: AsyncSession, team_id: str, name: str) -> str | None:
    """The id of the one person who may approve in the team and is called that."""
    wanted = name.strip().lower()
    for person in await _people(session, team_id):
        if wanted in (person.id, person.email.lower()):
            return person.id
    return None


async def _people(session: AsyncSession, team_id: str) -> list[_Person]:
    rows = await session.execute(
        select(User.id, User.email, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.team_id == team_id, User.disabled_at.is_(None))
        .order_by(Membership.id)
    )
    people = [_Person(row.id, row.email, row.role) for row in rows]
    return [person for person in people if RANK[person.role] >= RANK["approver"]]


def _matching(people: list[_Person], name: str) -> list[str]:
    kind, _, role = name.partition(":")
    if kind == "role":
        least = RANK.get(role.strip().lower())
        if least is None:
            return []
        return [person.id for person in people if RANK[person.role] >= least]
    wanted = name.strip().lower()
    return [person.id for person in people if wanted in (person.id, person.email.lower())]


def _refuse(message: str) -> Invalid:
    return Invalid(
        message,
        code="no-approvers",
        errors=[{"field": "approvers", "message": message, "code": "no-approvers"}],
    )
