"""Whom 纪委 holds answerable for what it found."""

from __future__ import annotations

from services.inspector.states import DisputeKind
from tests.inspector_bench import InspectorBench

MATCHER = ("matcher",)


def blamed(bench: InspectorBench) -> list[tuple[DisputeKind, tuple[str, ...]]]:
    return [(one.kind, one.answerable) for one in bench.disputes()]
