"""Figures per unit, for the yearly assessment (R55), counted from plain facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class DeclarationFact:
    """That somebody must file with ``unit`` by ``due_on``, and when he did.

    ``person``: an opaque reference, the same wherever the same person files (R10).
    """

    person: str
    unit: str
    due_on: date
    filed_on: date | None = None


@dataclass(frozen=True)
class MatterFact:
    """A matter that ``unit`` must verify by ``due_on`` (R39), and how far it came.

    ``published_on``: when it was published to the end in both places (R43, R45). ``matter``: an
    opaque reference. ``withdrawn``: the hit no longer holds; it is not counted.
    """

    matter: str
    unit: str
    due_on: date
    verified_on: date | None = None
    published_on: date | None = None
    withdrawn: bool = False


@dataclass(frozen=True)
class Figures:
    """What R55 asks of one unit, as of a day. ``unit`` "": the whole district.

    ``expected``: persons who must have filed or have. ``filed`` includes ``filed_late``; ``late`` are those
    past their day and still not filed. ``verified`` includes ``verified_late``; ``overdue`` are those past
    their day and still not verified.
    """

    unit: str
    expected: int = 0
    filed: int = 0
    filed_late: int = 0
    late: int = 0
    matters: int = 0
    verified: int = 0
    verified_late: int = 0
    overdue: int = 0
    published: int = 0


def figures_of_unit(
    unit: str,
    declarations: Iterable[DeclarationFact],
    matters: Iterable[MatterFact],
    on: date,
) -> Figures:
    """The figures of ``unit`` on that day (R55), of the facts that are its own."""
    mine = [fact for fact in declarations if fact.unit == unit]
    own = [fact for fact in matters if fact.unit == unit]
    return _count(unit, mine, own, on)


def figures_per_unit(
    units: Iterable[str],
    declarations: Iterable[DeclarationFact],
    matters: Iterable[MatterFact],
    on: date,
) -> tuple[Figures, ...]:
    """The figures of each of ``units``, in their order (R55); one without facts has zeros."""
    facts, own = tuple(declarations), tuple(matters)
    return tuple(figures_of_unit(unit, facts, own, on) for unit in units)


def figures_of_district(
    declarations: Iterable[DeclarationFact], matters: Iterable[MatterFact], on: date
) -> Figures:
    """The figures of the district (R55): each person once, also one who files in two places (R10).

    He has filed when both have it: on the later day.
    """
    return _count("", _one_per_person(declarations), list(matters), on)


def _one_per_person(declarations: Iterable[DeclarationFact]) -> list[DeclarationFact]:
    people: dict[str, DeclarationFact] = {}
    for fact in declarations:
        other = people.get(fact.person)
        people[fact.person] = _both(fact, other) if other else fact
    return list(people.values())


def _both(one: DeclarationFact, other: DeclarationFact) -> DeclarationFact:
    filed = None
    if one.filed_on is not None and other.filed_on is not None:
        filed = max(one.filed_on, other.filed_on)
    return DeclarationFact(one.person, one.unit, max(one.due_on, other.due_on), filed)


def _count(
    unit: str, declarations: list[DeclarationFact], matters: list[MatterFact], on: date
) -> Figures:
    filing = [_progress(fact.due_on, fact.filed_on, on) for fact in declarations]
    live = [fact for fact in matters if not fact.withdrawn]
    checking = [_progress(fact.due_on, fact.verified_on, on) for fact in live]
    return Figures(
        unit=unit,
        expected=len(filing),
        filed=sum(done for done, _ in filing),
        filed_late=sum(done and late for done, late in filing),
        late=sum(late and not done for done, late in filing),
        matters=len(live),
        verified=sum(done for done, _ in checking),
        verified_late=sum(done and late for done, late in checking),
        overdue=sum(late and not done for done, late in checking),
        published=sum(f.published_on is not None and f.published_on <= on for f in live),
    )


def _progress(due_on: date, done_on: date | None, on: date) -> tuple[bool, bool]:
    """Whether it is done as of ``on``, and whether that was, or would be, after its day."""
    done = done_on is not None and done_on <= on
    return done, (done_on if done and done_on else on) > due_on
