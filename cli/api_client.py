"""A small client of dataroll's own HTTP API, for the commands that talk to a running server."""

from __future__ import annotations

import time
from typing import Any

import httpx

FINISHED = ("success", "failed", "cancelled")


class ApiProblem(Exception):
    """The server said no; the message holds its problem document's detail and fields."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        try:
            self.body: dict[str, Any] = answer.json()
        except ValueError:
            self.body = {"detail": answer.text[:300]}
        lines = [f"{self.status}: {self.body.get('detail') or self.body.get('title')}"]
        for problem in self.body.get("problems") or self.body.get("errors") or []:
            where = problem.get("field") or problem.get("node") or problem.get("pointer") or ""
            lines.append(f"  {where}  {problem.get('message') or problem.get('detail') or problem}")
        super().__init__("\n".join(lines))


class ApiClient:
    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(self.http.get(path, params=query))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._answer(self.http.post(path, json=body or {}, headers=headers))

    def put(self, path: str, body: Any) -> Any:
        return self._answer(self.http.put(path, json=body))

    def patch(self, path: str, body: Any) -> Any:
        return self._answer(self.http.patch(path, json=body))

    def wait_for_run(
        self, execution_id: str, *statuses: str, timeout: float = 180
    ) -> dict[str, Any]:
        """The execution once it is over, or has one of the statuses named."""
        end = time.monotonic() + timeout
        while True:
            run: dict[str, Any] = self.get(f"/api/executions/{execution_id}")
            if run["status"] in (*statuses, *FINISHED):
                return run
            if time.monotonic() > end:
                raise TimeoutError(
                    f"execution {execution_id} is still {run['status']} after {timeout:.0f} s"
                )
            time.sleep(0.3)

    def wait_for_approval(self, execution_id: str, *, timeout: float = 120) -> dict[str, Any]:
        """The pending approval of a run."""
        end = time.monotonic() + timeout
        while True:
            for approval in self.get("/api/approvals", status="pending")["items"]:
                if approval["executionId"] == execution_id:
                    return dict(approval)
            run = self.get(f"/api/executions/{execution_id}")
            if run["status"] in FINISHED or time.monotonic() > end:
                raise TimeoutError(
                    f"execution {execution_id} never asked for approval: it is {run['status']}"
                    f" ({run.get('error') or run.get('reason') or 'no reason'})"
                )
            time.sleep(0.3)

    @staticmethod
    def _answer(answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json() if answer.content else None
        raise ApiProblem(answer)
