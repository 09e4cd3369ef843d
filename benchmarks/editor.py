"""A thousand nodes in the editor, in Chromium: how much more work they are than fifty.

::

    python -m benchmarks.editor                # the built editor against a server in memory
    python -m benchmarks.editor --rounds 3 --nodes 1000

What is counted is the CPU time of the page's own thread (Chromium's
``ThreadTime``-based ``TaskDuration``), not the clock, and always beside 50
nodes in the same run: a busy machine makes both slower. A ratio over its
limit fails. So does a first load of more than 300 kB over the wire.

The definition is what people draw: chains with conditions, approvals and
handlers for failures, at 50 nodes and at 1,000 the same shape.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.browser.editing import center
from tests.browser.screenshots import CHROMIUM, FLAGS
from tests.browser.site import Site

SMALL = 50
LIMITS = {"drag": 2.0, "type": 1.5, "select": 1.5, "200 status events": 2.0}
FIRST_LOAD = 300_000
"""Bytes, compressed, of everything that is fetched until the editor stands."""

PATIENCE = 240_000
"""Milliseconds that setting up may take on a busy machine; it is not counted."""

STEPS = (
    "type: action, action: discover_migrations, connectionId: '{{ connectionId }}'",
    "type: condition, condition: '{{ 1 > 0 }}'",
    "type: action, action: dry_run, connectionId: '{{ connectionId }}'",
    "type: approval, approvers: ['role:admin']",
    "type: action, action: execute_migrations, connectionId: '{{ connectionId }}'",
)
CHAIN = 25


def definition(nodes: int) -> str:
    """Chains of 25 steps side by side, all started by one trigger."""
    lines = ["version: '1.0'", f"name: {nodes} nodes", "trigger: manual", "nodes:"]
    lines.append("  start: { type: trigger, label: Start }")
    edges = ["edges:"]
    layout = ["layout:", "  start: { x: 0, y: -120 }"]
    for index in range(1, nodes):
        chain, row = divmod(index - 1, CHAIN)
        lines.append(f"  n-{index}: {{ {STEPS[row % len(STEPS)]}, label: Step {index} }}")
        edges.append(f"  - {{ source: {f'n-{index - 1}' if row else 'start'}, target: n-{index} }}")
        layout.append(f"  n-{index}: {{ x: {chain * 288}, y: {row * 144} }}")
    return "\n".join([*lines, *edges, *layout, ""])


class Measured:
    """A page, with the CPU time that its own thread uses."""

    def __init__(self, page: Page, site: Site, nodes: int) -> None:
        self.page = page
        self.site = site
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.workflow = site.workflow(definition(nodes), publish=True)

    def node(self, node_id: str) -> Any:
        return self.page.locator(f".react-flow__node[data-id='{node_id}']")

    def rest(self) -> None:
        """Until nothing is going on: answers have come, drawing is done."""
        quiet, last = 0, self.work()
        for _ in range(150):
            self.page.wait_for_timeout(100)
            now = self.work()
            quiet = quiet + 1 if now - last < 0.006 else 0
            last = now
            if quiet >= 6:
                return

    def work(self) -> float:
        """Seconds of CPU so far."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

    def costs(self, action: Callable[[], None]) -> float:
        self.rest()
        before = self.work()
        action()
        # What follows a change a moment later, the text and the answer of the check, belongs to it.
        self.rest()
        return self.work() - before


class Drawing(Measured):
    """The editor."""

    def __init__(self, page: Page, site: Site, nodes: int) -> None:
        super().__init__(page, site, nodes)
        page.goto(f"{site.url}/workflows/{self.workflow['id']}/editor")
        page.locator(".react-flow__node").first.wait_for()

    def ready(self) -> None:
        """The second step chosen and in the middle, at reading distance: both look the same."""
        self.page.evaluate("document.activeElement?.blur()")
        for key in ("Escape", "j", "j", "j"):
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(250)
        self.node("n-3").wait_for()

    def drag(self) -> None:
        x, y = center(self.node("n-3"))
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        for step in range(60):
            mouse.move(x + step * 2, y + (step % 7))
        mouse.move(x, y)
        mouse.up()

    def type(self) -> None:
        self.page.get_by_label("Label", exact=True).focus()
        self.page.keyboard.type("a longer name for it")
        for _ in range(20):
            self.page.keyboard.press("Backspace")

    def select(self) -> None:
        for _ in range(3):
            for node_id in ("n-1", "n-2", "n-3"):
                self.node(node_id).click(position={"x": 40, "y": 8})


class Watching(Measured):
    """A run, as it happens."""

    def ready(self) -> None:
        connection = self.site.get("/api/connections")["items"][0]["id"]
        self.worker = self.site.run(self.workflow["id"], context={"connectionId": connection})
        self.page.goto(f"{self.site.url}/executions/{self.worker.execution_id}")
        self.page.get_by_text("Live", exact=True).wait_for()
        self.page.locator(".react-flow__node").first.wait_for()
        # The timeline draws the rows in sight: the last one that is waited for has to be.
        self.page.get_by_role("list", name="Timeline").get_by_role("button").first.wait_for()
        self.page.locator("[data-scrolls]").evaluate("box => box.scrollTo(0, 28 * 28)")

    def status_events(self) -> None:
        """40 nodes, five events each, one at a time."""
        for index in range(1, 41):
            for retry in range(4):
                self.worker.settle(f"n-{index}", "running", retry_count=retry)
            self.worker.settle(f"n-{index}", node_name=f"Step {index}")
        self.page.get_by_role("button", name="Step 40: Success").wait_for()


DRAWING: dict[str, Callable[[Drawing], None]] = {
    "drag": Drawing.drag,
    "type": Drawing.type,
    "select": Drawing.select,
}


def ratios(
    site: Site, pages: tuple[Page, Page], nodes: int, rounds: int
) -> dict[str, tuple[float, float]]:
    """Median seconds with 50 nodes and with ``nodes``, by what was done."""
    counts = (SMALL, nodes)
    found = {}
    drawings = [Drawing(page, site, count) for page, count in zip(pages, counts, strict=True)]
    for name, action in DRAWING.items():
        found[name] = medians(drawings, action, rounds)
    runs = [Watching(page, site, count) for page, count in zip(pages, counts, strict=True)]
    found["200 status events"] = medians(runs, Watching.status_events, rounds)
    return found


def medians(both: Sequence[Any], action: Callable[[Any], None], rounds: int) -> tuple[float, float]:
    seconds: list[list[float]] = [[], []]
    # The first round compiles code and fills caches, and does not count.
    for round_ in range(rounds + 1):
        for index, measured in enumerate(both):
            measured.page.bring_to_front()
            measured.ready()
            cost = measured.costs(lambda: action(measured))  # noqa: B023 - called at once
            if round_:
                seconds[index].append(cost)
            print(f"{action.__name__} {round_} {index}: {cost:.3f} s", file=sys.stderr, flush=True)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def first_load(site: Site, page: Page) -> int:
    """Bytes of the files that come over the line until the drawing is there, as they are sent."""
    workflow = site.workflow(definition(SMALL))
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    heads: dict[str, int] = {}
    sizes: dict[str, int] = {}

    def begun(event: dict[str, Any]) -> None:
        if "/api/" not in event["response"]["url"]:
            heads[event["requestId"]] = int(event["response"]["encodedDataLength"])

    def ended(event: dict[str, Any]) -> None:
        if event["requestId"] in heads:
            body = int(event["encodedDataLength"]) - heads[event["requestId"]]
            sizes[event["requestId"]] = body

    session.on("Network.responseReceived", begun)
    session.on("Network.loadingFinished", ended)
    page.goto(f"{site.url}/workflows/{workflow['id']}/editor")
    page.locator(".react-flow__node").first.wait_for()
    return sum(sizes.values())


def main() -> int:
    parser = argparse.ArgumentParser(description="A thousand nodes beside fifty, in Chromium.")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        Site(Path(home)) as site,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(PATIENCE)
        first = context.new_page()
        first.goto(site.login_link())
        first.wait_for_url("**/workflows")
        nothing_kept = browser.new_context()
        nothing_kept.add_cookies(context.cookies())  # type: ignore[arg-type]
        loaded = first_load(site, nothing_kept.new_page())
        site.connection("Benchmark")
        pages = (context.new_page(), context.new_page())
        found = ratios(site, pages, arguments.nodes, arguments.rounds)
        browser.close()
    print(f"{'':<20}{SMALL:>8} nodes{arguments.nodes:>8} nodes     ratio   at most")
    bad = loaded > FIRST_LOAD
    for name, (small, large) in found.items():
        ratio = large / small
        bad |= ratio > LIMITS[name]
        print(f"{name:<20}{small:>12.3f} s{large:>12.3f} s{ratio:>10.2f}{LIMITS[name]:>10.1f}")
    print(f"{'first load':<20}{loaded / 1000:>12.0f} kB compressed{FIRST_LOAD / 1000:>22.0f}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
