"""What an import of a sheet came to, and the words for it that both services use."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from libmatch.identifiers import Identifier
from services.chassis.sheets import Notice, SheetReport

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Entry = TypeVar("Entry", bound="DataclassInstance")


@dataclass(frozen=True)
class Imported:
    """The report on the sheet, and what changed in the service: counts of records."""

    report: SheetReport
    new: int
    changed: int
    unchanged: int
    notices: tuple[Notice, ...]

    def __str__(self) -> str:
        tally = self.report.tally
        return (
            f"new {self.new}, changed {self.changed}, unchanged {self.unchanged}; "
            f"rows taken {tally.taken}, refused {tally.refused}"
        )


def filled(entry: Entry, values: Mapping[str, object]) -> Entry:
    """The dataclass with those values that are not blank; the same object where nothing differs.

    A blank cell never erases what was entered before: sheets leave out what they do not ask for.
    """
    changes: dict[str, Any] = {
        name: value
        for name, value in values.items()
        if value is not None and value != "" and getattr(entry, name) != value
    }
    return replace(entry, **changes) if changes else entry


def notice_of_kinds(
    identifiers: Iterable[Identifier], kinds: Collection[int]
) -> tuple[Notice, ...]:
    """A notice where the epoch does not take the kind of some of the identifiers; else nothing."""
    count = sum(int(identifier.kind) not in kinds for identifier in identifiers)
    if not count:
        return ()
    return (Notice("", 0, f"有{count}人的证件类型不在本期比对范围内，已保存，暂不参加比对"),)
