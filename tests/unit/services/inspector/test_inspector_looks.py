"""Looks of officers that are refused leave a line of the trail all the same (R63)."""

from __future__ import annotations

import pytest

from libmatch.errors import ServiceError
from services.chassis import audit
from tests.inspector_bench import ZHANG, InspectorBench


@pytest.mark.parametrize("reason", ["", "  ", "13800138000 来电"])
def test_R63_look_refused_for_its_reason_is_in_the_trail(
    bench: InspectorBench, reason: str
) -> None:
    with pytest.raises(ServiceError):
        list(bench.desk(ZHANG).list_cases(reason))
    last = bench.database.read(lambda session: list(audit.entries(session, limit=1000)))[-1]
    assert (last.actor, last.action, last.reason) == (str(ZHANG), "case.list", "")
    assert last.outcome == "refused R63"
