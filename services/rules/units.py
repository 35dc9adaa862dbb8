"""Units of the district: kinds, parents and dates, as data (R7, annex 1), and questions to the tree.

A unit may have several entries with one name: a new display name, kind or parent begins a new one.
Every question is as of a day. No unit is named in code; another district supplies its own file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from services.rules.data_file import Entry, packaged_text, parse_entries
from services.rules.unit_kinds import (
    ANY_PARENT,
    BELOW_KINDS,
    ENTERPRISE_KINDS,
    HOST,
    MANAGERS_ONLY_KINDS,
    PARENTS,
    RECEIVING_KINDS,
    SEAT,
    TOWNSHIP_KINDS,
    VILLAGE_KINDS,
    UnitKind,
    Wanted,
)
from services.rules.violation import RuleDataError, RuleViolation

__all__ = [
    "BELOW_KINDS",
    "ENTERPRISE_KINDS",
    "MANAGERS_ONLY_KINDS",
    "RECEIVING_KINDS",
    "TOWNSHIP_KINDS",
    "VILLAGE_KINDS",
    "Unit",
    "UnitKind",
    "UnitTree",
    "load_units",
    "packaged_units",
]

_NAME = re.compile(r"[a-z0-9-]{1,64}")
_KEYS = ("name", "display", "kind", "parent", "seat", "hosts", "valid_from", "valid_to")


@dataclass(frozen=True)
class Unit:
    """One entry of the tree. RuleDataError for a name, date or link that its kind does not allow.

    ``name``: [a-z0-9-]{1,64}, also the unit's name in the roster. ``valid_to``: the last day, None:
    open. ``seat``: the township or street of an outposted body (R10). ``hosts``: the units in which
    a stationed group sits, the principal one first (R11).
    """

    name: str
    display: str
    kind: UnitKind
    valid_from: date
    valid_to: date | None = None
    parent: str | None = None
    seat: str | None = None
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise _refuse(self.name, "a name is 1 to 64 of a-z, 0-9 and -", "标识只能用a-z、0-9和-")
        if not self.display.strip():
            raise _refuse(self.name, "no display name", "没有单位名称")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise _refuse(self.name, "ends before it begins", "失效日期早于生效日期")
        if self.kind in PARENTS and self.parent is None:
            raise _refuse(self.name, "this kind has a parent", "该类单位须写明上级单位（parent）")
        self._check_link("seat", bool(self.seat), UnitKind.OUTPOSTED_BODY, "所在乡镇街道")
        self._check_link("hosts", bool(self.hosts), UnitKind.STATIONED_DISCIPLINE_GROUP, "驻在单位")
        if len(set(self.hosts)) != len(self.hosts):
            raise _refuse(self.name, "a host is named twice", "驻在单位重复")

    def _check_link(self, key: str, given: bool, kind: UnitKind, zh: str) -> None:
        if given and self.kind is not kind:
            raise _refuse(self.name, f"{key} is for {kind} alone", f"只有{kind}才填{zh}（{key}）")
        if self.kind is kind and not given:
            raise _refuse(self.name, f"{kind} has {key}", f"须写明{zh}（{key}）")

    def holds_on(self, day: date) -> bool:
        """Whether the entry is in effect on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def links(self) -> Iterator[tuple[str, Wanted]]:
        """The names that it refers to, each with the kinds that it may be."""
        if self.parent is not None:
            yield self.parent, PARENTS.get(self.kind, ANY_PARENT)
        if self.seat is not None:
            yield self.seat, SEAT
        for host in self.hosts:
            yield host, HOST


class UnitTree:
    """All units over all time. Raises RuleDataError for overlaps, unknown units, kinds and cycles."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._entries: dict[str, list[Unit]] = {}
        for unit in sorted(units, key=lambda unit: (unit.name, unit.valid_from)):
            self._entries.setdefault(unit.name, []).append(unit)
        self._check_overlaps()
        for unit in self._all():
            for name, wanted in unit.links():
                self._check_link(unit, name, wanted)
        for day in sorted({unit.valid_from for unit in self._all()}):
            self._check_cycles(day)

    def find(self, name: str, on: date) -> Unit | None:
        """The unit as of ``on``; None where there is none of that name on that day."""
        entries = self._entries.get(name, ())
        return next((unit for unit in entries if unit.holds_on(on)), None)

    def get(self, name: str, on: date) -> Unit:
        """The unit as of ``on``. RuleViolation R7 where the list of units has none on that day."""
        unit = self.find(name, on)
        if unit is None:
            raise RuleViolation(
                "R7",
                f"unit {name!r} is not in the list of units on {on}; correct the name, or add the "
                "unit to the data with its dates",
                f"{on}的单位名单中没有标识为“{name}”的单位，请核对，或在单位数据中补充",
            )
        return unit

    def units(self, on: date) -> tuple[Unit, ...]:
        """All units as of ``on``, by name."""
        return tuple(unit for unit in self._all() if unit.holds_on(on))

    def receiving_units(self, on: date) -> tuple[Unit, ...]:
        """The reporting units as of ``on``: annex 1, all townships and streets (R7)."""
        return tuple(unit for unit in self.units(on) if unit.kind in RECEIVING_KINDS)

    def children(self, name: str, on: date) -> tuple[Unit, ...]:
        """The units whose parent is ``name`` as of ``on``."""
        return tuple(unit for unit in self.units(on) if unit.parent == name)

    def chain(self, name: str, on: date) -> tuple[Unit, ...]:
        """The unit, its parent, and so on to the top, as of ``on``. RuleViolation R7."""
        chain = [self.get(name, on)]
        while (parent := chain[-1].parent) is not None:
            chain.append(self.get(parent, on))
        return tuple(chain)

    def receiver(self, name: str, on: date) -> Unit:
        """The unit itself, or the nearest above it that keeps a database (R8, R9, R12).

        A stationed group's is its principal host (R11). RuleViolation R7.
        """
        unit = self.get(name, on)
        if unit.kind is UnitKind.STATIONED_DISCIPLINE_GROUP:
            return self.get(unit.hosts[0], on)
        return next(above for above in self.chain(name, on) if above.kind in RECEIVING_KINDS)

    def groups_in(self, host: str, on: date) -> tuple[Unit, ...]:
        """The stationed discipline groups that have ``host`` among their hosts (R11)."""
        return tuple(unit for unit in self.units(on) if host in unit.hosts)

    # --- validation -----------------------------------------------------------------------------

    def _all(self) -> Iterator[Unit]:
        return (unit for entries in self._entries.values() for unit in entries)

    def _check_overlaps(self) -> None:
        for name, entries in self._entries.items():
            for earlier, later in pairwise(entries):
                if earlier.valid_to is None or later.valid_from <= earlier.valid_to:
                    raise _refuse(
                        name,
                        f"the entries from {earlier.valid_from} and {later.valid_from} overlap",
                        f"自{earlier.valid_from}和{later.valid_from}起的两条有效期重叠",
                    )

    def _check_link(self, unit: Unit, name: str, wanted: Wanted) -> None:
        """Every day of ``unit`` must have a ``name`` of a wanted kind. Entries are in order."""
        day: date | None = unit.valid_from
        for entry in self._entries.get(name, ()):
            if day is None or (unit.valid_to is not None and day > unit.valid_to):
                return
            if not entry.holds_on(day):
                continue
            if entry.kind not in wanted.kinds:
                raise _refuse(unit.name, f"{name!r} is not {wanted.en}", f"“{name}”应为{wanted.zh}")
            day = entry.valid_to and entry.valid_to + timedelta(days=1)
        if day is not None and (unit.valid_to is None or day <= unit.valid_to):
            raise _refuse(
                unit.name,
                f"refers to {name!r}, which is no unit on {day}",
                f"所填单位“{name}”在{day}不存在",
            )

    def _check_cycles(self, day: date) -> None:
        cleared: set[str] = set()
        for start in self.units(day):
            path: list[str] = []
            unit: Unit | None = start
            while unit is not None and unit.name not in cleared:
                if unit.name in path:
                    ring = " → ".join([*path[path.index(unit.name) :], unit.name])
                    raise _refuse(unit.name, f"a cycle of parents: {ring}", f"上级关系成环：{ring}")
                path.append(unit.name)
                unit = self.find(unit.parent, day) if unit.parent else None
            cleared.update(path)


def load_units(text: str) -> UnitTree:
    """The tree in a TOML text of ``[[unit]]`` tables. Raises RuleDataError naming the unit."""
    return UnitTree(_unit(entry) for entry in parse_entries(text, "unit", "name"))


def packaged_units() -> UnitTree:
    """Annex 1 with the townships and streets of the district, as shipped."""
    return load_units(packaged_text("units.toml"))


def _unit(entry: Entry) -> Unit:
    entry.allow(_KEYS)
    return Unit(
        name=entry.text("name"),
        display=entry.text("display"),
        kind=entry.word("kind", UnitKind),
        valid_from=entry.day("valid_from"),
        valid_to=entry.optional_day("valid_to"),
        parent=entry.optional_text("parent"),
        seat=entry.optional_text("seat"),
        hosts=entry.texts("hosts"),
    )


def _refuse(name: str, message: str, message_zh: str) -> RuleDataError:
    return RuleDataError(f"unit {name}: {message}", f"单位“{name}”：{message_zh}")
