"""The rules as a plain model: dictionaries and dates, nothing of the services.

It is told what people did on which day, and says what must come of it. Where it and the services differ,
one of them is wrong about the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

STAFF_FORMS_DUE = date(2018, 6, 22)  # R57
DECLARATIONS_DUE = date(2018, 8, 20)  # R58
ITEMS_DUE = date(2018, 9, 10)  # R59
FIRST_PUBLICATION_DUE = date(2018, 9, 30)  # R60
VERIFY, MEASURE, POST, ANSWER = (timedelta(days=15),) * 4  # R39, R41, R43, R48
SEVEN_DAYS = 7  # R45
PLACES = ("village", "official_unit")  # R43

Key = tuple[str, str, str, str]
"""A hit: the official's number, the person's, the approving unit, the item's reference."""


@dataclass
class Declared:
    """The versions of one official's declaration in one unit: (entered on, {number: relation})."""

    versions: list[tuple[date, dict[str, str]]] = field(default_factory=list)

    def on(self, day: date) -> dict[str, str]:
        """Whom it names on that day."""
        entered = [named for since, named in self.versions if since <= day]
        return entered[-1] if entered else {}


@dataclass
class Listed:
    """An item: who is matched for it since when; who was proposed, who got it (R61); its end."""

    persons: dict[str, date] = field(default_factory=dict)
    proposed: set[str] = field(default_factory=set)
    actual: set[str] = field(default_factory=set)
    until: date | None = None

    def on(self, day: date) -> list[str]:
        """Who is matched for it on that day."""
        if self.until is not None and self.until <= day:
            return []
        return [person for person, since in self.persons.items() if since <= day]


@dataclass
class Matter:
    """What was done about one hit, as (day, what, where or how), in order. ``declared_by``: at first."""

    notified: date
    declared_by: set[str]
    acts: list[tuple[date, str, str]] = field(default_factory=list)

    def by(self, day: date) -> list[tuple[date, str, str]]:
        return [act for act in self.acts if act[0] <= day]


@dataclass
class Model:
    """Everything that was done, by day."""

    forms_filed: dict[str, date] = field(default_factory=dict)
    declared: dict[tuple[str, str], Declared] = field(default_factory=dict)
    listed: dict[tuple[str, str], Listed] = field(default_factory=dict)
    matters: dict[Key, Matter] = field(default_factory=dict)
    submitted: dict[tuple[str, str], date] = field(default_factory=dict)

    # --- what was done ----------------------------------------------------------------------------

    def file_forms(self, unit: str, day: date) -> None:
        """Both forms of the unit are filed (R57)."""
        self.forms_filed[unit] = day

    def declare(self, unit: str, official: str, relatives: dict[str, str], day: date) -> None:
        """What was signed and entered counts from that day on (R21); the official himself too (R16)."""
        known = self.declared.setdefault((unit, official), Declared())
        known.versions.append((day, {official: "本人"} | relatives))
        self.submitted.setdefault((unit, "registry"), day)

    def list_item(self, unit: str, ref: str, person: str, day: date) -> None:
        """What was reviewed and signed counts from that day on (R25)."""
        item = self.listed.setdefault((unit, ref), Listed())
        item.persons.setdefault(person, day)
        item.proposed.add(person)
        self.submitted.setdefault((unit, "beneficiary"), day)

    def list_actual(self, unit: str, ref: str, person: str, day: date) -> None:
        """Who got it in the end is matched like any other; who was proposed stays in the match (R61)."""
        item = self.listed.setdefault((unit, ref), Listed())
        item.persons.setdefault(person, day)
        item.actual.add(person)

    def withdraw_item(self, unit: str, ref: str, day: date) -> None:
        self.listed[unit, ref].until = day

    def notify(self, key: Key, day: date) -> None:
        """Both units are told of the hit (R36)."""
        self.matters.setdefault(key, Matter(day, self.hits(day)[key]))

    def act(self, key: Key, day: date, what: str, how: str = "") -> None:
        """take; conclude yes/no; measure; post, down or object at a place."""
        self.matters[key].acts.append((day, what, how))

    @property
    def approvers(self) -> set[str]:
        """The units that approve items."""
        return {unit for unit, _ in self.listed}

    # --- what must come of it ---------------------------------------------------------------------

    def hits(self, day: date) -> dict[Key, set[str]]:
        """Every hit that stands on that day, with the units that declared it (R35)."""
        items: dict[str, list[tuple[str, str]]] = {}
        for item, listed in self.listed.items():
            for person in listed.on(day):
                items.setdefault(person, []).append(item)
        found: dict[Key, set[str]] = {}
        for (unit, official), declared in self.declared.items():
            for person in declared.on(day):
                for approver, ref in items.get(person, ()):
                    found.setdefault((official, person, approver, ref), set()).add(unit)
        return found

    def state(self, key: Key, day: date) -> str:
        """How far the matter has come, as everybody must see it."""
        if key not in self.hits(day):
            return "WITHDRAWN"
        return Course(self.matters[key].by(day), day).state

    def due(self, key: Key, day: date) -> date | None:
        """The last day for who must act; None where nobody must."""
        if key not in self.hits(day):
            return None
        return Course(self.matters[key].by(day), day).due(self.matters[key].notified)

    def is_overdue(self, key: Key, day: date) -> bool:
        due = self.due(key, day)
        return due is not None and due < day

    def is_clear(self, unit: str, ref: str, day: date) -> bool:
        """Whether an approval may go on: every hit of the item published to the end (R47)."""
        return all(
            key in self.matters and Course(self.matters[key].by(day), day).is_published
            for key in self.hits(day)
            if key[2:] == (unit, ref)
        )


class Course:
    """The acts of one matter up to a day, step by step."""

    def __init__(self, acts: Iterable[tuple[date, str, str]], today: date) -> None:
        self.today = today
        self.taken = self.disputed = False
        self.confirmed: date | None = None
        self.verdicts: list[tuple[date, bool]] = []
        self.measured = False
        self.posted: dict[str, tuple[date, date | None]] = {}
        self.objections: list[tuple[date, date | None]] = []
        for day, what, how in acts:
            getattr(self, f"_{what}")(day, how)

    def _dispute(self, _day: date, _how: str) -> None:
        self.disputed = True

    def _confirm(self, day: date, _how: str) -> None:
        """Verification begins anew (R38)."""
        self.taken, self.disputed, self.confirmed = False, False, day

    def _take(self, _day: date, _how: str) -> None:
        self.taken = True

    def _conclude(self, day: date, how: str) -> None:
        """Closes objections; all notices come down unless an objection was not right (R48)."""
        dismissed = self.is_objected and how == "yes"
        self.objections = [(on, closed or day) for on, closed in self.objections]
        self.verdicts.append((day, how == "yes"))
        self.measured = False
        if not dismissed:
            for place in self.posted:
                self._down(day, place)

    def _measure(self, _day: date, _how: str) -> None:
        self.measured = True

    def _post(self, day: date, place: str) -> None:
        self.posted[place] = (day, None)

    def _down(self, day: date, place: str) -> None:
        on, down = self.posted[place]
        self.posted[place] = (on, down or day)

    def _object(self, day: date, _how: str) -> None:
        self.objections.append((day, None))

    @property
    def is_objected(self) -> bool:
        return any(closed is None for _, closed in self.objections)

    @property
    def is_published(self) -> bool:
        """Seven full days in both places behind a compliant outcome (R43, R45, R47)."""
        if self.is_objected or not self.verdicts or not self.verdicts[-1][1]:
            return False
        return all(self._ends(place) <= self.today for place in PLACES)

    def _ends(self, place: str) -> date:
        """The day behind the last of the seven: the day of posting and those of objections do not count."""
        on, down = self.posted.get(place, (date.max, None))
        if down is not None or on == date.max:
            return date.max
        day, counted = on, 0
        while counted < SEVEN_DAYS:
            day += timedelta(days=1)
            counted += not any(a <= day <= (b or day) for a, b in self.objections)
        return day + timedelta(days=1)

    @property
    def state(self) -> str:
        if not self.verdicts:
            return "DISPUTED" if self.disputed else "VERIFYING" if self.taken else "NOTIFIED"
        if not self.verdicts[-1][1]:
            return "MEASURED" if self.measured else "NOT_COMPLIANT"
        if self.is_objected:
            return "OBJECTED"
        if all(down is not None for _, down in self.posted.values()):
            return "COMPLIANT"
        return "PUBLISHED" if self.is_published else "PUBLISHING"

    def due(self, notified: date) -> date | None:
        match self.state:
            case "NOTIFIED" | "VERIFYING" | "DISPUTED":
                return (self.confirmed or notified) + VERIFY
            case "NOT_COMPLIANT":
                return self.verdicts[-1][0] + MEASURE
            case "OBJECTED":
                return min(on for on, closed in self.objections if closed is None) + ANSWER
            case "COMPLIANT" | "PUBLISHING":
                waits = [since for place in PLACES if (since := self._waits_since(place))]
                return min(waits) + POST if waits else None
        return None

    def _waits_since(self, place: str) -> date | None:
        """Since when a place has no notice; None while it has one."""
        found_on = self.verdicts[-1][0]
        _, down = self.posted.get(place, (date.max, found_on))
        return None if down is None else max(down, found_on)
