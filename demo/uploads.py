"""All units bring their files, several at a time; if wanted, the matcher is killed in the middle."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from demo.failure import DemoFailure
from demo.parties import Office, blaming
from demo.processes import Processes, Program
from demo.stolen import count_accepted
from services.cli.peers import ImportReport

MATCHER = "matcher"
_BATCH = 2048  # rows of a full batch
_POLL_S = 0.2
_AIM_S = 0.01  # between looks at what the matcher has accepted, to kill it in the middle
_STRIKE_S = 0.001  # between looks at its journal, to kill it while it writes
_RETRY_S = 0.2
_SEND_S = 600.0


@dataclass(frozen=True)
class SheetFile:
    """A file that a clerk imports. ``rows``: entries in it, for the progress bar."""

    path: Path
    rows: int


@dataclass(frozen=True)
class Upload:
    """Everything that one office brings."""

    office: Office
    files: tuple[SheetFile, ...]

    @property
    def batches(self) -> int:
        """How many batches it will come to, about."""
        return -(-sum(file.rows for file in self.files) // _BATCH)


@dataclass
class Kill:
    """What became of the wish to kill the matcher.

    ``accepted_before``: batches it had accepted by then. ``while_writing``: its journal had just changed.
    """

    wanted: bool
    done: bool = False
    during_upload: bool = False
    while_writing: bool = False
    accepted_before: int = 0


@dataclass
class Uploads:
    """Runs the uploads. ``tell`` gets rows as they are taken in; ``reports`` go by path."""

    uploads: Sequence[Upload]
    processes: Processes
    database: Path
    tell: Callable[[int], None]
    kill: Kill
    reports: dict[Path, ImportReport] = field(default_factory=dict)
    _stop: Event = field(default_factory=Event)

    def run(self) -> None:
        """Return when every record is accepted by the matcher. Raises DemoFailure."""
        workers = ThreadPoolExecutor(max(2, os.cpu_count() or 2))
        try:
            futures = [workers.submit(self._bring, upload) for upload in self.uploads]
            self._watch(futures)
            for future in futures:
                future.result()
        finally:
            self._stop.set()
            workers.shutdown(wait=False, cancel_futures=True)

    def _bring(self, upload: Upload) -> None:
        office = upload.office
        for file in upload.files:
            with blaming(office.process):
                report = office.client.import_sheet(
                    file.path.name, file.path.read_bytes(), lambda _: None
                )
            self.reports[file.path] = report
            self.tell(file.rows)
            if self._stop.is_set():
                return
        send_all(office, self._stop)

    def _watch(self, futures: Sequence[Future[None]]) -> None:
        """Return when all are done or one failed; kills and restarts the matcher on the way."""
        threshold = max(2, sum(upload.batches for upload in self.uploads) // 3)
        while not _finished(futures, _AIM_S if self._aiming else _POLL_S):
            self.processes.check()
            if self._aiming:
                accepted = count_accepted(self.database)
                if accepted >= threshold:
                    self.kill.while_writing = self._await_write(futures)
                    self._kill(accepted, during_upload=True)
        if self._aiming:  # it was over too quickly
            self._kill(count_accepted(self.database), during_upload=False)

    @property
    def _aiming(self) -> bool:
        return self.kill.wanted and not self.kill.done

    def _await_write(self, futures: Sequence[Future[None]]) -> bool:
        """True as soon as the matcher writes into its journal; False where all is sent before."""
        journal = self.database.with_name(f"{self.database.name}-wal")
        before = journal.stat().st_mtime_ns
        while not _finished(futures, _STRIKE_S):
            if journal.stat().st_mtime_ns != before:
                return True
        return False

    def _kill(self, accepted: int, *, during_upload: bool) -> None:
        address = self.processes[MATCHER].address
        program = self.processes.kill(MATCHER)
        self.kill.done, self.kill.during_upload = True, during_upload
        self.kill.accepted_before = accepted
        # The units know it under its old port.
        settings = {**program.settings, "LIBMATCH_MATCHER__LISTEN__ADDRESS": address}
        again = Program(program.name, program.module, program.config, settings)
        list(self.processes.start([again]))


def _finished(futures: Sequence[Future[None]], within_s: float) -> bool:
    done, pending = wait(futures, timeout=within_s, return_when=FIRST_EXCEPTION)
    return not pending or any(future.exception() for future in done)


def send_all(office: Office, stop: Event | None = None) -> int:
    """The number of notices that came, once nothing of the office waits to be sent. Raises DemoFailure."""
    ends_at = time.monotonic() + _SEND_S
    notices = 0
    while stop is None or not stop.is_set():
        with blaming(office.process):
            done = office.client.sync()
        notices += done.notices
        if not done.waiting:
            break
        if time.monotonic() > ends_at:
            raise DemoFailure(f"{office.title_zh}：数据一直没有发出", office.process.stderr)
        time.sleep(_RETRY_S)
    return notices
