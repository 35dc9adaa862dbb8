"""What the gate answers: value types of ``Gate.CheckClearance``, and what an answer allows (R47).

Pure values: the matcher makes them, a holder stores and shows them. Only ``CLEAR``, unexpired, lets an
approval go on; everything else, and everything unknown, is a stop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from libmatch.encoding import exactly
from libmatch.records import RID_SIZE, WORD

MAX_RIDS = 1000  # of one question to the gate


class ClearanceStatus(IntEnum):
    """The answer for one record. Numbers are normative (``matcher.v1.ClearanceStatus``)."""

    NOT_SUBMITTED = 1
    PENDING = 2
    CLEAR = 3
    HOLD = 4


class HoldReason(IntEnum):
    """Why an answer is HOLD, as far as the asking unit may know. Numbers are normative.

    In order of weight: of several reasons an answer names the one with the lowest number.
    """

    UNREADABLE = 1  # 纪委 cannot open the record's batch
    NOT_COMPLIANT = 2
    UNVERIFIED = 3
    OBJECTION = 4
    UNPUBLISHED = 5


@dataclass(frozen=True)
class Clearance:
    """The answer for record ``rid``; ``expires_at_us`` (microseconds UTC) is 0 unless CLEAR.

    ``reason`` is set with HOLD only, and None where the gate did not say.
    """

    rid: bytes
    status: ClearanceStatus
    expires_at_us: int = 0
    reason: HoldReason | None = None

    def __post_init__(self) -> None:
        exactly(self.rid, RID_SIZE, "a record id")


@dataclass(frozen=True)
class ClearanceAnswer:
    """The gate's answer to one question, in the order of its rids.

    ``leaf_index`` is the answer's own leaf in the audit log, which had ``tree_size`` leaves.
    """

    epoch: bytes
    checked_at_us: int
    tree_size: int
    leaf_index: int
    clearances: tuple[Clearance, ...]

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")


def strictest(statuses: Iterable[ClearanceStatus]) -> ClearanceStatus:
    """What several persons of one item come to: CLEAR only where every one is; none: NOT_SUBMITTED.

    HOLD outweighs NOT_SUBMITTED, and that PENDING: the first thing that somebody must act upon.
    """
    order = (
        ClearanceStatus.HOLD,
        ClearanceStatus.NOT_SUBMITTED,
        ClearanceStatus.PENDING,
        ClearanceStatus.CLEAR,
    )
    return min(statuses, key=order.index, default=ClearanceStatus.NOT_SUBMITTED)
