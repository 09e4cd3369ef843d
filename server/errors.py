"""What the API refuses, as RFC 9457 problem documents. The HTTP status belongs to the class.

::

    ApiError                 .status .code .title; becomes application/problem+json
    ├── BadRequest      400  the request itself is broken
    ├── Unauthorized    401  nobody is signed in, or the token is not good
    ├── Forbidden       403  signed in, and not allowed
    ├── NotFound        404  no such thing here; things of other teams are not here
    ├── Conflict        409  the state of the thing does not allow it
    ├── Outdated        412  somebody else changed it first (If-Match)
    ├── TooLarge        413
    ├── Invalid         422  understood, and wrong; ``errors`` names the fields
    ├── TooMany         429  slow down; Retry-After says how long
    └── Unavailable     503  something we need does not answer; nothing was changed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    status = 500
    code = "internal-error"
    title = "Something went wrong on our side"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = extra

    def document(self, instance: str) -> dict[str, Any]:
        """The problem document. ``type`` is ``urn:dataroll:<code>``."""
        document: dict[str, Any] = {
            "type": f"urn:dataroll:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            document["errors"] = self.errors
        return document | self.extra


class BadRequest(ApiError):
    status = 400
    code = "bad-request"
    title = "The request cannot be read"


class Unauthorized(ApiError):
    status = 401
    code = "unauthorized"
    title = "Sign in first"


class Forbidden(ApiError):
    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(ApiError):
    status = 404
    code = "not-found"
    title = "Not found"


class Conflict(ApiError):
    status = 409
    code = "conflict"
    title = "Not possible in this state"


class Outdated(ApiError):
    status = 412
    code = "outdated"
    title = "Somebody else changed it first"


class TooLarge(ApiError):
    status = 413
    code = "too-large"
    title = "Too large"


class Invalid(ApiError):
    status = 422
    code = "invalid"
    title = "The request is understood and wrong"


class TooMany(ApiError):
    status = 429
    code = "too-many-requests"
    title = "Too many requests"


class Unavailable(ApiError):
    status = 503
    code = "unavailable"
    title = "Not available right now"


def field_error(field: str, message: str, code: str = "invalid") -> Invalid:
    """One wrong field."""
    return Invalid(
        f"{field}: {message}", errors=[{"field": field, "message": message, "code": code}]
    )
