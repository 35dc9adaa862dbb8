"""Seals the notices of released cases, stores them, and sends what is stored until the matcher has it.

A notice gets its id and its bytes once, before it is sent; a retry sends those bytes. Planning and storing
are one step for the store, so that a kill between any two steps neither loses nor doubles a notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from libmatch.errors import ServiceError
from libmatch.keys import SigningKey
from libmatch.notices import NOTICE_ID_SIZE, seal_notice
from libmatch.release import SealedNotice
from services.inspector.cases import Case
from services.inspector.disputes import MATCHER, Dispute
from services.inspector.epochs import Epochs, find_member
from services.inspector.matcher import Review, is_passing, is_withdrawn
from services.inspector.notices import Draft, Told, plan_notices
from services.inspector.side_by_side import Crew
from services.inspector.states import DisputeKind, NoticeState
from services.inspector.store.notices import Notices, SealedDraft, Sent, StoredNotice

_CASES = 200  # planned in one transaction
_PIECE = 200  # sent before what was sent is kept


@dataclass(frozen=True)
class Notified:
    """What one round came to."""

    sent: int = 0
    disputes: int = 0


class Notify:
    """The notices of 纪委, in its own signature."""

    def __init__(
        self,
        review: Review,
        notices: Notices,
        epochs: Epochs,
        signing_key: SigningKey,
        now: Callable[[], datetime],
        draw: Callable[[int], bytes],
    ) -> None:
        self._review = review
        self._notices = notices
        self._epochs = epochs
        self._signing_key = signing_key
        self._now = now
        self._draw = draw

    def run(self, crew: Crew) -> Notified:
        """What was sent just now. Raises ServiceError; then what was sent before it is kept."""
        while cases := self._notices.read_unplanned(_CASES):
            sealed = {case.number: self._seal_all(case, told) for case, told in cases}
            self._notices.store(sealed, self._now())
        return self._send(crew)

    def _seal_all(self, case: Case, told: Told) -> list[SealedDraft]:
        drafts = plan_notices(case, told)
        return [sealed for draft in drafts if (sealed := self._seal(draft)) is not None]

    def _seal(self, draft: Draft) -> SealedDraft | None:
        """The sealed notice; None where its unit must not or cannot get one."""
        epoch = self._epochs.find(draft.pair.epoch)
        member = find_member(epoch, draft.unit)
        if epoch is None or member is None or not member.active:
            # A revoked unit's key may be in other hands; a new roster plans the case again.
            structlog.get_logger().warning("notice.not-sealed", unit=draft.unit)
            return None
        notice_id = self._draw(NOTICE_ID_SIZE)
        about = (draft.side, draft.pair.hit_id, notice_id, draft.notice)
        return SealedDraft(draft.facts, seal_notice(epoch, member, *about, self._signing_key))

    def _send(self, crew: Crew) -> Notified:
        after = sent = disputes = 0
        while piece := self._notices.read_waiting(after, _PIECE):
            results, error = crew.run(self._send_one, piece)
            disputes += self._notices.mark(results, self._now())
            sent += sum(result.state is NoticeState.SENT for result in results)
            if error is not None:
                raise error
            after = piece[-1].number
        return Notified(sent, disputes)

    def _send_one(self, stored: StoredNotice) -> Sent:
        notice = stored.notice
        try:
            number = self._review.release_notice(notice)
        except ServiceError as error:
            if is_passing(error) and error.reason != "NOT_PARTY":
                raise
            if error.status == "FAILED_PRECONDITION" and is_withdrawn(self._review, stored.hit):
                return Sent(stored.number, NoticeState.VOID)
            return Sent(stored.number, NoticeState.REFUSED, dispute=_refused(notice, error))
        return Sent(stored.number, NoticeState.SENT, number)


def _refused(notice: SealedNotice, error: ServiceError) -> Dispute:
    structlog.get_logger().error("notice.refused", unit=notice.unit, status=error.status)
    return Dispute(DisputeKind.NOTICE, (MATCHER,), notice.hit_id, detail=notice.unit)
