"""Whatever goes wrong becomes a problem document, and none of them repeats what was sent.

Validation errors leave out the input: it may hold a password.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException

from compiler.errors import DefinitionError
from server.errors import ApiError, BadRequest, Conflict, Invalid, NotFound, Unavailable
from server.orchestrator.protocol import OrchestratorUnavailable
from server.secret_box import SecretKeyError
from server.workflows.compiling import refused

log = logging.getLogger("dataroll.server")


class _Other(ApiError):
    """An HTTP error that the framework raises, in our dress."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None) -> None:
        super().__init__(detail, headers=headers)
        self.status = status
        self.code = "not-found" if status == 404 else f"http-{status}"
        self.title = detail


def problem_response(request: Request, error: ApiError) -> JSONResponse:
    return JSONResponse(
        error.document(request.url.path),
        status_code=error.status,
        headers=error.headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def own(request: Request, error: ApiError) -> JSONResponse:
        return problem_response(request, error)

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(request, _invalid(error.errors()))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, ApiError):
            return problem_response(request, error.__cause__)
        if error.status_code == 400:
            return problem_response(request, BadRequest("the body cannot be read as JSON"))
        if error.status_code == 404:
            return problem_response(request, NotFound("there is nothing at this address"))
        return problem_response(
            request, _Other(error.status_code, str(error.detail), error.headers)
        )

    @app.exception_handler(DefinitionError)
    async def definition(request: Request, error: DefinitionError) -> JSONResponse:
        return problem_response(request, refused(error))

    @app.exception_handler(OrchestratorUnavailable)
    async def orchestrator(request: Request, error: OrchestratorUnavailable) -> JSONResponse:
        return problem_response(request, Unavailable("the orchestrator does not answer"))

    @app.exception_handler(DBAPIError)
    async def database(request: Request, error: DBAPIError) -> JSONResponse:
        log.error("database error at %s: %s", request.url.path, type(error.orig).__name__)
        if isinstance(error, IntegrityError):
            return problem_response(
                request, Conflict("somebody else has just made or removed the same thing")
            )
        if isinstance(error, OperationalError):
            return problem_response(
                request,
                Unavailable("the database does not answer", headers={"Retry-After": "1"}),
            )
        return problem_response(request, Invalid("the database does not take one of the values"))

    @app.exception_handler(NoConnectionFree)
    async def busy(request: Request, error: NoConnectionFree) -> JSONResponse:
        log.error("the database is busy at %s: %s", request.url.path, error)
        return problem_response(
            request, Unavailable("the server is busy", headers={"Retry-After": "1"})
        )

    @app.exception_handler(SecretKeyError)
    async def key(request: Request, error: SecretKeyError) -> JSONResponse:
        return problem_response(request, Unavailable(str(error), code="secret-key"))

    @app.exception_handler(Exception)
    async def anything(request: Request, error: Exception) -> JSONResponse:
        log.exception("unexpected error at %s", request.url.path)
        return problem_response(
            request, ApiError("the error has been logged; nothing more is known here")
        )


def _invalid(errors: Sequence[Any]) -> ApiError:
    fields = []
    for error in errors:
        kind = error["type"]
        if kind == "json_invalid":
            return BadRequest("the body is not JSON")
        place = [str(part) for part in error["loc"]]
        source = place[0] if place else "body"
        name = ".".join(place[1:]) or source
        fields.append(
            {
                "field": name if source == "body" else f"{source}.{name}",
                "message": _message(error),
                "code": kind.replace("_", "-"),
            }
        )
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return Invalid(f"{first['field']}: {first['message']}{more}", errors=fields)


def _message(error: Mapping[str, Any]) -> str:
    message: str = error["msg"]
    return message.removeprefix("Value error, ")
