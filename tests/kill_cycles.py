"""kill -9 in a loop under load: ``python -m tests.kill_cycles --cycles 150 --seed 7``.

Each cycle is one life of a matcher. This process forks; the child opens the same database and serves all
units at once (new submissions, repetitions, withdrawals, unfinished uploads, questions to the gate, notices,
heads of the log, now and then an erasure of traces) until it is killed with SIGKILL at a random moment,
perhaps while it still starts. What it had answered has come here through a pipe. What is left is judged row
by row (``tests.judge_store``), a SQLite file on a copy, so that the next child recovers the file itself.
After some lives all is sent again without a kill and judged once more, and a new district begins.

Prints one line of JSON (``Report``); the seed in it gives the same work again, if not the same moments. No
gRPC runs here, so that a fork is safe and cheap: the whole service is killed in ``tests.hostile``.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from libmatch.records import Receipt
from services.chassis.db import Database, to_micros
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from tests.crash_crowd import Crowd
from tests.crash_story import Contradiction, Fact, Seen, Story, story_district
from tests.crash_work import Tell, Work
from tests.judge_store import Fault, Kind, judge, judge_copy

_ROOT = Path(__file__).resolve().parent.parent
_LIVES = 25  # of one district
_AHEAD = 15  # submissions of each stream that one life may get through
_JITTER_S = 0.02  # between the last answer that was waited for and the end
_PATIENCE_S = 20.0
_START_S = 0.04  # within which some are killed that are not


@dataclass
class Report:
    """What a campaign did and found."""

    seed: int
    cycles: int = 0
    killed_while_starting: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # different ones
    kept_unanswered: int = 0  # submissions whose receipt was lost with the process
    faults: list[str] = field(default_factory=list)
    cpu_seconds: float = 0.0


class Generation:
    """One district and its database at ``url``, for several lives of its matcher."""

    def __init__(self, folder: Path, url: str, seed: str, report: Report) -> None:
        self._folder, self._url, self._seed, self._report = folder, url, seed, report
        self._rng = random.Random(seed)
        self._story, self._seen = Story(story_district(), self._rng), Seen()
        self._story.district.write_epoch(folder / "kit")
        self._lives = 0

    def cycle(self) -> None:
        """One life, its end, and the judgement."""
        self._lives += 1
        self._story.extend(_AHEAD, self._seen.reached())
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            self._live(writer)
        os.close(writer)
        with open(reader, "rb", buffering=0) as answers:
            self._listen_and_kill(child, answers.fileno())
        self._report.cycles += 1
        self._judge()

    def finish(self) -> None:
        """Everything is sent again and taken, with the receipts as before; nothing is lacking."""
        self._lives += 1
        with self._open(self._note) as work:
            for sent in (one for stream in self._story.streams.values() for one in stream):
                work.submit(sent)
        self._judge()
        self._report.answers.update(kind for kind, _ in self._seen.facts)

    @property
    def _moment(self) -> datetime:
        """What the matcher's clock shows, another time in each life."""
        return self._story.district.now + timedelta(seconds=self._lives)

    def _open(self, tell: Tell) -> Work:
        return Work(self._url, self._folder / "kit", self._story.district, self._moment, tell)

    def _live(self, writer: int) -> None:
        """The child: never returns."""

        def tell(fact: Fact) -> None:  # one write below PIPE_BUF: whole or not there
            os.write(writer, json.dumps(fact).encode() + b"\n")

        try:
            with self._open(tell) as work:
                tell(("ready", "", ""))
                Crowd(work, self._story, self._seen, f"{self._seed}/{self._lives}").serve()
        except BaseException:  # noqa: BLE001  # told to the parent, which reports it
            os.write(writer, json.dumps(("error", "", traceback.format_exc()[-3000:])).encode())
        finally:
            os._exit(1)

    def _listen_and_kill(self, child: int, answers: int) -> None:
        """A life ends early, or soon after so many answers: on a slow machine as on a fast one."""
        early = self._rng.random() < 0.2
        heard = b"".join(
            self._hear_early(answers) if early else self._hear(answers, self._rng.randint(1, 40))
        )
        time.sleep(0 if early else self._rng.uniform(0, _JITTER_S))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while piece := os.read(answers, 1 << 16):
            heard += piece
        lines = heard.splitlines()
        self._report.killed_while_starting += not lines
        for line in lines:
            self._note(json.loads(line))

    def _hear_early(self, answers: int) -> Iterator[bytes]:
        if select.select([answers], [], [], self._rng.uniform(0, _START_S))[0]:
            yield os.read(answers, 1 << 16)

    def _hear(self, answers: int, count: int) -> Iterator[bytes]:
        """What comes until there are ``count`` answers, the process ends, or it takes too long."""
        while count > 0 and select.select([answers], [], [], _PATIENCE_S)[0]:
            piece = os.read(answers, 1 << 16)
            if not piece:
                return
            yield piece
            count -= piece.count(b"\n")

    def _note(self, fact: Fact) -> None:
        kind, about, value = fact
        if kind == "error":
            self._report.faults.append(f"{self._seed}/{self._lives}: {value}")
        elif kind != "ready":
            if kind == "receipt" and (kind, about) not in self._seen.facts:
                receipt = Receipt.decode(bytes.fromhex(value))
                self._report.kept_unanswered += receipt.accepted_at_us < to_micros(self._moment)
            try:
                self._seen.note(kind, about, value)
            except Contradiction as error:
                self._add([Fault(Kind.REWRITTEN, str(error))])

    def _judge(self) -> None:
        if not self._url.startswith("sqlite:"):
            with closing(Database(self._url)) as database:
                migrate(database, VERSIONS)
                self._add(judge(database, self._story, self._seen))
            return
        path = Path(self._url.removeprefix("sqlite:///"))
        self._add(judge_copy(path, self._story, self._seen))

    def _add(self, faults: list[Fault]) -> None:
        where = f"{self._seed}/{self._lives}"
        self._report.faults += [f"{where}: {fault.kind.value}: {fault.what}" for fault in faults]


def run(folder: Path, url: str, cycles: int, seed: int) -> Report:
    """``url`` may hold ``{}``: the number of the district, each with a database of its own."""
    report = Report(seed)
    for number, first in enumerate(range(0, cycles, _LIVES)):
        home = folder / str(number)
        (home / "data").mkdir(parents=True)
        generation = Generation(home, url.format(number), f"{seed}/{number}", report)
        for _ in range(min(_LIVES, cycles - first)):
            generation.cycle()
            if report.faults:
                return report
        generation.finish()
        shutil.rmtree(home)
    return report


def run_apart(cycles: int, *arguments: str) -> dict[str, Any]:
    """The report of this module as a process of its own, under a new seed: a test's process has threads."""
    seed = str(random.randrange(1 << 32))
    command = [sys.executable, "-m", "tests.kill_cycles", "--cycles", str(cycles), "--seed", seed]
    done = subprocess.run(
        [*command, *arguments], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    if not done.stdout:
        raise RuntimeError(f"seed {seed}: {done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def main() -> int:
    """1 where a fault was found."""
    parser = argparse.ArgumentParser(prog="kill_cycles", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cycles", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", default="", help="of a PostgreSQL database; {} is the district")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.url or f"sqlite:///{folder}/{{0}}/data/matcher.db"
        report = run(Path(folder), url, arguments.cycles, arguments.seed)
    spent = os.times()
    report.cpu_seconds = round(sum(spent[:4]), 1)
    print(json.dumps(vars(report), ensure_ascii=False))
    return int(bool(report.faults))


if __name__ == "__main__":
    sys.exit(main())
