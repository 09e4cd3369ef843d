"""What all tests share: a real Prefect server."""

from tests.prefect_server import prefect, prefect_server

__all__ = ["prefect", "prefect_server"]
