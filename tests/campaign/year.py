"""What the parts of the year share: the site, the story, the plain model, and people at their desks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import pytest

from libmatch.errors import ServiceError
from tests.campaign.model import Model
from tests.campaign.site import Site
from tests.campaign.story import UNITS, Story, Unit

T = TypeVar("T")
REASON = "年度演练核对"
_RULE = re.compile(r"（规则(R\d+)）")


@dataclass
class Year:
    """One campaign as it is lived. ``refusals``: how often each rule said no, as it had to."""

    site: Site
    story: Story
    model: Model
    refusals: Counter[str] = field(default_factory=Counter)
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.site.clock.day

    def go_to(self, month: int, day: int, year: int = 2018) -> None:
        """Nine in the morning of that day in China."""
        self.site.clock.go_to(date(year, month, day))

    def refused(
        self, rule: str, call: Callable[..., object], *args: object, **named: object
    ) -> None:
        """The call is refused by that rule, in Chinese."""
        with pytest.raises(ServiceError) as caught:
            call(*args, **named)
        told = caught.value.message_zh or ""
        found = _RULE.findall(told)
        assert rule in found, f"{rule} expected, found {caught.value.status}: {told}"
        self.refusals[rule] += 1


def approving() -> Sequence[Unit]:
    return [unit for unit in UNITS if unit.approves]


def services() -> Iterator[tuple[Unit, str]]:
    """Every unit's service with its side."""
    for unit in UNITS:
        yield unit, "registry"
        if unit.approves:
            yield unit, "beneficiary"
