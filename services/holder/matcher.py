"""The calls that a unit makes to the matcher, as its use cases see them: without gRPC.

``libmatch.client.MatcherClient`` has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from libmatch.clearances import ClearanceAnswer
from libmatch.letters import Letter
from libmatch.records import Batch, Receipt, Side, Withdrawal
from libmatch.release import SealedNotice
from libmatch.reports import Report


class Gate(Protocol):
    """The matcher's gate: answers for the unit's own records alone. Raises ServiceError."""

    def check_clearance(self, rids: Sequence[bytes]) -> ClearanceAnswer: ...


class Letters(Protocol):
    """Letters from reporting unit to reporting unit. Raises ServiceError.

    ``send_letter`` raises ConflictError where another letter has that number, or a newer one is there.
    """

    def send_letter(self, letter: Letter) -> int: ...

    def fetch_letters(self, after: int = 0) -> Iterator[tuple[int, Letter]]: ...

    def acknowledge_letters(self, number: int, signature: bytes) -> None: ...


class Matcher(Gate, Letters, Protocol):
    """Every call may be repeated, and raises ServiceError where it fails.

    ``submit_many`` sends several at once: those behind the first that fails may have been accepted too.
    ``report`` raises ConflictError where another report has that number.
    """

    def submit_many(self, batches: Iterable[Batch]) -> Iterator[Receipt]: ...

    def withdraw(self, withdrawal: Withdrawal) -> Receipt: ...

    def fetch_notices(self, side: Side, after: int = 0) -> list[tuple[int, SealedNotice, bool]]: ...

    def acknowledge(self, notice_id: bytes, signature: bytes) -> None: ...

    def report(self, report: Report) -> int: ...

    def fetch_reports(self, side: Side, after: int = 0) -> list[tuple[int, Report]]: ...

    def get_checkpoint(self) -> str: ...

    def get_inclusion_proof(self, leaf_index: int, tree_size: int) -> tuple[bytes, list[bytes]]: ...

    def get_consistency_proof(self, old: int, new: int) -> list[bytes]: ...
