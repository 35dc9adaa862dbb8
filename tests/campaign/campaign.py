"""The year in order: who does what on which day (R57 to R60 and all that lies between them)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from tests.campaign.changes import Families, Items
from tests.campaign.declarations import declare_all
from tests.campaign.figures import compare_figures
from tests.campaign.lists import list_all
from tests.campaign.matters import SIMPLE, Matters
from tests.campaign.model import Key, Model
from tests.campaign.site import open_site
from tests.campaign.staff import appoint
from tests.campaign.story import LATE_DECLARER, LATE_LISTER, UNITS, tell
from tests.campaign.year import Year, approving

FIRST_NOTICES = date(2018, 9, 14)
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
    late_flags: dict[str, bool] = field(default_factory=dict)
    unknown_until: timedelta = timedelta(0)
    refusals: Counter[str] = field(default_factory=Counter)


def live(folder: Path, seed: int) -> Lived:
    """The year; differences between services and model that are found on the way fail at once."""
    with open_site(folder, UNITS) as site:
        year, lived = Year(site, tell(seed), Model()), Lived()
        prepare(year)
        matters = publish(year, lived)
        go_on(year, matters, lived)
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
    year.go_to(FIRST_NOTICES.month, FIRST_NOTICES.day)
    matters = Matters(year)
    matters.release()
    lived.found, lived.expected_hits = set(matters.case_ids), set(year.model.hits(year.today))
    for days in sorted({*ACTED_ON, *COMPARED_ON}):
        day = FIRST_NOTICES + timedelta(days=days)
        year.go_to(day.month, day.day)
        matters.act()
        if days in COMPARED_ON:
            lived.states[day] = matters.compare()
    lived.figures[year.today] = compare_figures(year)
    return matters


def go_on(year: Year, matters: Matters, lived: Lived) -> None:
    """Families change, items come and go: what was settled is opened again, or ends (R20, R37, R61)."""
    families, items = Families(year), Items(year)
    year.go_to(10, 20)
    lived.late_flags = families.change()
    assert families.late_flags() == lived.late_flags
    lived.unknown_until = families.leave_a_number_open("shuiwu") - year.today
    assert len(matters.release(SIMPLE)) == 2
    lived.states[year.today] = matters.compare()
    _work(year, matters, 21, 22, 30)
    year.go_to(11, 5)
    withdrawn = items.withdraw()
    items.propose()
    assert len(matters.release(SIMPLE)) == 2
    assert matters.compare()["WITHDRAWN"] == 2
    assert year.model.state(withdrawn, year.today) == "WITHDRAWN"
    _work(year, matters, 6, 7)
    year.go_to(12, 10)
    items.pay()
    assert len(matters.release(SIMPLE)) == 2
    items.compare()
    _work(year, matters, 11, 12, 26)
    items.compare()
    lived.states[year.today] = matters.compare()
    lived.figures[year.today] = compare_figures(year)


def _work(year: Year, matters: Matters, *days: int) -> None:
    for day in days:
        year.go_to(year.today.month, day)
        matters.act()
