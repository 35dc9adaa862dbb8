"""Figures per unit (R55)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.rules.figures import (
    DeclarationFact,
    Figures,
    MatterFact,
    figures_of_district,
    figures_per_unit,
)

DUE = date(2018, 8, 20)
ON = date(2018, 9, 1)


def declared(person: str, filed_on: date | None, unit: str = "a") -> DeclarationFact:
    return DeclarationFact(person, unit, DUE, filed_on)


def matter(name: str, verified: date | None = None, published: date | None = None) -> MatterFact:
    return MatterFact(name, "a", DUE, verified, published)


def test_R55_filed_late_verified_overdue_and_published_are_counted() -> None:
    declarations = [
        declared("in time", DUE),
        declared("a day late", DUE + timedelta(days=1)),
        declared("never", None),
        declared("after the day of the figures", ON + timedelta(days=1)),
        declared("elsewhere", DUE, "b"),
    ]
    matters = [
        matter("open"),
        matter("in time", DUE),
        matter("late", ON, ON),
        matter("published", DUE, ON),
        matter("published later", DUE, ON + timedelta(days=1)),
        replace(matter("gone", DUE, DUE), withdrawn=True),
    ]
    assert figures_per_unit(["a"], declarations, matters, ON) == (
        Figures(
            "a",
            expected=4,
            filed=2,
            filed_late=1,
            late=2,
            matters=5,
            verified=4,
            verified_late=1,
            overdue=1,
            published=2,
        ),
    )


def test_R55_nothing_is_late_on_its_last_day() -> None:
    (on_the_day,) = figures_per_unit(["a"], [declared("p", None)], [matter("m")], DUE)
    assert (on_the_day.late, on_the_day.overdue) == (0, 0)
    (day_after,) = figures_per_unit(
        ["a"], [declared("p", None)], [matter("m")], DUE + timedelta(days=1)
    )
    assert (day_after.late, day_after.overdue) == (1, 1)


def test_R55_what_will_be_late_is_not_late_yet() -> None:
    later = DUE + timedelta(days=2)
    (before,) = figures_per_unit(["a"], [declared("p", later)], [matter("m", later)], DUE)
    assert (before.filed, before.late, before.verified, before.overdue) == (0, 0, 0, 0)


def test_R55_unit_without_facts_shows_zeros() -> None:
    assert figures_per_unit(["a", "b"], [declared("p", DUE)], [], ON)[1] == Figures("b")


DAYS = st.one_of(st.none(), st.dates(DUE - timedelta(days=5), ON + timedelta(days=5)))
UNITS = st.sampled_from("abc")
DECLARATIONS = st.lists(
    st.builds(DeclarationFact, st.uuids().map(str), UNITS, st.just(DUE), DAYS), max_size=20
)
MATTERS = st.lists(
    st.builds(MatterFact, st.uuids().map(str), UNITS, st.just(DUE), DAYS, DAYS, st.booleans()),
    max_size=20,
)


@given(DECLARATIONS, MATTERS, st.dates(DUE - timedelta(days=5), ON + timedelta(days=5)))
def test_R55_units_add_up_to_the_district(
    declarations: list[DeclarationFact], matters: list[MatterFact], on: date
) -> None:
    per_unit = figures_per_unit("abc", declarations, matters, on)
    district = figures_of_district(declarations, matters, on)
    for field in fields(Figures):
        if field.name != "unit":
            total = sum(getattr(figures, field.name) for figures in per_unit)
            assert getattr(district, field.name) == total
    assert district.filed + district.late <= district.expected
    assert district.verified + district.overdue <= district.matters
