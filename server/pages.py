"""Everything that is not /api: the editor once it is built, and until then a plain page.

``/login?token=…`` signs in by a one-time link and goes on to the start page.
"""

from __future__ import annotations

from html import escape
from mimetypes import guess_type
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from sqlalchemy import select

from server.access import database_of, needs
from server.auth.authenticate import signed_in
from server.auth.routes import sign_in
from server.auth.service import use_one_time_token
from server.errors import NotFound, Unauthorized
from server.models import Workflow, WorkflowExecution

router = APIRouter(include_in_schema=False)
PUBLIC = needs("public")
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""What may be built beside a file, the smallest first."""

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc}"
)


@router.get("/login", **PUBLIC)
async def login(request: Request, token: str = "") -> Response:
    """The link that ``dataroll up`` prints. Without a token the editor's own form."""
    if not token:
        return _web(request, "login") or _plain(
            "Sign in", "<p>Open the link that <code>dataroll up</code> prints.</p>", 200
        )
    try:
        async with database_of(request).writing() as session:
            user, _ = await use_one_time_token(session, "login", token[:200])
    except Unauthorized as error:
        if await signed_in(request) is not None:
            return RedirectResponse("/", 303)
        return _plain("Sign in", f"<p>{escape(error.detail)}.</p>", 401)
    answer = RedirectResponse("/", 303)
    await sign_in(request, answer, user, "link")
    return answer


@router.get("/", **PUBLIC)
async def start(request: Request) -> Response:
    return _web(request, "") or await _lists(request)


@router.get("/{path:path}", **PUBLIC)
async def any_page(path: str, request: Request) -> Response:
    """A file of the editor, or the editor itself, which knows its own addresses."""
    if path == "api" or path.startswith("api/"):
        raise NotFound("there is nothing at this address")
    answer = _web(request, path)
    if answer is None:
        raise NotFound("there is nothing at this address")
    return answer


def _web(request: Request, path: str) -> Response | None:
    web: Path = request.app.state.web
    index = web / "index.html"
    if not index.is_file():
        return None
    if path:
        asset = (web / path).resolve()
        if asset.is_relative_to(web.resolve()) and asset.is_file():
            # Built files carry their digest in the name.
            kept = (
                "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            )
            return _file(request, asset, kept)
        if "." in path.rsplit("/", 1)[-1]:
            return None
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


def _file(request: Request, asset: Path, kept: str) -> FileResponse:
    """The file, in the smallest form that was built and that the browser takes."""
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    offered = request.headers.get("accept-encoding", "").replace(" ", "").lower()
    taken = {
        name
        for name, _, quality in (part.partition(";q=") for part in offered.split(","))
        if quality.strip("0.") or not quality  # "q=0" is a no
    }
    for encoding, suffix in ENCODINGS.items():
        smaller = asset.with_name(asset.name + suffix)
        if encoding in taken and smaller.is_file():
            headers["Content-Encoding"] = encoding
            media_type = guess_type(asset.name)[0]
            return FileResponse(smaller, media_type=media_type, headers=headers)
    return FileResponse(asset, headers=headers)


async def _lists(request: Request) -> Response:
    """Workflows and the latest runs, for as long as there is no editor."""
    caller = await signed_in(request)
    if caller is None:
        return _plain(
            "dataroll", "<p>Sign in with the link that was printed at the start.</p>", 401
        )
    teams = sorted(caller.roles)
    async with database_of(request).reading() as session:
        workflows = (
            await session.scalars(
                select(Workflow)
                .where(Workflow.team_id.in_(teams), Workflow.deleted_at.is_(None))
                .order_by(Workflow.id.desc())
                .limit(100)
            )
        ).all()
        runs = (
            await session.scalars(
                select(WorkflowExecution)
                .where(WorkflowExecution.team_id.in_(teams))
                .order_by(WorkflowExecution.id.desc())
                .limit(50)
            )
        ).all()
    names = {workflow.id: workflow.name for workflow in workflows}
    body = "<h2>Workflows</h2>" + _table(
        ("Name", "Version", "Published", "Trigger"),
        [
            (w.name, str(w.version), f"v{w.published_version}" if w.is_published else "", w.trigger)
            for w in workflows
        ],
    )
    body += "<h2>Executions</h2>" + _table(
        ("Workflow", "Version", "Status", "Triggered at", "Id"),
        [
            (
                names.get(run.workflow_id, run.workflow_id),
                str(run.version),
                run.status,
                run.triggered_at.isoformat(" ", "seconds"),
                run.id,
            )
            for run in runs
        ],
    )
    return _plain("dataroll", body, 200)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    cells = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = ["".join(f"<td>{escape(text)}</td>" for text in row) for row in rows]
    return f"<table><tr>{cells}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _plain(title: str, body: str, status: int) -> HTMLResponse:
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f"<h1>{escape(title)}</h1>{body}</html>",
        status_code=status,
        headers={"Cache-Control": "no-store"},
    )
