"""The calls that 纪委 makes to the matcher, as its use cases see them: without gRPC.

``peers`` has them over mutual TLS. What the matcher answers is checked for form there and believed for
nothing: every use case verifies what it is handed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from libmatch.auditlog import Checkpoint
from libmatch.encoding import exactly
from libmatch.errors import EncodingError, ServiceError
from libmatch.records import (
    CAPSULE_SIZE,
    SIGNATURE_SIZE,
    WORD,
    BatchHeader,
    FlaggedPair,
)
from libmatch.release import SealedNotice
from libmatch.reports import Report

_LARGEST = (1 << 63) - 1

# Failures that are about the connection or the moment, not about what was asked for.
_PASSING = frozenset(
    {
        "ABORTED",
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "PERMISSION_DENIED",  # 纪委 is not, or not yet, in the roster that the matcher follows
        "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED",
        "UNAVAILABLE",
    }
)


def is_passing(error: ServiceError) -> bool:
    """Whether the same call may succeed in a later round: then this round ends, and nobody is blamed."""
    return error.status in _PASSING


@dataclass(frozen=True)
class BatchSummary:
    """A batch without its rows: what its unit signed."""

    header: BatchHeader
    capsule: bytes
    signature: bytes
    root: bytes

    def __post_init__(self) -> None:
        exactly(self.capsule, CAPSULE_SIZE, "a capsule")
        exactly(self.signature, SIGNATURE_SIZE, "a signature")
        exactly(self.root, WORD, "a root")


@dataclass(frozen=True)
class ListedBatch:
    """A line of the list of batches; ``summary`` is None where it has the form of none."""

    number: int
    summary: BatchSummary | None


@dataclass(frozen=True)
class HitSummary:
    """A line of the list of hits."""

    number: int
    hit_id: bytes
    found_at_us: int
    leaf_index: int
    live: bool

    def __post_init__(self) -> None:
        exactly(self.hit_id, WORD, "a hit id")
        for number in (self.number, self.found_at_us, self.leaf_index):
            if not 0 <= number <= _LARGEST:
                raise EncodingError("the numbers of a hit are below 2^63")


@dataclass(frozen=True)
class ListedReport:
    """A line of the list of reports; ``report`` is None where it has the form of none."""

    number: int
    report: Report | None
    accepted_at_us: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.accepted_at_us <= _LARGEST:
            raise EncodingError("the time of a report is below 2^63")


class Review(Protocol):
    """What 纪委 alone may call. Every call may be repeated; ServiceError where one fails."""

    def list_batches(self, after: int) -> list[ListedBatch]:
        """The next page, ascending. Raises EncodingError where it is not."""

    def report_capsules(self, results: Mapping[int, bool]) -> None:
        """Tell of up to 1000 batches whether the capsule opens."""

    def list_hits(self, after: int, limit: int = 0) -> list[HitSummary]:
        """The next page, ascending; lines without form are left out. EncodingError: not ascending."""

    def fetch_hit(self, hit_id: bytes) -> FlaggedPair:
        """The two rows of one hit, unverified. Raises EncodingError for what has not the form."""

    def release_notice(self, notice: SealedNotice) -> int:
        """The number that the notice got in the mailbox; the same for a repetition."""

    def assign_cases(self, case_of: Mapping[bytes, bytes]) -> None:
        """Tell of up to 1000 hits, by id, which case each belongs to: all are taken or none."""

    def list_reports(self, after: int) -> list[ListedReport]:
        """The next page, ascending, unverified. Raises EncodingError where it is not ascending."""


class Log(Protocol):
    """The audit log, as seen so far."""

    def advance(self) -> Checkpoint:
        """The checkpoint of now, proved to extend the last one, and remembered. Raises LogError."""

    def fetch_path(self, leaf_index: int, tree_size: int) -> list[bytes]:
        """The path from that leaf to the root of so many leaves, unverified. Raises ServiceError."""

    def evidence(self) -> Sequence[str]:
        """The signed notes that the last ``advance`` compared: the remembered one, the new one."""


def is_withdrawn(review: Review, number: int) -> bool:
    """Whether the list says that hit ``number`` lost a record; a list without form says nothing."""
    try:
        line = review.list_hits(number - 1, 1)
    except EncodingError:
        return False
    return [(hit.number, hit.live) for hit in line] == [(number, False)]
