"""Fetches notices, checks each against the unit's own record, keeps and acknowledges it.

One bad notice never keeps the others from arriving. What does not open, or what 纪委 did not sign, is
kept as disputed and not acknowledged; it is tried again after a restart, when the roster may be newer.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime

import structlog

from libmatch.errors import EncodingError, ManifestError, ServiceError
from libmatch.notices import HitNotice, open_notice
from libmatch.release import SealedNotice
from services.holder.matcher import Matcher
from services.holder.material import Material
from services.holder.store.mailbox import Envelope, Mailbox, Received


class CollectNotices:
    """The mailbox of one unit and side, followed from the beginning after every start."""

    def __init__(
        self,
        mailbox: Mailbox[HitNotice],
        matcher: Matcher,
        material: Material,
        now: Callable[[], datetime],
    ) -> None:
        self._mailbox = mailbox
        self._matcher = matcher
        self._material = material
        self._now = now
        self._after = 0

    def run(self) -> int:
        """The number of notices that were not here before. Raises ServiceError."""
        fetched = self._matcher.fetch_notices(self._material.side, self._after)
        known = self._mailbox.find([notice.notice_id for _, notice, _ in fetched])
        new = 0
        for number, notice, _ in fetched:
            envelope, kept = _envelope_of(notice), known.get(notice.notice_id)
            if kept is None or kept == (envelope, False):
                self._mailbox.keep(self._judge(notice, envelope), self._now())
                new += kept is None
            elif kept[0] != envelope:
                self._warn("notice.id-reused", notice)
            self._after = number
        self._acknowledge()
        return new

    def _judge(self, notice: SealedNotice, envelope: Envelope) -> Received[HitNotice]:
        """The notice with its content, or as one that is not to be believed."""
        try:
            content = self._open(notice)
        except (EncodingError, ManifestError) as error:
            self._warn("notice.not-opened", notice, cause=str(error))
            return Received(envelope, None, None, disputed=True)
        found = self._mailbox.find_sealed(content.rid)
        if found is None:
            self._warn("notice.record-unknown", notice)
            return Received(envelope, content, None, disputed=True)
        subject, token = found
        disputed = not hmac.compare_digest(token, content.token)
        if disputed:
            self._warn("notice.other-person", notice)
        return Received(envelope, content, subject, disputed)

    def _open(self, notice: SealedNotice) -> HitNotice:
        own = (self._material.unit, self._material.side)
        if (notice.unit, notice.side) != own:
            raise EncodingError("the notice is for another unit or side")
        return open_notice(self._material.epoch, notice, self._material.hpke)

    def _acknowledge(self) -> None:
        """Tells the matcher of every opened notice it does not know to have arrived."""
        for envelope in self._mailbox.read_unacknowledged():
            notice = self._notice_of(envelope)
            signature = self._material.holder.signing_key.sign(
                notice.ack_bytes(self._material.suite)
            )
            try:
                self._matcher.acknowledge(notice.notice_id, signature)
            except ServiceError as error:
                if error.status in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                    raise
                self._warn("notice.not-acknowledged", notice, cause=error.status)
            else:
                self._mailbox.mark_acknowledged(notice.notice_id, self._now())

    def _notice_of(self, envelope: Envelope) -> SealedNotice:
        e, unit, side = envelope, self._material.unit, self._material.side
        return SealedNotice(e.epoch, e.notice_id, unit, side, e.hit_id, e.sealed, e.signature)

    @staticmethod
    def _warn(event: str, notice: SealedNotice, **facts: str) -> None:
        structlog.get_logger().warning(event, notice=notice.notice_id.hex(), **facts)


def _envelope_of(notice: SealedNotice) -> Envelope:
    n = notice
    return Envelope(n.notice_id, n.epoch, n.hit_id, n.sealed, n.signature)
