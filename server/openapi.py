"""The OpenAPI document: every route, its policy, its errors, and how to sign in."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from server.schemas import ProblemDocument

DESCRIPTION = """Workflows that change databases: drawn, reviewed, approved, run, and recorded.

Send `Authorization: Bearer TOKEN`. Lists answer `{items, nextCursor}`. Errors are
RFC 9457 problem documents (`application/problem+json`): `errors` names the fields,
`problems` the places in a definition. `PATCH` takes the `ETag` of the thing as `If-Match`.
`x-policy` says who may call a route: a role (owner > admin > developer > approver > viewer)
in the team of the thing, `signed-in`, `instance`, `worker`, or `public`.
"""


def document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is not None:
        return app.openapi_schema
    schema = get_openapi(
        title="dataroll", version=version("dataroll"), description=DESCRIPTION, routes=app.routes
    )
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDocument"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "dataroll_session"},
    }
    schema["security"] = [{"token": []}, {"session": []}]
    app.openapi_schema = schema
    return schema
