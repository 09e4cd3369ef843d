"""Signatures of four schemes: the good ones, and everything else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.webhooks.signatures import NEVER, delivery
from tests.triggers.conftest import github, some_secret, standard

SECRET = some_secret()
BODY = b'{"ref": "refs/heads/main"}'


def test_standard_webhooks_own_library_is_believed() -> None:
    assert delivery("standard", SECRET, standard(SECRET, BODY), BODY) == "msg_1"


def test_one_good_signature_of_several_is_enough() -> None:
    headers = standard(SECRET, BODY)
    headers["webhook-signature"] = f"v1,AAAA v2,BBBB {headers['webhook-signature']}"
    assert delivery("standard", SECRET, headers, BODY) == "msg_1"


@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24 * 400])
def test_a_timestamp_that_is_off_is_refused(minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert delivery("standard", SECRET, standard(SECRET, BODY, at=at), BODY) is None


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-id": "x" * 300},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "٣"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,ünïcode"},
        {"webhook-signature": "v1a,AAAA"},
    ],
)
def test_a_malformed_standard_header_is_refused(change: dict[str, str]) -> None:
    assert delivery("standard", SECRET, standard(SECRET, BODY) | change, BODY) is None


def test_github_signs_the_body() -> None:
    headers = github("s3cret", BODY)
    assert delivery("github", "s3cret", headers, BODY) == "g-1"
    del headers["x-github-delivery"]
    assert str(delivery("github", "s3cret", headers, BODY)).startswith("sha256:")
    assert delivery("github", "s3cret", github("s3cret", BODY), BODY + b" ") is None
    assert delivery("github", "other", github("s3cret", BODY), BODY) is None
    for signature in ("", "sha256=", "sha256=zz", "sha1=00", "sha256=é"):
        headers = github("s3cret", BODY) | {"x-hub-signature-256": signature}
        assert delivery("github", "s3cret", headers, BODY) is None


def test_gitlab_sends_the_token_itself() -> None:
    headers = {"x-gitlab-token": "t0ken", "x-gitlab-event-uuid": "u-1"}
    assert delivery("gitlab", "t0ken", headers, BODY) == "u-1"
    assert delivery("gitlab", "t0ken2", headers, BODY) is None
    assert delivery("gitlab", "t0ken", {}, BODY) is None


def test_a_shared_secret_comes_in_either_header() -> None:
    assert delivery("shared-secret", "s", {"x-webhook-secret": "s"}, BODY) == NEVER
    assert delivery("shared-secret", "s", {"authorization": "Bearer s"}, BODY) == NEVER
    assert delivery("shared-secret", "s", {"authorization": "bEARER s"}, BODY) == NEVER
    headers = {"x-webhook-secret": "s", "idempotency-key": "i-1"}
    assert delivery("shared-secret", "s", headers, BODY) == "i-1"
    for wrong in ({}, {"authorization": "Basic s"}, {"x-webhook-secret": "ß"}):
        assert delivery("shared-secret", "s", wrong, BODY) is None


@pytest.mark.parametrize("scheme", ["standard", "github", "gitlab", "shared-secret", "other"])
def test_without_a_secret_nothing_is_believed(scheme: str) -> None:
    headers = {"x-gitlab-token": "", "x-webhook-secret": "", "authorization": "Bearer "}
    headers |= github("", BODY) | {"webhook-id": "x"}
    assert delivery(scheme, "", headers, BODY) is None


@given(
    st.sampled_from(["standard", "github", "gitlab", "shared-secret"]),
    st.dictionaries(
        st.sampled_from(
            [
                "webhook-id",
                "webhook-timestamp",
                "webhook-signature",
                "x-hub-signature-256",
                "x-gitlab-token",
                "authorization",
                "x-webhook-secret",
            ]
        ),
        st.text(max_size=80),
    ),
    st.binary(max_size=200),
)
def test_whatever_is_sent_the_answer_is_no(
    scheme: str, headers: dict[str, str], body: bytes
) -> None:
    assert delivery(scheme, SECRET, headers, body) is None
