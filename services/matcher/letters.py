"""Letters between reporting units: checked, kept until they are taken in, relayed; none is opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from libmatch.errors import EpochError, ManifestError
from libmatch.letters import Letter, verify_ack, verify_letter
from libmatch.manifest import Epoch, Role
from services.chassis.refusals import Refused
from services.matcher.epoch import EpochFolder
from services.matcher.store.letters import AcceptedLetter, LetterStore

PER_DAY = 24  # letters to one recipient; a unit sends one a day by itself


class Letters:
    """What reporting units write to each other. ``peer`` is the unit that the certificate names."""

    def __init__(
        self, store: LetterStore, epochs: EpochFolder, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._epochs = epochs
        self._now = now

    def accept(self, peer: str, letter: Letter) -> int:
        """The letter's leaf in the log: it is kept for its recipient. Repeated: the same leaf.

        Raises EpochError, Refused (another unit, signature, recipient), ConflictError, Overloaded.
        """
        epoch = self._epochs.in_force()
        if letter.sender != peer:
            raise Refused(
                "a unit writes in its own name only",
                "只能以本单位的名义发信。",
                reason="OTHER_UNIT",
            )
        self._check_reporting(epoch, peer)
        if not _is_reporting(epoch, letter.recipient):
            raise Refused(
                "the recipient is no active reporting unit of the roster",
                "收件单位不是花名册中的申报单位。",
                reason="RECIPIENT",
            )
        try:
            verify_letter(epoch, letter)
        except EpochError:
            raise
        except ManifestError as error:
            text = "信函没有本单位的有效签名。"
            raise Refused(str(error), text, reason="LETTER_SIGNATURE") from None
        digest = letter.digest(self._epochs.suite)
        return self._store.accept(letter, digest, PER_DAY, self._now())

    def fetch(self, peer: str, after: int, limit: int) -> list[AcceptedLetter]:
        """The letters to ``peer`` that it has not acknowledged, numbered above ``after``. Raises Refused."""
        epoch = self._epochs.current()
        self._check_reporting(epoch, peer)
        return self._store.fetch(epoch.epoch_id, peer, after, limit)

    def acknowledge(self, peer: str, number: int, signature: bytes) -> None:
        """Erases the letters to ``peer`` up to ``number``, as it signed. Raises Refused, BatchError."""
        epoch = self._epochs.current()
        self._check_reporting(epoch, peer)
        verify_ack(epoch, peer, number, signature)
        self._store.acknowledge(epoch.epoch_id, peer, number)

    @staticmethod
    def _check_reporting(epoch: Epoch, peer: str) -> None:
        if not _is_reporting(epoch, peer):
            raise Refused(
                "letters are for active reporting units",
                "只有申报单位之间可以收发信函。",
                reason="SIDE",
            )


def _is_reporting(epoch: Epoch, unit: str) -> bool:
    return any(member.unit == unit for member in epoch.roster.with_role(Role.REGISTRY))
