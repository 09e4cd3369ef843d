"""What is written about the server is what the server does."""

from __future__ import annotations

import re
from pathlib import Path

from server import access_docs
from server.api_docs import as_json, markdown, openapi_document
from tests.server.conftest import World

ROOT = Path(__file__).parents[2]


def test_the_api_document_is_up_to_date() -> None:
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    document = openapi_document()
    assert written == markdown(document), "run: make api-docs"
    for_the_editor = (ROOT / "editor" / "openapi.json").read_text(encoding="utf-8")
    assert for_the_editor == as_json(document), "run: make api-docs"


def test_the_table_of_who_may_call_what_is_up_to_date() -> None:
    written = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    assert written == access_docs.markdown(openapi_document()), "run: make api-docs"


async def test_pages_allow_nothing_from_elsewhere(world: World) -> None:
    answer = await world.client().get("/")
    assert answer.status_code in (200, 401)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"https?://", answer.text)


async def test_the_editor_answers_for_its_own_addresses_only(world: World, tmp_path: Path) -> None:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<title>the editor</title>")
    (web / "assets" / "a.js").write_text("1")
    (tmp_path / "secret.txt").write_text("not yours")
    world.app.state.web = web
    client = world.client()
    for path in ("/", "/workflows/c1/editor", "/login"):
        assert "the editor" in (await client.get(path)).text
    assert "immutable" in (await client.get("/assets/a.js")).headers["cache-control"]
    for path in ("/assets/b.js", "/api/nothing", "/..%2fsecret.txt", "/%2e%2e/secret.txt"):
        answer = await client.get(path)
        assert answer.status_code == 404, path
        assert "not yours" not in answer.text
