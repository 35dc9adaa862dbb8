"""The year in order: who does what on which day (R57 to R60 and all that lies between them)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from tests.campaign.changes import Families, Items
from tests.campaign.consistency import find_undeclared, settle
from tests.campaign.declarations import declare_all
from tests.campaign.figures import compare_figures
from tests.campaign.lists import list_all
from tests.campaign.matters import SIMPLE, Matters
from tests.campaign.model import Key, Model
from tests.campaign.rights import ask, purge, read_refusals, verify_trails
from tests.campaign.site import open_site
from tests.campaign.staff import appoint
from tests.campaign.statements import Statements
from tests.campaign.story import (
    LATE_DECLARER,
    LATE_LISTER,
    SIBLINGS,
    UNITS,
    Person,
    sibling_names,
    tell,
)
from tests.campaign.supervision import Checks, Leads
from tests.campaign.year import Year, approving

FIRST_NOTICES = date(2018, 9, 14)
ACTED_ON = (1, 2, 5, 7, 21)
COMPARED_ON = (10, 13)
"""Days behind the first notices."""
CHECKED_UNITS, FORGETFUL = ("minzheng", "linshi"), "minzheng"


@dataclass
class Lived:
    """What is left of a year, for the tests to look at."""

    found: set[Key] = field(default_factory=set)
    expected_hits: set[Key] = field(default_factory=set)
    twice_declared: int = 0
    states: dict[date, dict[str, int]] = field(default_factory=dict)
    figures: dict[date, dict[str, int]] = field(default_factory=dict)
    late_flags: dict[str, bool] = field(default_factory=dict)
    undeclared: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    planted: tuple[str, str] = ("", "")
    drawn: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    drawn_district: tuple[int, int] = (0, 0)
    measures: int = 0
    lead_state: str = ""
    statements_overdue: int = 0
    held: tuple[int, int] = (0, 0)
    held_after: int = 0
    erased: dict[str, int] = field(default_factory=dict)
    refusals_in_trail: set[str] = field(default_factory=set)
    trails: dict[str, str] = field(default_factory=dict)
    unknown_until: timedelta = timedelta(0)
    refusals: Counter[str] = field(default_factory=Counter)


def live(folder: Path, seed: int) -> Lived:
    """The year; differences between services and model that are found on the way fail at once."""
    with open_site(folder, UNITS) as site:
        year, lived = Year(site, tell(seed), Model()), Lived()
        prepare(year)
        matters = publish(year, lived)
        families, forgotten = go_on(year, matters, lived)
        supervise(year, lived)
        end(year, families, forgotten, lived)
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
    lived.twice_declared = sum(len(units) > 1 for units in year.model.hits(year.today).values())
    for days in sorted({*ACTED_ON, *COMPARED_ON}):
        day = FIRST_NOTICES + timedelta(days=days)
        year.go_to(day.month, day.day)
        matters.act()
        if days in COMPARED_ON:
            lived.states[day] = matters.compare()
    year.site.settle()
    lived.figures[year.today] = compare_figures(year)
    return matters


def go_on(year: Year, matters: Matters, lived: Lived) -> tuple[Families, Person]:
    """Families change, items come and go: what was settled is opened again, or ends (R20, R37, R61).

    The families as they are now, and somebody whom an official no longer declares.
    """
    families, items = Families(year), Items(year)
    year.go_to(10, 20)
    lived.late_flags = families.change()
    assert families.late_flags() == lived.late_flags
    forgotten = families.forget(FORGETFUL)
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
    return families, forgotten


def supervise(year: Year, lived: Lived) -> None:
    """What discipline organs, 纪委 and the organisation department do about it (R49 to R54)."""
    year.go_to(12, 28)
    lived.undeclared = find_undeclared(year)
    lived.planted = sibling_names(year.story)
    settle(year, SIBLINGS[1][0])
    checks, leads = Checks(year), Leads(year)
    lived.drawn = {unit: checks.unit(unit) for unit in CHECKED_UNITS}
    lived.drawn_district = checks.district()
    lived.measures = leads.compare_measures()
    lived.lead_state = leads.hand_over("minzheng")
    leads.keep("linshi")
    year.go_to(1, 25, 2019)
    statements = Statements(year)
    statements.give("minzheng", all_of_them=True)
    statements.give("linshi", all_of_them=False)
    statements.compare()
    year.go_to(4, 1, 2019)
    lived.statements_overdue = statements.compare()


def end(year: Year, families: Families, person: Person, lived: Lived) -> None:
    """A year after: what never matched is erased, and every trail holds (R20, R63, R65)."""
    year.go_to(8, 1, 2019)
    families.confirm("minzheng")
    year.go_to(11, 4, 2019)
    lived.held = ask(year, FORGETFUL, person)
    lived.erased = purge(year)
    lived.held_after, _ = ask(year, FORGETFUL, person)
    lived.refusals_in_trail = read_refusals(year, FORGETFUL)
    lived.trails = verify_trails(year)


def _work(year: Year, matters: Matters, *days: int) -> None:
    for day in days:
        year.go_to(year.today.month, day)
        matters.act()
