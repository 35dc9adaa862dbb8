"""What lies in plaintext where it must not: with the matcher, with 纪委, the custodians, other units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.families import Person
from demo.needles import Needles, needles_of, numbers_of
from demo.search import count_plaintext
from demo.sheets import Sheets
from demo.site import INSPECTOR, MATCHER, Site
from demo.truth import ExpectedHit
from demo.units import Unit
from demo.workplace import Workplace
from demo.world import World

AUTHORITY = "authority"
STEPS = 5  # of a search, beside one for each unit


@dataclass(frozen=True)
class PlaintextSearch:
    """Searches every party's folder and standard streams, and ends all services on the way.

    ``hits``: everything that 纪委 was ever shown. ``tell`` is called with 1 for each step.
    """

    world: World
    site: Site
    hits: Sequence[ExpectedHit]
    place: Workplace
    tell: Callable[[int], None]

    def run(self) -> tuple[dict[str, Any], dict[str, int]]:
        """What was found with the matcher, and with each other party that is not its own.

        The matcher's files are searched as they are while it runs, journal and all, and as it leaves them.
        """
        needles, processes = needles_of(self.world.district), self.site.processes
        processes.stop([name for name in processes.names if name != MATCHER])
        matcher = [self.site.matcher_folder, *_logs(self.place.logs, [MATCHER])]
        running = count_plaintext(matcher, needles)
        self.tell(1)
        processes.stop([MATCHER])
        self.tell(1)
        stopped = count_plaintext(matcher, needles)
        self.tell(1)
        total = running["total"] + stopped["total"]
        return {**stopped, "total": total, "running": running}, self._elsewhere(needles)

    def _elsewhere(self, needles: Needles) -> dict[str, int]:
        """By party, how many numbers and phones lie there that are not its own."""
        found = {unit.id: self._with_unit(unit, needles) for unit in self.world.district.units}
        inspector = [self.site.folder / INSPECTOR, *_logs(self.place.logs, [INSPECTOR])]
        found[INSPECTOR] = count_foreign(inspector, needles, texts_of_hits(self.hits))
        self.tell(1)
        authority = count_plaintext([self.site.folder / AUTHORITY], needles)
        found[AUTHORITY] = int(authority["total"])
        self.tell(1)
        return found

    def _with_unit(self, unit: Unit, needles: Needles) -> int:
        names = [o.process.program.name for o in self.site.offices if o.unit is unit]
        paths = [self.site.folder / "units" / unit.id, *_logs(self.place.logs, names)]
        changes = self.world.changes
        late = Sheets((changes.declaration,), (changes.listed, changes.correction.file))
        own = texts_of_unit(self.world.sheets, unit) | texts_of_unit(late, unit)
        found = count_foreign(paths, needles, own)
        self.tell(1)
        return found


def texts_of_unit(sheets: Sheets, unit: Unit) -> set[str]:
    """Numbers and phones that the unit entered itself."""
    people: set[Person] = set()
    companies: set[str] = set()
    for declared in sheets.declarations:
        if declared.unit is unit:
            for row in declared.rows:
                people |= {row.official.person, *([row.kin.person] if row.kin else ())}
    for listed in sheets.lists:
        if listed.unit is unit:
            people |= {party.person for row in listed.rows for party in row.item.parties}
            companies |= {r.item.company.credit_code for r in listed.rows if r.item.company}
    return _texts_of(people) | companies


def texts_of_hits(hits: Iterable[ExpectedHit]) -> set[str]:
    """Numbers that 纪委 may know: of the persons of hits and their officials."""
    return _texts_of({person for hit in hits for person in (hit.person, hit.official.person)})


def _texts_of(people: Iterable[Person]) -> set[str]:
    return {text for person in people for text in (*numbers_of(person), person.phone)}


def count_foreign(paths: Sequence[Path], needles: Needles, own: set[str]) -> int:
    """How often numbers and phones that are not ``own`` occur in these files.

    Names are left out: people share them.
    """
    foreign = Needles(needles.ids - own, frozenset(), needles.phones - own)
    return int(count_plaintext(paths, foreign)["total"])


def _logs(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """What these services wrote to their standard streams."""
    for name in names:
        yield from (folder / f"{name}.stdout", folder / f"{name}.stderr")
