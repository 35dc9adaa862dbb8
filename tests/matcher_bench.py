"""The matcher's use cases and stores in one process over a real database file, with a clock to turn.

::

    with Bench(tmp_path, make_district(...)) as bench:
        receipt, rids = bench.submit("reg-a", Side.REGISTRY, [person(1)])
        bench.withdraw("reg-a", Side.REGISTRY, rids)
        bench.use.gate.check("ben-a", rids)          # every use case of services.matcher
        bench.assign(CASE)                           # all live hits are that case
        bench.report("ben-a", Side.BENEFICIARY, CASE, Stage.COMPLIANT)   # sealed to the other parties
        bench.live_hits()                            # what 纪委 would list, as library values
        bench.follow(bench.district.revoke("reg-a")) # the next roster, dropped into the kit
        bench.clock.moment += timedelta(days=1)
        bench.reopen()                               # a restart on the same files
    fake_batch(...)                                  # an admitted batch with tokens of the test's choice
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from libmatch.auditlog import LogSigner
from libmatch.batch import AdmittedBatch
from libmatch.identifiers import Identifier
from libmatch.matching import make_hit
from libmatch.records import (
    CAPSULE_SIZE,
    RID_SIZE,
    SIGNATURE_SIZE,
    WORD,
    Batch,
    BatchHeader,
    Columns,
    FlaggedRecord,
    Hit,
    Receipt,
    RecordRef,
    Side,
)
from libmatch.reports import Report, Stage, make_copies
from libmatch.seal import SealedBatch
from libmatch.suites import AEAD_TAG_SIZE, HPKE_OVERHEAD
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS, wire
from services.matcher.config import GateSettings, IntakeSettings, Settings
from services.matcher.rpc import UseCases
from services.matcher.store.joins import Rejoin, rejoin
from services.matcher.store.submissions import Submissions
from tests.district import INSPECTOR, NOW, District

MATCHER = Identity("fuling", "matcher")
INSPECTOR_IDENTITY = Identity("fuling", "inspector")


@dataclass
class Clock:
    """Stands still until it is turned."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment


class Bench:
    """One matcher without its server; see the module's docstring."""

    use: UseCases
    database: Database

    def __init__(
        self,
        folder: Path,
        district: District,
        *,
        intake: IntakeSettings | None = None,
        gate: GateSettings | None = None,
    ) -> None:
        self.folder = folder
        self.district = district
        self.clock = Clock(district.now)
        self.path = folder / "matcher.db"
        self._settings = Settings.model_construct(
            kit=folder / "kit", intake=intake or IntakeSettings(), gate=gate or GateSettings()
        )
        district.write_epoch(folder / "kit")
        self.reported: list[tuple[str, Side, bytes]] = []
        self.open()

    def open(self) -> None:
        self.database = Database(f"sqlite:///{self.path}")
        migrate(self.database, VERSIONS)
        signer = self.district.log_signer
        self.use = wire(self._settings, self.database, signer, MATCHER, self.clock)
        self.submissions = Submissions(self.database, signer)

    def reopen(self) -> None:
        self.database.close()
        self.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def follow(self, district: District) -> None:
        """Drop the district's present roster into the kit; calls from now on see it."""
        self.district = district
        district.write_epoch(self.folder / "kit")

    def next_seq(self, unit: str, side: Side) -> int:
        return self.submissions.next_seq(self.district.manifest.epoch_id, unit, side)

    def seal(self, unit: str, side: Side, persons: Sequence[Identifier]) -> SealedBatch:
        """The unit's next batch."""
        return self.district.seal(unit, side, persons, seq=self.next_seq(unit, side))

    def submit(
        self, unit: str, side: Side, persons: Sequence[Identifier]
    ) -> tuple[Receipt, tuple[bytes, ...]]:
        """Receipt and record ids, in the order of ``persons``, of the unit's next batch."""
        sealed = self.seal(unit, side, persons)
        return self.use.intake.accept(unit, sealed.batch), sealed.rids

    def withdraw(self, unit: str, side: Side, rids: Sequence[bytes]) -> Receipt:
        withdrawal = self.district.withdraw(unit, side, rids, seq=self.next_seq(unit, side))
        return self.use.intake.withdraw(unit, withdrawal)

    def report_all(self, *, opens: bool = True) -> None:
        """纪委 reports on all batches."""
        batches = self.use.reviews.list_batches(0, 500)
        results = {batch.number: opens for batch in batches}
        self.use.review.report_capsules(INSPECTOR_IDENTITY, results)

    def hit_ids(self) -> list[bytes]:
        """Ids of live hits in order of discovery."""
        return [hit.hit_id for hit in self.use.reviews.list_hits(0, 1000) if hit.live]

    def live_hits(self) -> set[Hit]:
        """The live hits, each read through its rows as 纪委 does."""
        return {self._read_hit(hit_id) for hit_id in self.hit_ids()}

    def _read_hit(self, hit_id: bytes) -> Hit:
        _, pair = self.use.reviews.fetch_pair(hit_id)
        return make_hit(_ref(pair.registry), _ref(pair.beneficiary))

    def assign(self, case_id: bytes, hit_ids: Sequence[bytes] | None = None) -> None:
        """纪委 says that these hits, or all live ones, are that case."""
        hits = self.hit_ids() if hit_ids is None else hit_ids
        self.use.review.assign_cases([(hit_id, case_id) for hit_id in hits])

    def report(
        self, unit: str, side: Side, case_id: bytes, stage: Stage, to: Sequence[str] = (INSPECTOR,)
    ) -> tuple[Report, int]:
        """The unit's next report on that case, and its leaf in the log."""
        key = (unit, side, case_id)
        seq = 1 + sum(one == key for one in self.reported)
        report = make_report(self.district, unit, side, case_id, stage, seq=seq, to=to)
        leaf = self.use.reports.accept(unit, report)
        self.reported.append(key)
        return report, leaf

    def rejoin(self) -> Rejoin:
        return rejoin(self.database)


def _ref(record: FlaggedRecord) -> RecordRef:
    return RecordRef(record.header.side, record.header.unit, record.row.rid)


def make_report(
    district: District,
    unit: str,
    side: Side,
    case_id: bytes,
    stage: Stage,
    *,
    seq: int = 1,
    to: Sequence[str] = (INSPECTOR,),
) -> Report:
    """A signed report with copies that nobody opens: the matcher relays what it cannot read."""
    sealed = ((name, os.urandom(HPKE_OVERHEAD + 32)) for name in to)
    copies = make_copies(district.suite, sealed)
    head = (district.manifest.epoch_id, case_id, unit, side, seq, stage)
    return sign_report(district, Report(*head, 1_780_304_400_000_000, copies, bytes(64)))


def sign_report(district: District, report: Report, signer: str = "") -> Report:
    """``report`` with the signature of its unit, or of ``signer``."""
    key = district.keys(signer or report.unit).signing
    return replace(report, signature=key.sign(report.signed_bytes()))


@dataclass(frozen=True)
class FakeBatch:
    """An admitted batch whose tokens the test chose; nothing in it opens."""

    admitted: AdmittedBatch
    refs: tuple[RecordRef, ...]


def fake_batch(
    epoch: bytes,
    side: Side,
    unit: str,
    seq: int,
    tokens: Sequence[bytes],
    rids: Sequence[bytes] | None = None,
) -> FakeBatch:
    """A batch as ``libmatch.batch.admit_batch`` gives it, with ``tokens`` and random contents.

    For stores: they get what admission has checked, and do not check it again.
    """
    count, ct_size = len(tokens), 32 + AEAD_TAG_SIZE
    rids = rids or [os.urandom(RID_SIZE) for _ in tokens]
    header = BatchHeader(epoch, side, unit, seq, count)
    c_reg, c_ben, half, com = (os.urandom(WORD * count) for _ in range(4))
    columns = Columns(b"".join(rids), c_reg, c_ben, half, com, os.urandom(ct_size * count))
    batch = Batch(header, os.urandom(CAPSULE_SIZE), os.urandom(SIGNATURE_SIZE), columns)
    digest = hashlib.sha256(batch.encode()).digest()
    leaves = os.urandom(WORD * count)
    admitted = AdmittedBatch(batch, b"".join(tokens), leaves, os.urandom(WORD), digest)
    return FakeBatch(admitted, tuple(RecordRef(side, unit, rid) for rid in rids))


def open_submissions(where: Path | str, signer: LogSigner) -> tuple[Database, Submissions]:
    """A migrated database, a file or a URL, and the store of submissions; the caller closes the database."""
    database = Database(where if isinstance(where, str) else f"sqlite:///{where}")
    migrate(database, VERSIONS)
    return database, Submissions(database, signer)
