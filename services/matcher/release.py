"""Notices between 纪委 and the units: released by its signature, fetched and acknowledged by the unit's own.

The matcher opens none. It refuses a notice for a pair that it did not flag, or for a unit that is not part
of the pair, so that 纪委's mailbox key alone cannot reach past the flagged pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from libmatch.errors import ManifestError
from libmatch.release import SealedNotice, verify_acknowledgement, verify_notice
from services.chassis.refusals import Refused
from services.matcher.epoch import EpochFolder
from services.matcher.store.mailbox import Mailbox


class Notices:
    """Releasing and acknowledging."""

    def __init__(self, mailbox: Mailbox, epochs: EpochFolder, now: Callable[[], datetime]) -> None:
        self._mailbox = mailbox
        self._epochs = epochs
        self._now = now

    def release(self, notice: SealedNotice) -> tuple[int, int]:
        """(number, log leaf); the same for a repetition.

        Raises Refused (signature; not a unit of the pair), NotFound, WrongState, Conflict.
        """
        try:
            verify_notice(self._epochs.current(), notice)
        except ManifestError as error:
            raise Refused(
                str(error), "告知书没有纪委的有效签名。", reason="NOTICE_SIGNATURE"
            ) from None
        return self._mailbox.release(notice, self._now())

    def acknowledge(self, peer: str, notice_id: bytes, signature: bytes) -> tuple[int, int]:
        """(time in µs, log leaf); the first one's for a repetition. Raises NotFound, BatchError."""
        notice, member = self._mailbox.find(peer, notice_id), self._epochs.member(peer)
        verify_acknowledgement(self._epochs.current(), member, notice, signature)
        return self._mailbox.acknowledge(peer, notice_id, signature, self._now())
