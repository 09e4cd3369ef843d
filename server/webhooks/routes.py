"""POST /api/webhooks/{key}: start a workflow from outside."""

from __future__ import annotations

from fastapi import APIRouter, Path, Request

from server.access import database_of, needs
from server.actors import Actor
from server.auth.authenticate import address, agent
from server.schemas import Answer
from server.webhooks.receive import receive

router = APIRouter(tags=["webhooks"])


class WebhookTaken(Answer):
    id: str | None
    """The execution's id, the same for a repeated delivery; null when the filter said no."""
    status: str


@router.post(
    "/api/webhooks/{key}",
    status_code=202,
    **{
        **needs("public", errors=(401, 409)),
        "openapi_extra": {
            "x-policy": "public",
            "security": [],
            "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        },
    },
)
async def webhook(request: Request, key: str = Path(max_length=200)) -> WebhookTaken:
    """Deliver a signed JSON body. 401 says that the key or the signature is not good, not which."""
    body = await request.body()
    state = request.app.state
    taken = await receive(
        database_of(request),
        state.secret_box,
        state.limits,
        key=key,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        actor=Actor(None, "webhook", address(request), agent(request)),
    )
    if taken.status == "pending":
        state.dispatcher.wake()
    return WebhookTaken(id=taken.id, status=taken.status)
