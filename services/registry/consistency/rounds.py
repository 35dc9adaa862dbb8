"""What the service does by itself: writes letters, takes others' in, and keeps findings in step.

Letters are made at most once a day, where the declarations have changed; and again after a week without
change, because whom nothing is kept of is found only by the next letter. All units get one each time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from libmatch.errors import (
    BatchError,
    ConflictError,
    EncodingError,
    EpochError,
    ManifestError,
    ServiceError,
)
from libmatch.letters import Letter
from services.chassis.db import Database, to_micros
from services.holder.matcher import Letters
from services.registry.consistency.claims import (
    Sorted,
    find_lacking,
    name_units,
    sort_relatives,
)
from services.registry.consistency.letters import Letterbox
from services.registry.consistency.values import Declarant, FindingState, LastRun, Told
from services.registry.store import consistency as store
from services.registry.store.consistency import Transaction
from services.registry.store.consistency_facts import read_declarants, read_mark

AT_MOST_EVERY = timedelta(days=1)
AT_LEAST_EVERY = timedelta(days=7)
_UNBELIEVED = (BatchError, EncodingError, EpochError, ManifestError)


class ConsistencyRounds:
    """The cross-check of one unit. One round at a time, whoever asks for it."""

    def __init__(
        self, database: Database, box: Letterbox, matcher: Letters, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._box = box
        self._matcher = matcher
        self._now = now
        self._seen = ""
        self._one_at_a_time = threading.Lock()

    def run(self) -> None:
        """A round on somebody's demand: letters are made of the declarations as they are now."""
        self._round(on_demand=True)

    def run_in_background(self) -> None:
        """A round by itself: letters are made if it is time."""
        self._round(on_demand=False)

    def _round(self, *, on_demand: bool) -> None:
        with self._one_at_a_time:
            self._review()
            if on_demand or self._is_due(self._now()):
                self._make(self._now())
            try:
                self._exchange()
            except ServiceError as error:  # what is made waits for the next round
                why = {"status": error.status, "reason": error.reason}
                structlog.get_logger().warning("letters.not-exchanged", **why)

    def sort(self) -> Sorted:
        """Whom the declarations name, by who can be asked about them."""
        return self._sort(self._database.read(read_declarants))

    # --- writing ----------------------------------------------------------------------------------

    def _is_due(self, now: datetime) -> bool:
        last, mark = self._database.read(
            lambda session: (store.last_run(session), read_mark(session))
        )
        if last is None or last.epoch != self._box.epoch_id:
            return bool(self._database.read(read_declarants))
        age = now - last.made_at
        return age >= AT_LEAST_EVERY or (age >= AT_MOST_EVERY and mark != last.mark)

    def _make(self, now: datetime) -> None:
        mark, declarants = self._database.read(
            lambda session: (read_mark(session), read_declarants(session))
        )
        asked, seq = self._sort(declarants), to_micros(now)
        letters = [
            self._box.write(member, seq, asked.to.get(member.unit, []))
            for member in self._box.members()
            if member.unit != self._box.unit
        ]
        run = LastRun(self._box.epoch_id, now, mark, len(letters), asked.claims)
        self._database.run_tx(
            "consistency.make", lambda session: store.add_run(session, run, letters)
        )

    def _sort(self, declarants: list[Declarant]) -> Sorted:
        return sort_relatives(declarants, name_units(self._box.members()), self._box.unit)

    # --- findings ---------------------------------------------------------------------------------

    def _review(self) -> None:
        """Follows the declarations, if they have changed since the last round of this process."""
        mark = self._database.read(read_mark)
        if mark != self._seen:
            self._database.run_tx("consistency.review", self._follow)
            self._seen = mark

    def _follow(self, session: Transaction) -> None:
        """Asks anew about pairs within the unit, and closes what the declarations have by now."""
        declarants = read_declarants(session)
        by_ref, now = {one.ref: one for one in declarants}, self._now()
        refs = {one.identifier: one.ref for one in declarants}
        here = [
            self._box.tell(declarant, relative, refs[relative.identifier])
            for declarant, relative in self._sort(declarants).here
            if relative.identifier is not None
        ]
        lacking = find_lacking(here, by_ref, self._box.pair_of)
        store.apply_lacking(session, self._box.unit, self._box.epoch_id, lacking, now)
        for finding in store.read_findings(session, FindingState.OPEN):
            of_letter = finding.epoch == self._box.epoch_id and finding.sender != self._box.unit
            if of_letter and not find_lacking([finding.told], by_ref, self._box.pair_of):
                store.decide(session, finding.finding_id, FindingState.CLOSED, now)

    # --- exchange ---------------------------------------------------------------------------------

    def _exchange(self) -> None:
        self._fetch()
        for letter in self._database.read(
            lambda session: store.read_waiting(session, self._box.epoch_id)
        ):
            self._send(letter)

    def _send(self, letter: Letter) -> None:
        try:
            self._matcher.send_letter(letter)
        except ConflictError:
            # A newer one is there, of a copy of this database: the next run has a higher number.
            structlog.get_logger().error("letter.number-taken", recipient=letter.recipient)
        except ServiceError as error:
            if error.status != "PERMISSION_DENIED":
                raise
            # The matcher's roster is newer than this kit's; the others still get theirs.
            log = structlog.get_logger()
            log.warning("letter.not-taken", recipient=letter.recipient, reason=error.reason)
            return
        now = self._now()
        self._database.run_tx(
            "consistency.sent", lambda session: store.settle_letter(session, letter, now)
        )

    def _fetch(self) -> None:
        """Takes the letters of others in. What the matcher has been told is taken in, it erases."""
        last = 0
        for number, letter in self._matcher.fetch_letters():
            self._take_in(letter)
            last = number
        if last:
            self._matcher.acknowledge_letters(last, self._box.sign_ack(last))

    def _take_in(self, letter: Letter) -> None:
        def run(session: Transaction) -> str:
            if letter.seq <= store.find_heard(session, self._box.epoch_id, letter.sender):
                return "an older letter"
            declarants = read_declarants(session)
            try:
                told = self._box.read(letter, {one.identifier: one for one in declarants})
            except _UNBELIEVED as error:
                return f"{type(error).__name__}: {error}"[:300]
            self._keep(session, letter, told, declarants)
            return ""

        problem = self._database.run_tx("consistency.take-in", run)
        if problem:
            log = structlog.get_logger()
            log.warning("letter.not-believed", sender=letter.sender, problem=problem)

    def _keep(
        self, session: Transaction, letter: Letter, told: list[Told], declarants: list[Declarant]
    ) -> None:
        by_ref, now = {one.ref: one for one in declarants}, self._now()
        lacking = find_lacking(told, by_ref, self._box.pair_of)
        store.apply_lacking(session, letter.sender, self._box.epoch_id, lacking, now)
        store.keep_heard(session, letter, now)
