"""What changes behind the first publication: families, items, who got them in the end (R18, R20, R61)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from libmatch.stubs.lists.v1 import lists_pb2
from services.cli.peers.signoff import SignOffClient
from tests.campaign.declarations import Registry
from tests.campaign.lists import Beneficiary
from tests.campaign.model import Key
from tests.campaign.staff import WORKER
from tests.campaign.story import Item, Official, Person
from tests.campaign.year import REASON, Year

ADDED, MISSING = lists_pb2.DIFFERENCE_KIND_ADDED, lists_pb2.DIFFERENCE_KIND_MISSING
NO_PRE_LIST = lists_pb2.DIFFERENCE_KIND_NO_PRE_LIST


class Families:
    """Officials who report that something changed: in time, late, and that they had been wrong."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self._now: dict[str, Official] = {}

    def change(self) -> dict[str, bool]:
        """By official whether the report is flagged late. Two newcomers have grants already."""
        early, late, wrong = self._pick()
        grown = self._add(early, "配偶的兄弟姐妹", self._villager("minzheng"))
        self._report(grown, "RELATIVES", date(2018, 9, 25))
        grown = self._add(late, "子女的配偶", self._villager("linshi"))
        self._report(grown, "RELATIVES", date(2018, 8, 1))
        official, person = wrong
        kept = tuple(one for one in official.relatives if one[1] != person)
        self._report(replace(official, relatives=kept), "CORRECTION", date(2018, 1, 1))
        return {early.person.name: False, late.person.name: True, official.person.name: False}

    def forget(self, unit: str) -> Person:
        """An official had declared somebody by mistake, who never matched; this person (R65)."""
        known = {key[1] for key in self.year.model.hits(self.year.today)}
        official = self.year.story.officials_of(unit)[7]
        _, person = next(one for one in official.relatives[1:] if one[1].idn not in known)
        kept = tuple(one for one in official.relatives if one[1] != person)
        self._report(replace(official, relatives=kept), "CORRECTION", date(2018, 1, 1))
        return person

    def late_flags(self) -> dict[str, bool]:
        """By official what the units' services flag of second versions."""
        units = dict.fromkeys(one.unit for one in self._now.values())
        return {
            one.official_name: one.late
            for unit in units
            for one in Registry(self.year, unit).versions(WORKER, "REVIEWED")
            if one.number == 2
        }

    def confirm(self, unit: str) -> None:
        """A year behind their last word officials confirm that nothing has changed (R20)."""
        year, client = self.year, SignOffClient(self.year.site.clerk(unit, "registry", WORKER))
        lasts = [d.versions[-1][0] for (own, _), d in year.model.declared.items() if own == unit]
        lines, _ = client.list_due(REASON)
        due = [line for line in lines if line.kind == "DUE_KIND_CONFIRMATION"]
        assert len(due) == sum(last + timedelta(days=365) < year.today for last in lasts) > 0
        client.confirm([line.seen for line in due], year.today.isoformat())
        lines, _ = client.list_due(REASON)
        assert not [line for line in lines if line.kind == "DUE_KIND_CONFIRMATION"]

    def _pick(self) -> tuple[Official, Official, tuple[Official, Person]]:
        year = self.year
        free = [one for one in year.story.officials_of("caizheng") if one.kind == "SECTION"]
        other = [one for one in year.story.officials_of("nongwei") if one.kind == "SECTION"]
        return free[2], other[3], self._published()

    def _published(self) -> tuple[Official, Person]:
        """An official with several relatives, one of them with a publication that is over."""
        model, today = self.year.model, self.year.today
        for official in self.year.story.officials:
            for _, person in official.relatives[1:]:
                found = [
                    key for key in model.matters if key[:2] == (official.person.idn, person.idn)
                ]
                if found and all(model.state(key, today) == "PUBLISHED" for key in found):
                    return official, person
        raise AssertionError("nobody's publication is over")

    def _villager(self, unit: str) -> Person:
        """Who has an item of that unit and is nobody's relative."""
        known = {key[1] for key in self.year.model.hits(self.year.today)}
        return next(i.person for i in self.year.story.items_of(unit) if i.person.idn not in known)

    @staticmethod
    def _add(official: Official, relation: str, person: Person) -> Official:
        return replace(official, relatives=(*official.relatives, (relation, person)))

    def _report(self, official: Official, change: str, event_on: date) -> None:
        """The new version all the way into the match (R20, R21)."""
        registry, year = Registry(self.year, official.unit), self.year
        options = {"change": f"CHANGE_KIND_{change}", "event_on": event_on.isoformat()}
        report = registry.stage([official], signed_on=year.today.isoformat(), **options)
        assert (report.rows_refused, report.records_new) == (0, 1), report
        registry.sign_all()
        registry.enter_all()
        relatives = {person.idn: relation for relation, person in official.relatives}
        year.model.declare(official.unit, official.person.idn, relatives, year.today)
        self._now[official.person.idn] = official

    def leave_a_number_open(self, unit: str) -> date:
        """An official declares somebody whose number is not known yet (R18); the last day for it."""
        official = next(o for o in self.year.story.officials_of(unit) if o.kind == "SECTION")
        nameless = Person("", "未详某")
        grown = self._add(official, "配偶的父母", nameless)
        registry = Registry(self.year, unit)
        options = {"change": "CHANGE_KIND_RELATIVES", "event_on": self.year.today.isoformat()}
        registry.stage([grown], signed_on=self.year.today.isoformat(), **options)
        registry.sign_all()
        registry.enter_all()
        self._now[official.person.idn] = grown
        client = SignOffClient(self.year.site.clerk(unit, "registry", WORKER))
        until = (self.year.today + timedelta(days=60)).isoformat()
        lines, _ = client.list_due(REASON, until)
        (line,) = [one for one in lines if one.kind == "DUE_KIND_UNKNOWN_ID"]
        return date.fromisoformat(line.due_on)


class Items:
    """Items that are withdrawn, and later ones with a list before the approval and one behind it."""

    UNITS = ("minzheng", "linshi")

    def __init__(self, year: Year) -> None:
        self.year = year
        self.proposed: dict[str, list[Item]] = {}

    def withdraw(self) -> Key:
        """One with a publication that is over and one without a hit; the hit that is none any more."""
        model, today = self.year.model, self.year.today
        key = next(
            key
            for key in sorted(model.matters)
            if model.state(key, today) == "PUBLISHED"
            and sum(hit[2:] == key[2:] for hit in model.hits(today)) == 1
        )
        held = {hit[2:] for hit in model.hits(today)}
        quiet = next(one for one in sorted(model.listed) if one not in held)
        for unit, ref in (key[2:], quiet):
            Beneficiary(self.year, unit).withdraw(ref)
            model.withdraw_item(unit, ref, today)
        return key

    def propose(self) -> None:
        """Three items a unit before their approval: one for an official's relative."""
        for unit in self.UNITS:
            people = [self._relative(unit), *(self.year.story.people.next() for _ in range(2))]
            items = [self._item(unit, number, who) for number, who in enumerate(people)]
            office = Beneficiary(self.year, unit)
            assert office.bring(items) == (len(items), 0)
            office.sign_waiting()
            for item in items:
                self.year.model.list_item(*item.key, item.person.idn, self.year.today)
            self.proposed[unit] = items

    def pay(self) -> None:
        """Behind the approval: the first as proposed, the second to another official's relative.

        And one that nobody had proposed: the gate was never asked.
        """
        for unit, (first, second, _) in self.proposed.items():
            unasked = self._item(unit, 9, self.year.story.people.next())
            paid = [first, replace(second, person=self._relative(unit)), unasked]
            office = Beneficiary(self.year, unit)
            office.bring_actual(paid)
            office.sign_waiting()
            for item in paid:
                self.year.model.list_actual(*item.key, item.person.idn, self.year.today)

    def compare(self) -> None:
        """The two lists of each item differ as they must; the third has no actual list in time (R61)."""
        for unit, items in self.proposed.items():
            refs = [item.ref for item in items]
            told = Beneficiary(self.year, unit).reconcile([*refs, self._unasked(unit)])
            assert [one.kind for one in told[self._unasked(unit)].differences] == [NO_PRE_LIST]
            for item in items:
                listed, found = self.year.model.listed[item.key], told[item.ref]
                added = len(listed.actual - listed.proposed)
                missing = len(listed.proposed - listed.actual) if listed.actual else 0
                kinds = [one.kind for one in found.differences]
                assert sorted(kinds) == sorted([ADDED] * added + [MISSING] * missing), item.ref
                due = item.start + timedelta(days=30)
                late = not listed.actual and due < self.year.today
                assert (found.overdue, found.due_on) == (late, due.isoformat()), item.ref

    def _relative(self, unit: str) -> Person:
        """A declared relative who has no item yet."""
        model, today = self.year.model, self.year.today
        having = {one for item in model.listed.values() for one in item.persons}
        for official in self.year.story.officials_of("xinmiao" if unit == "linshi" else "shuiwu"):
            for _, person in official.relatives:
                declared = model.declared[official.unit, official.person.idn].on(today)
                if person.idn in declared and person.idn not in having:
                    return person
        raise AssertionError("every relative has an item")

    @staticmethod
    def _unasked(unit: str) -> str:
        return f"{unit.upper()}-B9"

    def _item(self, unit: str, number: int, who: Person) -> Item:
        start = self.year.today + timedelta(days=15)
        return Item(unit, f"{unit.upper()}-B{number}", who, start, 800)
