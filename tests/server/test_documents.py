"""What is written about the server is what the server does."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("taken", "sent"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip;q=0.8", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("gzip; q=0.0", None),
        ("", None),
    ],
)
async def test_a_file_comes_in_the_smallest_form_that_the_browser_takes(
    world: World, tmp_path: Path, taken: str, sent: str | None
) -> None:
    assets = tmp_path / "web" / "assets"
    assets.mkdir(parents=True)
    (assets.parent / "index.html").write_text("")
    text = "const a = 1;" * 100
    (assets / "a.js").write_text(text)
    (assets / "a.js.gz").write_bytes(gzip.compress(text.encode()))
    (assets / "a.js.br").write_bytes(b"brotli's bytes")
    world.app.state.web = assets.parent
    headers = {"Accept-Encoding": taken}
    async with world.client().stream("GET", "/assets/a.js", headers=headers) as answer:
        bytes_ = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == sent
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "javascript" in answer.headers["content-type"]
    assert "immutable" in answer.headers["cache-control"]
    size = (assets / {"br": "a.js.br", "gzip": "a.js.gz"}.get(sent or "", "a.js")).stat().st_size
    assert len(bytes_) == int(answer.headers["content-length"]) == size


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
