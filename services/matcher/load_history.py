"""Taking in the files of a first load: each message is checked as if its unit had sent it.

All or nothing: one file that does not hold, and nothing of the load is kept. The limit of records in a day
does not apply: the operator names the files, and each record is signed and logged as any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from libmatch.accel.kernels import WORTH_COMPILING, Kernel
from libmatch.accel.rows import Rows, get_rows
from libmatch.batch import AdmittedBatch, admit_batch, admit_withdrawal
from libmatch.batch_files import SUFFIX, FileHead, Message, read_head, read_messages
from libmatch.errors import EpochError, LibmatchError
from libmatch.manifest import Manifest, Member
from libmatch.records import RID_SIZE, WORD, Batch, Withdrawal
from libmatch.suites import AEAD_TAG_SIZE
from services.chassis.identity import Identity
from services.chassis.refusals import ChassisError
from services.matcher.epoch import EpochFolder
from services.matcher.store.history import History, Loaded, Loading, LoadOrder, LoadRefused

_AHEAD = 4  # messages that are checked while another is being stored: some 6 MB


@dataclass(frozen=True)
class _File:
    """A file whose head was read; ``where`` names it to the operator."""

    path: Path
    where: str
    head: FileHead

    @property
    def order(self) -> tuple[str, int, int, str]:
        """Unit by unit, and by number; of two files from one number on, by name."""
        return self.head.unit, self.head.side, self.head.first, self.where


@dataclass(frozen=True)
class _Checked:
    """A message that holds by itself; or, with ``problem``, why the rest of its file was not looked at."""

    where: str
    batch: AdmittedBatch | None = None
    withdrawal: tuple[Withdrawal, bytes] | None = None
    problem: str = ""


class LoadHistory:
    """Loads folders of files (docs/spec/batch-files.md)."""

    def __init__(
        self,
        history: History,
        epochs: EpochFolder,
        hits_per_batch: int,
        actor: Identity,
        now: Callable[[], datetime],
    ) -> None:
        self._history = history
        self._epochs = epochs
        self._hits_per_batch = hits_per_batch
        self._actor = actor
        self._now = now

    def run(self, folder: Path, scratch: Path) -> Loaded:
        """What came of all files below ``folder``; what was loaded or sent before changes nothing.

        ``scratch``: where tables of tokens may lie meanwhile. Raises LoadRefused, which names every file that
        does not hold, and nothing is kept; EpochError out of the epoch; OSError.
        """
        manifest = self._epochs.in_force().manifest
        files, problems = self._survey(folder)
        row_size = RID_SIZE + 4 * WORD + manifest.bucket + AEAD_TAG_SIZE
        count = sum(file.path.stat().st_size for file in files) // row_size
        rows = get_rows(manifest.suite, None if count >= WORTH_COMPILING else Kernel.LIBRARY)
        order = LoadOrder(
            epoch=manifest.epoch_id,
            suite=self._epochs.suite,
            hits_per_batch=self._hits_per_batch,
            rows=count,
            scratch=scratch,
            actor=self._actor,
            at=self._now(),
        )

        def fill(loading: Loading) -> None:
            found = list(problems)
            for one in _run_ahead(self._check_all(files, manifest, rows)):
                found += _take(loading, one, doomed=bool(found))
            if found:
                raise LoadRefused(found)

        return self._history.load(order, fill)

    def _survey(self, folder: Path) -> tuple[list[_File], list[tuple[str, str]]]:
        """The files in the order in which they are taken, and what is wrong with others."""
        files, problems = list[_File](), list[tuple[str, str]]()
        for path in sorted(folder.rglob(f"*{SUFFIX}")):
            where = str(path.relative_to(folder))
            try:
                with path.open("rb") as opened:
                    file = _File(path, where, read_head(opened))
                self._find_member(file.head)
            except (LibmatchError, ChassisError) as error:
                problems.append((where, str(error)))
            else:
                files.append(file)
        if not files and not problems:
            problems.append((str(folder), f"there is no file *{SUFFIX} in this folder"))
        return sorted(files, key=lambda file: file.order), problems

    def _find_member(self, head: FileHead) -> Member:
        if head.epoch != self._epochs.manifest.epoch_id:
            raise EpochError("the file is of another epoch than the one in force")
        return self._epochs.member(head.unit)

    def _check_all(
        self, files: Sequence[_File], manifest: Manifest, rows: Rows
    ) -> Iterator[_Checked]:
        """Every message of every file; a file that does not hold ends with its problem."""
        for file in files:
            try:
                member = self._find_member(file.head)
                with file.path.open("rb") as opened:
                    head = read_head(opened)
                    for message in read_messages(opened, head, manifest.bucket):
                        checked = _check(manifest, member, message, rows)
                        yield replace(checked, where=file.where)
            except (LibmatchError, ChassisError) as error:
                yield _Checked(file.where, problem=str(error))
            else:
                structlog.get_logger().info("load.file", file=file.where, messages=head.count)


def _check(manifest: Manifest, member: Member, message: Message, rows: Rows) -> _Checked:
    if isinstance(message, Batch):
        return _Checked("", batch=admit_batch(manifest, member, message, rows))
    return _Checked("", withdrawal=(message, admit_withdrawal(manifest, member, message)))


def _take(loading: Loading, one: _Checked, *, doomed: bool) -> list[tuple[str, str]]:
    """The problem with a message, if there is one. Of a load that is doomed nothing more is stored."""
    if one.problem:
        return [(one.where, one.problem)]
    if doomed:
        return []
    try:
        if one.batch is not None:
            loading.take_batch(one.batch, one.where)
        if one.withdrawal is not None:
            loading.take_withdrawal(*one.withdrawal, one.where)
    except LibmatchError as error:
        return [(one.where, str(error))]
    return []


def _run_ahead(items: Iterator[_Checked]) -> Iterator[_Checked]:
    """The items in their order, made by a thread of its own: both cores work, on hashes and on rows."""
    with ThreadPoolExecutor(1, "check") as worker:
        waiting = deque[Future[_Checked | None]]()
        while len(waiting) < _AHEAD:
            waiting.append(worker.submit(next, items, None))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(worker.submit(next, items, None))
            yield item
