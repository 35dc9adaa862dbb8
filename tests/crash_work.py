"""What a matcher does between two crashes: its real use cases over a real store, told fact by fact.

::

    with Work(url, kit, district, moment, tell) as work:     # recovers, migrates, wires; the kit is there
        work.submit(sent)                         # a batch or a withdrawal; also one sent before
        work.ask_gate(unit, rids); work.read_head(); work.notify(rng)
        work.begin_upload(sent)                   # and never finishes it

``tell`` gets each answer after it would have left the service (``tests.crash_story.Fact``).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

from libmatch.auditlog import log_origin, open_checkpoint
from libmatch.records import Batch, Side
from libmatch.release import SealedNotice
from services.chassis.db import Database
from services.chassis.refusals import NotFound, WrongState
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS, wire
from services.matcher.config import GateSettings, IntakeSettings, Settings
from tests.crash_story import (
    Fact,
    Sent,
    acknowledgement_fact,
    gate_fact,
    head_fact,
    receipt_fact,
    release_fact,
)
from tests.district import District
from tests.matcher_bench import MATCHER

Tell = Callable[[Fact], None]


class Work:
    """One life of the matcher. Its clock stands at ``moment``."""

    def __init__(
        self, url: str, kit: Path, district: District, moment: datetime, tell: Tell
    ) -> None:
        self.district, self._tell, self._moment = district, tell, moment
        settings = Settings.model_construct(kit=kit, intake=IntakeSettings(), gate=GateSettings())
        self.database = Database(url)
        try:
            migrate(self.database, VERSIONS)
            signer = district.log_signer
            self.use = wire(settings, self.database, signer, MATCHER, self.now)
        except BaseException:
            self.database.close()
            raise

    def now(self) -> datetime:
        """What the clock shows."""
        return self._moment

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def submit(self, sent: Sent) -> None:
        """The receipt of a submission, new or repeated."""
        intake, what = self.use.intake, sent.what
        if isinstance(what, Batch):
            receipt = intake.accept(what.header.unit, what)
        else:
            receipt = intake.withdraw(what.unit, what)
        self._tell(receipt_fact(receipt))

    def begin_upload(self, sent: Sent) -> None:
        """All but the last bytes of a batch arrive."""
        batch = sent.what
        assert isinstance(batch, Batch)
        head = batch.header
        upload = self.use.intake.begin(head.unit, head, batch.capsule, batch.signature)
        upload.add(batch.columns.pack()[:-1])

    def ask_gate(self, unit: str, rids: Sequence[bytes]) -> None:
        """The answer's leaf of the log."""
        self._tell(gate_fact(unit, self.use.gate.check(unit, rids)))

    def read_head(self) -> None:
        """The signed head of the log."""
        origin = log_origin(self.district.name)
        key = self.district.manifest.log_key
        head = open_checkpoint(self.use.log.get_checkpoint(), origin, key)
        self._tell(head_fact(head.size, head.root))

    def notify(self, rng: random.Random) -> None:
        """A notice of some live hit is released to the approving unit and acknowledged, anew or again."""
        hits = [hit.hit_id for hit in self.use.reviews.list_hits(0, 1000) if hit.live]
        if not hits:
            return
        try:
            notice = self._notice(rng.choice(hits))
            number, leaf = self.use.notices.release(notice)
        except (NotFound, WrongState):  # a record of the pair was withdrawn meanwhile
            return
        self._tell(release_fact(notice.notice_id, number, leaf))
        signature = self.district.acknowledge(notice.unit, notice)
        at_us, leaf = self.use.notices.acknowledge(notice.unit, notice.notice_id, signature)
        self._tell(acknowledgement_fact(notice.notice_id, at_us, leaf))

    def _notice(self, hit_id: bytes) -> SealedNotice:
        """The notice of that hit: the one in the mailbox where there is one, for sealing is random."""
        _, pair = self.use.reviews.fetch_pair(hit_id)
        unit, name = pair.beneficiary.header.unit, hashlib.sha256(hit_id).digest()[:16]
        try:
            return self.use.mailbox.find(unit, name)
        except NotFound:
            return self.district.notify(unit, Side.BENEFICIARY, hit_id, notice_id=name)
