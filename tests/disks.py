"""What a disk still holds after the power failed: only what was synced, and any part of the rest.

::

    disk = Disk()
    disk.opened("matcher.db"); disk.wrote("matcher.db", 0, page); disk.synced("matcher.db")
    disk.write_image(folder, Survival.SUBSET, random.Random(7))      # the files as they would be found

The model is stricter than most disks and file systems:

- What was written to a file, and its length, is certain from the next sync of that file on. Until then each
  sector of 512 bytes of each write survives or not on its own, in any order, whatever came later; so a write
  may be torn. Under ``GARBAGE`` a sector that did not survive holds neither old nor new bytes.
- A file's name (made, deleted) is certain from the next sync of the folder on, until then it is there or not.
- A write changes nothing outside its own bytes (SQLite's "powersafe overwrite", its default for Unix).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

SECTOR = 512


class Survival(Enum):
    """Which of the unsynced changes survive."""

    NOTHING = "nothing"
    PREFIX = "all up to some moment, the last write torn"
    SUBSET = "any subset of sectors and names"
    GARBAGE = "any subset, and garbage in place of other sectors"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class _Change:
    """Unsynced: ``data`` at ``offset``, or the file cut to ``offset`` bytes where there is none."""

    offset: int
    data: bytes | None

    def apply(self, content: bytearray) -> None:
        if self.data is None:
            del content[self.offset :]
            content.extend(bytes(self.offset - len(content)))
            return
        content.extend(bytes(max(0, self.offset - len(content))))
        content[self.offset : self.offset + len(self.data)] = self.data

    def sectors(self) -> Iterator[_Change]:
        """The change in pieces that survive or not, each on its own."""
        if self.data is None:
            yield self
            return
        at, end = self.offset, self.offset + len(self.data)
        while at < end:
            until = min(end, (at // SECTOR + 1) * SECTOR)
            yield _Change(at, self.data[at - self.offset : until - self.offset])
            at = until


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[_Change] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.pending:
            change.apply(self.durable)
        self.pending.clear()

    def survivor(self, survival: Survival, rng: random.Random) -> bytes:
        """What would be read from the file after the power failed."""
        content = bytearray(self.durable)
        for change in _surviving(self.pending, survival, rng):
            change.apply(content)
        return bytes(content)


def _surviving(pending: list[_Change], survival: Survival, rng: random.Random) -> Iterator[_Change]:
    match survival:
        case Survival.NOTHING:
            return
        case Survival.EVERYTHING:
            yield from pending
        case Survival.PREFIX:
            pieces = [piece for change in pending for piece in change.sectors()]
            yield from pieces[: rng.randint(0, len(pieces))]
        case Survival.SUBSET | Survival.GARBAGE:
            share = rng.random()
            for change in pending:
                for piece in change.sectors():
                    if rng.random() < share:
                        yield piece
                    elif survival is Survival.GARBAGE and piece.data and rng.random() < 0.5:
                        yield _Change(piece.offset, rng.randbytes(len(piece.data)))


class Disk:
    """One folder, by the names of its files; told of every change after it was made."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._durable_names: dict[str, _File] = {}
        self._pending_names: list[tuple[str, _File | None]] = []

    def opened(self, name: str) -> None:
        """The file exists, whoever made it; a new one is empty."""
        if name not in self._files:
            self._files[name] = _File()
            self._pending_names.append((name, self._files[name]))

    def wrote(self, name: str, offset: int, data: bytes) -> None:
        self._files[name].pending.append(_Change(offset, data))

    def truncated(self, name: str, size: int) -> None:
        self._files[name].pending.append(_Change(size, None))

    def synced(self, name: str) -> None:
        self._files[name].sync()

    def deleted(self, name: str) -> None:
        if self._files.pop(name, None) is not None:
            self._pending_names.append((name, None))

    def folder_synced(self) -> None:
        self._durable_names = dict(self._files)
        self._pending_names.clear()

    @property
    def is_settled(self) -> bool:
        """Nothing is unsynced: every survival is the same."""
        return not self._pending_names and not any(f.pending for f in self._files.values())

    def write_image(self, folder: Path, survival: Survival, rng: random.Random) -> None:
        """Into the empty ``folder``: the files as they are found after the power failed now."""
        names = dict(self._durable_names)
        for name, file in self._surviving_names(survival, rng):
            if file is None:
                names.pop(name, None)
            else:
                names[name] = file
        for name, file in names.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as written:
                written.write(file.survivor(survival, rng))

    def _surviving_names(
        self, survival: Survival, rng: random.Random
    ) -> list[tuple[str, _File | None]]:
        pending = self._pending_names
        match survival:
            case Survival.NOTHING:
                return []
            case Survival.EVERYTHING:
                return pending
            case Survival.PREFIX:
                return pending[: rng.randint(0, len(pending))]
            case _:
                return [change for change in pending if rng.random() < 0.5]
