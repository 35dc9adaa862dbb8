"""On PostgreSQL too: the matcher is killed, and the database server itself, under load.

The server of the second test syncs; it is stopped at once, or its processes are killed, while units submit.
What was acknowledged is there when it has recovered, and the matcher goes on without a restart of its own.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis.refusals import Overloaded, StorageFailed
from tests.crash_story import Seen, Story, Stream, story_district
from tests.crash_work import Work
from tests.judge_store import Kind, judge
from tests.kill_cycles import run_apart
from tests.postgresql import PostgresqlServer, server_folder


@pytest.mark.campaign
def test_killing_the_matcher_on_postgresql_loses_and_doubles_nothing(
    postgresql_server: PostgresqlServer, long: bool
) -> None:
    cycles = 500 if long else 20
    for district in range(-(-cycles // 25)):
        postgresql_server.create_database(f"kill_{district}")
    report = run_apart(cycles, "--url", postgresql_server.url("kill_{}"))
    assert not report["faults"], report
    assert report["cycles"] == cycles


class Load:
    """All streams submit, in threads, whatever becomes of the database."""

    def __init__(self, work: Work, story: Story, seen: Seen) -> None:
        self._work, self._story, self._seen = work, story, seen
        self._over = threading.Event()
        self.refused = 0
        self.failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._submit, args=(stream, number))
            for stream, number in seen.reached().items()
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _submit(self, stream: Stream, number: int) -> None:
        sent = self._story.streams[stream]
        while not self._over.is_set() and number < len(sent):
            try:
                self._work.submit(sent[number])
                number += 1
            except (StorageFailed, Overloaded):  # what a unit waits and sends again for
                self.refused += 1
                time.sleep(0.05)
            except BaseException as error:  # noqa: BLE001  # reported by the test's own thread
                self.failures.append(error)
                return


@pytest.fixture
def synced_server() -> Iterator[PostgresqlServer]:
    """A server that syncs; what is committed without waiting stays unwritten for long."""
    settings = ("wal_writer_delay=10s",)
    with server_folder() as folder, PostgresqlServer(folder, fsync=True, settings=settings) as one:
        yield one


@pytest.mark.campaign
def test_a_crash_of_the_server_itself_loses_nothing_acknowledged(
    tmp_path: Path, synced_server: PostgresqlServer, long: bool
) -> None:
    seed = random.randrange(1 << 32)
    rng, seen, refused = random.Random(seed), Seen(), 0
    story = Story(story_district(), rng)
    story.district.write_epoch(tmp_path)

    url = synced_server.create_database("matcher")
    with Work(url, tmp_path, story.district, story.district.now, lambda f: seen.note(*f)) as work:
        for crash in range(40 if long else 4):
            story.extend(30, seen.reached())
            with Load(work, story, seen) as load:
                time.sleep(rng.uniform(0.05, 0.5) if crash else 0.05)
                crash_server(synced_server, by_kill=bool(crash % 2))
                time.sleep(0.2 if crash else 3.0)  # once for longer than a call is repeated inside
                start_again(synced_server)
                time.sleep(0.3)
            assert not load.failures, f"seed {seed}: {load.failures}"
            refused += load.refused
            faults = judge(work.database, story, seen)
            assert not faults, f"seed {seed}, crash {crash}: {faults[:5]}"
    assert refused, "no call met with a crash"
    print(f"seed {seed}: {len(seen.of('receipt'))} receipts, {refused} refusals")


def test_where_commits_do_not_wait_the_same_crash_loses(
    tmp_path: Path, synced_server: PostgresqlServer
) -> None:
    seen, story = Seen(), Story(story_district(), random.Random(1))
    story.extend(30)
    story.district.write_epoch(tmp_path)
    url = synced_server.create_database("matcher")
    with Work(url, tmp_path, story.district, story.district.now, lambda f: seen.note(*f)) as work:
        # Behind the back of the service, which refuses such a server when it connects.
        set_synchronous_commit(synced_server, "off")
        with Load(work, story, seen):
            while len(seen.facts) < 10:
                time.sleep(0.02)
            crash_server(synced_server, by_kill=False)
        start_again(synced_server)
        set_synchronous_commit(synced_server, "on")
        kinds = {fault.kind for fault in judge(work.database, story, seen)}
    assert kinds == {Kind.LOST}


def set_synchronous_commit(server: PostgresqlServer, value: str) -> None:
    server.execute(f"ALTER SYSTEM SET synchronous_commit = {value}")
    server.execute("SELECT pg_reload_conf()")
    time.sleep(0.1)


def crash_server(server: PostgresqlServer, *, by_kill: bool) -> None:
    """An immediate shutdown, or SIGKILL for the first of its processes: the others end with it."""
    if by_kill:
        os.kill(server.pid, signal.SIGKILL)
    server.stop_at_once()


def start_again(server: PostgresqlServer) -> None:
    """Once the processes of before have gone."""
    for _ in range(50):
        try:
            return server.start()
        except RuntimeError:
            time.sleep(0.1)
    raise AssertionError("the server does not start again")
