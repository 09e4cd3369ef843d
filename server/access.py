"""Who may call a route, and what they may see there. Every route says it in one word::

    @router.get("/api/workflows/{workflow_id}", **needs("viewer"))
    async def get_workflow(workflow_id: str, access: AccessDep) -> WorkflowAnswer:
        workflow = await access.find(Workflow, workflow_id)

``public`` lets everybody in, ``worker`` the process of a flow run, ``signed-in``
whoever is known, ``instance`` those who look after the installation, and a
role's name those who have that role, or more, in the team of the thing. Things
of other teams are 404, things one may see and not touch are 403.

A test walks the OpenAPI document: a route without ``x-policy`` fails it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal, Protocol, TypeVar, cast

from fastapi import Depends, Request
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Caller
from server.auth.authenticate import authenticate, check_origin, check_run, check_scope
from server.database import Database
from server.errors import BadRequest, Forbidden, NotFound, Outdated, field_error

Policy = Literal[
    "public",
    "worker",
    "signed-in",
    "instance",
    "viewer",
    "approver",
    "developer",
    "admin",
    "owner",
]
Scope = Literal["read", "write", "execute", "approve", "admin"]

DESCRIPTIONS = {
    400: "The request cannot be read",
    401: "Nobody is signed in, or the token is not good",
    403: "Signed in, and not allowed",
    404: "No such thing in the caller's teams",
    409: "Not possible in this state",
    412: "Somebody else changed it first",
    413: "Too large",
    422: "Understood, and wrong: `errors` names the fields, `problems` the places in a definition",
    429: "Too many requests; `Retry-After` says how long to wait",
    503: "Something dataroll needs does not answer; nothing was changed",
}


def problem(status: int) -> dict[str, Any]:
    return {
        "description": DESCRIPTIONS[status],
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
        },
    }


def needs(
    policy: Policy, scope: Scope | None = None, *, errors: tuple[int, ...] = ()
) -> dict[str, Any]:
    """Keyword arguments for a route: its gate, and its errors in the OpenAPI document."""
    statuses = {400, 413, 422, 429, *errors}
    if policy != "public":
        statuses |= {401, 403}
    if policy not in ("public", "signed-in", "instance"):
        statuses.add(404)

    async def gate(request: Request) -> None:
        request.state.policy = policy
        if policy == "public":
            return
        if policy == "worker":
            request.state.flow_run_id = check_run(request)
            return
        caller = await authenticate(request)
        check_origin(request, caller)
        check_scope(caller, scope or _scope(policy, request.method))
        if policy == "instance" and not caller.is_admin:
            raise Forbidden("only those who look after this installation may do that")
        request.state.caller = caller

    return {
        "dependencies": [Depends(gate)],
        "responses": {status: problem(status) for status in sorted(statuses)},
        "openapi_extra": {
            "x-policy": policy,
            **({"security": []} if policy == "public" else {}),
        },
    }


def _scope(policy: str, method: str) -> Scope:
    if policy in ("admin", "owner", "instance") and method not in ("GET", "HEAD"):
        return "admin"
    return "read" if method in ("GET", "HEAD") else "write"


class TeamThing(Protocol):
    """A row that belongs to a team."""

    id: Any
    team_id: Any


Thing = TypeVar("Thing")


class Access:
    """The one layer between routes and rows: every query starts here."""

    def __init__(self, session: AsyncSession, caller: Caller, policy: str) -> None:
        self.session = session
        self.caller = caller
        self.policy = policy

    def scoped(self, model: type[Thing], team_id: str | None = None) -> Select[tuple[Thing]]:
        """The rows of the caller's teams, or of one of them."""
        column = cast(type[TeamThing], model).team_id
        if team_id is not None:
            return select(model).where(column == self.team(team_id))
        return select(model).where(column.in_(self.caller.teams_with(self.policy)))

    def scoped_each(
        self, model: type[Thing], team_id: str | None = None
    ) -> list[Select[tuple[Thing]]]:
        """The same, a query a team: for :meth:`server.paging.Paging.page_of_each`."""
        column = cast(type[TeamThing], model).team_id
        teams = self.caller.teams_with(self.policy) if team_id is None else [self.team(team_id)]
        return [select(model).where(column == team) for team in teams]

    async def find(
        self, model: type[Thing], thing_id: str, what: str = "", *, lock: bool = False
    ) -> Thing:
        """The row by its id. NotFound when it is another team's, Forbidden when the role is low."""
        table = cast(type[TeamThing], model)
        query = select(model).where(
            table.id == thing_id, table.team_id.in_(sorted(self.caller.roles))
        )
        thing = await self.session.scalar(query.with_for_update() if lock else query)
        deleted = getattr(thing, "deleted_at", None)
        if thing is None or deleted is not None:
            raise NotFound(f"there is no {what or model.__name__.lower()} '{thing_id[:40]}' here")
        self.require(cast(TeamThing, thing).team_id)
        return thing

    def require(self, team_id: str, role: str | None = None) -> None:
        """Forbidden unless the caller has the route's role (or the one given) in this team."""
        if not self.caller.has(team_id, role or self.policy):
            raise Forbidden(
                f"this takes the role {role or self.policy} in the team; "
                f"you are {self.caller.roles.get(team_id, 'not a member')}"
            )

    def team(self, team_id: str | None) -> str:
        """The team meant; may be left out by those who have one only."""
        if team_id is None:
            teams = self.caller.teams_with(self.policy)
            if len(teams) == 1:
                return teams[0]
            if not teams:
                raise Forbidden(f"this takes the role {self.policy} in a team")
            raise field_error("teamId", "say which team; you have several", "required")
        if team_id not in self.caller.roles:
            raise NotFound(f"there is no team '{team_id[:40]}' here")
        self.require(team_id)
        return team_id

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Called when the transaction is in the database, and not otherwise."""
        self.session.info.setdefault("after_commit", []).append(callback)


def database_of(request: Request) -> Database:
    return cast(Database, request.app.state.database)


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Reading for GET, writing otherwise; committed before the answer is sent."""
    database = database_of(request)
    reading = request.method in ("GET", "HEAD", "OPTIONS")
    async with database.reading() if reading else database.writing() as session:
        yield session


# scope="function": a commit that fails is an error the caller sees, not one after the answer.
SessionDep = Annotated[AsyncSession, Depends(open_session, scope="function")]


def caller_of(request: Request) -> Caller:
    return cast(Caller, request.state.caller)


CallerDep = Annotated[Caller, Depends(caller_of)]


def open_access(request: Request, session: SessionDep) -> Access:
    return Access(session, request.state.caller, request.state.policy)


AccessDep = Annotated[Access, Depends(open_access)]


def etag(revision: int) -> str:
    return f'"r{revision}"'


def check_etag(request: Request, revision: int) -> None:
    """If-Match, when it is sent, must name the revision at hand (RFC 9110 §13.1.1)."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return
    tags = [tag.strip() for tag in header.split(",")]
    if not all(len(tag) >= 2 and tag.endswith('"') for tag in tags):
        raise BadRequest("If-Match takes ETags in double quotes, or *")
    if etag(revision) not in tags:
        raise Outdated(
            f"the version at hand is {etag(revision)}: load it again and repeat the change",
            headers={"ETag": etag(revision)},
            currentETag=etag(revision),
        )
