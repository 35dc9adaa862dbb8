"""Files of a carried history: written, loaded, and sent by the wire to compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from libmatch.batch_files import Message, pack_file
from libmatch.records import Receipt, Side, Withdrawal
from libmatch.seal import SealedBatch
from services.matcher.load_history import LoadHistory
from services.matcher.store.history import History, Loaded
from services.matcher.store.ledger import Ledger
from tests.district import District, person
from tests.matcher_bench import MATCHER, Bench

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@dataclass
class Carried:
    """What one unit and side has prepared: messages in their order."""

    district: District
    unit: str
    side: Side
    first: int = 1

    def __post_init__(self) -> None:
        self.messages: list[Message] = []

    def seal(self, *numbers: int) -> SealedBatch:
        seq = self.first + len(self.messages)
        sealed = self.district.seal(self.unit, self.side, [person(n) for n in numbers], seq=seq)
        self.messages.append(sealed.batch)
        return sealed

    def withdraw(self, *rids: bytes) -> None:
        seq = self.first + len(self.messages)
        self.messages.append(self.district.withdraw(self.unit, self.side, rids, seq=seq))

    def write(self, folder: Path) -> Path:
        return write(folder, self.messages)


def write(folder: Path, messages: Sequence[Message]) -> Path:
    head, data = pack_file([message.encode() for message in messages])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / head.file_name
    path.write_bytes(data)
    return path


def load(bench: Bench, folder: Path, hits_per_batch: int = 200_000) -> Loaded:
    history = History(bench.database, bench.district.log_signer)
    use_case = LoadHistory(history, bench.use.epochs, hits_per_batch, MATCHER, bench.clock)
    return use_case.run(folder, bench.folder)


def send(bench: Bench, messages: Sequence[Message]) -> list[Receipt]:
    """By the wire's use case."""
    receipts = []
    for message in messages:
        if isinstance(message, Withdrawal):
            receipts.append(bench.use.intake.withdraw(message.unit, message))
        else:
            receipts.append(bench.use.intake.accept(message.header.unit, message))
    return receipts


def log_head(bench: Bench) -> tuple[int, bytes]:
    return Ledger(bench.database).head()


def make_folder(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return path
