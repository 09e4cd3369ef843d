"""One whole installation for the road's tests: Prefect, worker, server, on free ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.api_client import ApiClient
from cli.demo import running
from cli.inbox import Inbox
from cli.installation import Installation


@pytest.fixture(scope="session")
def inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        yield inbox


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    with running(folder, inbox) as installation:
        yield installation


@pytest.fixture(scope="session")
def owner(installation: Installation) -> ApiClient:
    return ApiClient(installation.settings.public_url, installation.admin_token)
