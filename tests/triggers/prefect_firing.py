"""What Prefect's own scheduler fires over three years; run as a process of its own.

Prints ``{zone: [timestamps]}``. The runs come from the function that the scheduler service
inserts from, called as the service calls it: window after window, each starting where the
scheduler's clock stands.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import sys
from typing import Any
from uuid import UUID

from prefect.server import models, schemas
from prefect.server.database import provide_database_interface
from prefect.server.models.deployments import _generate_scheduled_flow_runs


async def fired(cron: str, zones: list[str], start: str, days: int) -> dict[str, list[float]]:
    db = provide_database_interface()
    await db.create_db()
    begin = datetime.datetime.fromisoformat(start)
    times: dict[str, list[float]] = {}
    for zone in zones:
        async with db.session_context(begin_transaction=True) as session:
            flow = await models.flows.create_flow(
                session=session, flow=schemas.core.Flow(name=zone.replace("/", " "))
            )
            deployment = await models.deployments.create_deployment(
                session=session,
                deployment=schemas.core.Deployment(
                    name=zone.replace("/", " "),
                    flow_id=flow.id,
                    schedules=[
                        schemas.core.DeploymentSchedule(
                            deployment_id=UUID(int=0),
                            schedule=schemas.schedules.CronSchedule(cron=cron, timezone=zone),
                            active=True,
                        )
                    ],
                ),
            )
            assert deployment is not None
            seen: set[float] = set()
            for day in range(0, days, 60):
                runs: list[dict[str, Any]] = await _generate_scheduled_flow_runs(
                    db,
                    session=session,
                    deployment_id=deployment.id,
                    start_time=begin + datetime.timedelta(days=day),
                    end_time=begin + datetime.timedelta(days=day + 100),
                    min_time=datetime.timedelta(days=60),
                    min_runs=3,
                    max_runs=100,
                )
                seen.update(run["next_scheduled_start_time"].timestamp() for run in runs)
            times[zone] = sorted(seen)
    return times


if __name__ == "__main__":
    request = json.load(sys.stdin)
    print(json.dumps(asyncio.run(fired(**request))))
