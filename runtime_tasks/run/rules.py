"""When a node of a run may start: the rules, without Prefect, threads or clocks.

A source that has settled makes each of its edges *live*, *dead* or *broken*.
A node waits until every source has settled. It runs if no incoming edge is
broken and at least one is live; otherwise it is skipped. A node that was
skipped because of a broken edge hands the break on; one that was skipped for
any other reason leaves dead edges behind (Airflow calls the rule
``none_failed_min_one_success``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

NodeStatus = Literal["running", "success", "failed", "skipped", "cancelled", "unknown"]
EdgeState = Literal["unsettled", "live", "dead", "broken"]

DEFAULT_BRANCHES = ("Yes", "Approved")
"""What an unlabelled edge out of a condition or an approval means."""


@dataclass(frozen=True)
class Edge:
    """A way into a node: from ``source``, taken on ``outcome``."""

    source: str
    outcome: str
    """``success``, ``failure``, or the label of a branch."""


ANY_FAILED = Edge("*", "failure")


@dataclass
class NodeRecord:
    """What is known about one node of this run. Times are UTC, durations milliseconds."""

    node_id: str
    node_type: str
    node_name: str
    status: NodeStatus
    reason: str | None = None
    branch: str | None = None
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    retry_count: int = 0
    broken: bool = False
    """Skipped because something before it failed."""
    continue_on_error: bool = False
    disabled: bool = False

    @property
    def settled(self) -> bool:
        return self.status != "running"

    @property
    def duration(self) -> int | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return int((self.completed_at - self.started_at).total_seconds() * 1000)


@dataclass
class Rules:
    """The records of a run, and the edges that its flow asks about."""

    records: dict[str, NodeRecord] = field(default_factory=dict)
    edges: dict[str, tuple[Edge, ...]] = field(default_factory=dict)
    """Incoming edges by target, as the flow body named them."""
    ending: bool = False
    """Nothing is running any more: what has not failed by now will not fail."""

    def before(self, target: str) -> list[str]:
        """Every node on a way to ``target``, the earlier ones first."""
        found: set[str] = set()
        open_ = [target]
        while open_:
            for edge in self.edges.get(open_.pop(), ()):
                sources = [*self.edges, *self.records] if edge == ANY_FAILED else [edge.source]
                new = {source for source in sources if source not in found and source != target}
                found |= new
                open_ += new
        # The flow body names nodes in topological order; those that start it have no edges.
        return [
            node
            for node in dict.fromkeys([*(found - set(self.edges)), *self.edges])
            if node in found
        ]

    def outcomes_drawn(self, source: str) -> set[str]:
        """The outcomes of a node that some edge takes."""
        return {
            edge.outcome for edges in self.edges.values() for edge in edges if edge.source == source
        }

    def unhandled_failures(self) -> list[NodeRecord]:
        """Failed nodes whose failure is not one of their drawn outcomes."""
        return [
            record
            for record in self.records.values()
            if record.status == "unknown"
            or (
                record.status == "failed"
                and not (record.continue_on_error and record.node_type != "approval")
                and "failure" not in self.outcomes_drawn(record.node_id)
            )
        ]

    def state(self, edge: Edge) -> EdgeState:
        if edge == ANY_FAILED:
            if self.unhandled_failures():
                return "live"
            return "dead" if self.ending else "unsettled"
        record = self.records.get(edge.source)
        if record is None or not record.settled:
            return "unsettled"
        match record.status:
            case "skipped" if record.disabled:
                passes = edge.outcome == "success" or edge.outcome in DEFAULT_BRANCHES
                return "live" if passes else "dead"
            case "skipped":
                return "broken" if record.broken else "dead"
            case "success":
                return "live" if edge.outcome in ("success", self.taken(record)) else "dead"
            case "unknown":
                # Nobody knows what a rollback would undo: that takes a person's decision.
                return "broken"
            case "failed" if edge.outcome == "failure":
                return "live"
            case "failed" if record.continue_on_error and record.node_type != "approval":
                passes = edge.outcome == "success" or edge.outcome in DEFAULT_BRANCHES
                return "live" if passes else "dead"
            case "failed":
                # An approval that failed has approved nothing, whatever continueOnError says.
                return "dead" if "failure" in self.outcomes_drawn(edge.source) else "broken"
            case _:
                return "dead"

    def taken(self, record: NodeRecord) -> str | None:
        """The branch a settled node took. Nobody answering counts as a no."""
        if record.branch == "Expired" and "Expired" not in self.outcomes_drawn(record.node_id):
            return "Rejected"
        return record.branch

    def decide(self, target: str) -> Literal["wait", "start", "skip", "break"]:
        """Whether ``target`` may start, by the edges that lead into it."""
        states = [self.state(edge) for edge in self.edges[target]]
        if "unsettled" in states:
            return "wait"
        if "broken" in states:
            return "break"
        return "start" if "live" in states else "skip"

    def why_not(self, target: str) -> str:
        """Why ``target`` was skipped, in words: the edges that were not taken."""
        return "; ".join(
            self._why_edge(edge) for edge in self.edges[target] if self.state(edge) != "live"
        )

    def _why_edge(self, edge: Edge) -> str:
        if edge == ANY_FAILED:
            return "nothing failed"
        record = self.records[edge.source]
        match record.status:
            case "success" if record.branch:
                return f"{edge.source} took {record.branch}, not {edge.outcome}{_values(record.output)}"
            case "success":
                return f"{edge.source} did not fail"
            case "skipped":
                return f"{edge.source} was skipped"
            case "cancelled":
                return f"{edge.source} was cancelled"
            case "unknown":
                return f"the outcome of {edge.source} is unknown"
            case _:
                return f"{edge.source} failed"


def _values(output: Any) -> str:
    """What a condition looked at; a bare ``true`` on the right is not worth a word."""
    if not hasattr(output, "left"):
        return ""
    other = "" if output.right is True else f", compared with {_short(output.right)}"
    return f" (its value was {_short(output.left)}{other})"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
