"""Nothing that leaves a node holds a secret it has seen, whatever dress it wears."""

from __future__ import annotations

import json
import logging
from typing import Any, Literal, cast
from urllib.parse import quote, quote_plus

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_tasks.output import Output
from runtime_tasks.redaction import MASK, Redactor
from runtime_tasks.run.node import Discreet, NodeContext, without_secrets
from runtime_tasks.steps.http import HttpOutput

ODD = 'canary+ü?&"/ \\x%41'
DRESSES = {
    "as it is": ODD,
    "in a path": quote(ODD),
    "in a query": quote_plus(ODD),
    "by httpx": str(httpx.URL("http://host.example/", params={"q": ODD})),
    "in JSON": json.dumps({"a": ODD}),
    "in JSON in JSON": json.dumps({"a": json.dumps({"b": ODD})}),
    "in JSON of others": json.dumps(ODD).replace("/", "\\/").replace("\\u00fc", "\\u00FC"),
    "encoded twice": quote(quote(ODD)),
    "in small letters": quote(ODD).replace("%2B", "%2b").replace("%C3%BC", "%c3%bc"),
    "in a message": f"cannot connect to {ODD!r}",
}


@pytest.mark.parametrize("dress", DRESSES)
def test_a_secret_is_known_in_every_dress(dress: str) -> None:
    masked = Redactor([ODD]).text(f"before {DRESSES[dress]} after")
    assert MASK in masked
    assert "canary" not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@given(st.text(min_size=8, max_size=40), st.text(max_size=20))
def test_no_text_around_a_secret_keeps_it(secret: str, around: str) -> None:
    redactor = Redactor([secret])
    for dressed in (secret, json.dumps(secret)[1:-1], quote(secret.encode("utf-8", "replace"))):
        if any("\ud800" <= character <= "\udfff" for character in secret):
            continue
        assert dressed not in redactor.text(f"{around}{dressed}{around}") or dressed in MASK


class Answered(Output):
    said: str
    kind: Literal["postgresql", "mysql"] = "postgresql"


def context(secrets: set[str], passwords: set[str] = frozenset()) -> NodeContext:  # type: ignore[assignment]
    made = NodeContext(run=cast(Any, None), record=cast(Any, None))
    made.secrets |= secrets
    made.revealed |= secrets | passwords
    return made


def test_an_output_comes_back_without_what_was_sent_in_confidence() -> None:
    echoed = HttpOutput(
        status=200,
        headers={"x-told": quote(ODD)},
        body={"told": [ODD], ODD: json.dumps(ODD), "number": 7},
    )
    kept = without_secrets(context({ODD}), echoed)
    assert isinstance(kept, HttpOutput)
    assert kept.headers == {"x-told": MASK}
    assert kept.body == {"told": [MASK], MASK: f'"{MASK}"', "number": 7}
    assert without_secrets(context(set()), echoed) is echoed
    assert without_secrets(context({"another secret"}), echoed) is echoed


def test_a_password_that_is_a_word_takes_nothing_out_of_other_words() -> None:
    output = Answered(said="on postgresql")
    assert without_secrets(context(set(), {"postgres"}), output) is output
    long = Answered(said="with correct-horse-battery")
    assert without_secrets(context(set(), {"correct-horse-battery"}), long).said == f"with {MASK}"


def test_what_a_step_logs_is_scrubbed_before_it_is_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    log = Discreet(logging.getLogger("node"), Redactor([ODD]).text)
    log.info("called %s with %r", "http://host.example/" + quote(ODD), {"token": ODD})
    try:
        raise ValueError(f"refused {ODD}")
    except ValueError:
        log.exception("it did not work")
    log.debug("not written: %s", ODD)
    assert "canary" not in caplog.text
    assert f"called http://host.example/{MASK}" in caplog.text
    assert f"ValueError: refused {MASK}" in caplog.text
