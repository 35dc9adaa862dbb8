"""The year in order: who does what on which day (R57 to R60 and all that lies between them)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from tests.campaign.declarations import declare_all
from tests.campaign.figures import compare_figures
from tests.campaign.lists import list_all
from tests.campaign.matters import Matters
from tests.campaign.model import Key, Model
from tests.campaign.site import open_site
from tests.campaign.staff import appoint
from tests.campaign.story import LATE_DECLARER, LATE_LISTER, UNITS, tell
from tests.campaign.year import Year, approving

ACTED_ON = (1, 2, 5, 7, 21)
COMPARED_ON = (10, 13, 21)
"""Days behind the first notices."""


@dataclass
class Lived:
    """What is left of a year, for the tests to look at."""

    found: set[Key] = field(default_factory=set)
    expected_hits: set[Key] = field(default_factory=set)
    states: dict[date, dict[str, int]] = field(default_factory=dict)
    figures: dict[date, dict[str, int]] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)


def live(folder: Path, seed: int) -> Lived:
    """The year; differences between services and model that are found on the way fail at once."""
    with open_site(folder, UNITS) as site:
        year, lived = Year(site, tell(seed), Model()), Lived()
        prepare(year)
        matters = publish(year, lived)
        lived.found = set(matters.case_ids)
        lived.refusals = year.refusals
    return lived


def prepare(year: Year) -> None:
    """From staff forms to signed lists; one unit is late with its people, one with its list."""
    year.go_to(6, 12)
    for unit in UNITS:
        if unit.id != LATE_DECLARER:
            appoint(year, unit)
    year.go_to(6, 25)
    appoint(year, next(unit for unit in UNITS if unit.id == LATE_DECLARER))
    year.go_to(7, 16)
    for unit in UNITS:
        if unit.id != LATE_DECLARER:
            declare_all(year, unit.id, signed_on=date(2018, 7, 10))
    year.site.settle()
    year.go_to(8, 27)
    declare_all(year, LATE_DECLARER, signed_on=date(2018, 8, 20))
    year.site.settle()
    year.go_to(9, 3)
    for unit in approving():
        if unit.id != LATE_LISTER:
            list_all(year, unit.id)
    year.site.settle()
    year.go_to(9, 12)
    list_all(year, LATE_LISTER)
    year.site.settle()


def publish(year: Year, lived: Lived) -> Matters:
    """The first match, and all that is done about it until October."""
    year.go_to(9, 14)
    matters = Matters(year)
    matters.release()
    lived.expected_hits = set(year.model.hits(year.today))
    for days in sorted({*ACTED_ON, *COMPARED_ON}):
        day = matters.began + timedelta(days=days)
        year.go_to(day.month, day.day)
        matters.act(days)
        if days in COMPARED_ON:
            lived.states[day] = matters.compare()
            lived.figures[day] = compare_figures(year)
    return matters
