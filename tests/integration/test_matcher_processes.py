"""Two real matcher servers over mutual TLS on one PostgreSQL: one matcher to everybody who calls either."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import cycle

import pytest

from libmatch.auditlog import (
    Checkpoint,
    encode_batch_leaf,
    follow_checkpoint,
    log_origin,
    open_checkpoint,
    verify_inclusion,
    verify_receipt,
)
from libmatch.batch import admit_batch
from libmatch.errors import ServiceError
from libmatch.records import Batch, Receipt, Side
from services.chassis.db import Database
from services.matcher.store.joins import Rejoin, rejoin
from tests.chassis_pki import Pki
from tests.district import District, make_district, person
from tests.matcher_process import ROOT, MatcherProcess
from tests.postgresql import PostgresqlServer

UNITS = 3  # of each side
ROUNDS = 4
PERSONS = 10  # of a batch
Matchers = tuple[MatcherProcess, MatcherProcess]


@pytest.fixture(scope="module")
def url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    url = postgresql_server.create_database()
    yield url
    postgresql_server.drop_database(url)


@pytest.fixture(scope="module")
def matchers(tmp_path_factory: pytest.TempPathFactory, pki: Pki, url: str) -> Iterator[Matchers]:
    district = make_district(
        registry=[f"reg-{i}" for i in range(UNITS + 1)],
        beneficiary=[f"ben-{i}" for i in range(UNITS + 1)],
        now=datetime.now(UTC),
    )
    with ExitStack() as running:
        first, second = (
            running.enter_context(
                MatcherProcess(
                    tmp_path_factory.mktemp(name), district, pki, database=f'url = "{url}"'
                )
            )
            for name in ("first", "second")
        )
        yield first, second


def batches(district: District, side: Side, number: int) -> list[Batch]:
    """The batches of unit ``number``: both sides have the same persons, each once."""
    unit = ("reg" if side is Side.REGISTRY else "ben") + f"-{number}"
    return [
        district.seal(
            unit,
            side,
            [person(1 + PERSONS * (turn * UNITS + number) + i) for i in range(PERSONS)],
            seq=turn + 1,
        ).batch
        for turn in range(ROUNDS)
    ]


class Witness:
    """Follows the log, its heads from one process and their proofs from the other, in turn."""

    def __init__(self, matchers: Matchers) -> None:
        self._clients = [matcher.unit("reg-0") for matcher in matchers]
        self._district = matchers[0].district
        self.seen: Checkpoint | None = None
        self.heads = 0

    def look(self) -> Checkpoint:
        """The newest head. Raises LogError where it does not extend what was seen."""
        one, other = self._clients
        self._clients.reverse()
        key, origin = self._district.manifest.log_key, log_origin(self._district.name)
        new = open_checkpoint(one.get_checkpoint(), origin, key)
        proof: list[bytes] = []
        if self.seen is not None and self.seen.size not in (0, new.size):
            proof = other.get_consistency_proof(self.seen.size, new.size)
        self.seen = follow_checkpoint(self.seen, new, proof)
        self.heads += 1
        return new

    def watch(self, until: threading.Event) -> None:
        while not until.wait(0.02):
            self.look()


def test_units_submit_to_both_and_meet_one_matcher(matchers: Matchers, url: str) -> None:
    district = matchers[0].district
    who = [(side, number) for side in Side for number in range(UNITS)]
    sealed = {one: batches(district, *one) for one in who}
    witness, done = Witness(matchers), threading.Event()

    def submit(one: tuple[Side, int]) -> list[Receipt]:
        receipts = []
        for turn, batch in enumerate(sealed[one]):
            here, there = matchers if turn % 2 else matchers[::-1]
            unit = batch.header.unit
            receipts.append(here.unit(unit).submit(batch))
            assert there.unit(unit).submit(batch) == receipts[-1]
        return receipts

    with ThreadPoolExecutor(len(who) + 1) as pool:
        watching = pool.submit(witness.watch, done)
        receipts = dict(zip(who, pool.map(submit, who), strict=True))
        done.set()
        watching.result()
    pairs, kept = UNITS * ROUNDS * PERSONS, 2 * UNITS * ROUNDS
    head = witness.look()
    assert witness.heads > 2
    assert head.size == pairs + kept  # one log without a gap, and no hit twice
    _check_receipts(matchers, sealed, receipts, head)
    with Database(url, read_only=True) as database:
        assert rejoin(database) == Rejoin(pairs=pairs, missed=0, surplus=0)


def _check_receipts(
    matchers: Matchers,
    sealed: dict[tuple[Side, int], list[Batch]],
    receipts: dict[tuple[Side, int], list[Receipt]],
    head: Checkpoint,
) -> None:
    """Every receipt is signed and has a place of its own in the log, as either process proves."""
    district, places = matchers[0].district, set()
    for one, given in receipts.items():
        for matcher, batch, receipt in zip(cycle(matchers), sealed[one], given, strict=False):
            member = district.roster.find(batch.header.unit)
            digest = admit_batch(district.manifest, member, batch).digest
            verify_receipt(district.manifest, receipt, digest)
            client = matcher.unit(batch.header.unit)
            _, path = client.get_inclusion_proof(receipt.leaf_index, head.size)
            seq, at_us = receipt.seq, receipt.accepted_at_us
            entry = encode_batch_leaf(digest, receipt.side, receipt.unit, seq, at_us)
            verify_inclusion(head, receipt.leaf_index, entry, path)
            places.add(receipt.leaf_index)
    assert len(places) == sum(map(len, receipts.values()))


def test_what_one_process_did_not_answer_the_other_answers(matchers: Matchers, url: str) -> None:
    first, second = matchers
    unit = f"reg-{UNITS}"
    batch = first.district.seal(unit, Side.REGISTRY, [person(10_001)]).batch
    receipt = first.unit(unit).submit(batch)
    first.kill()
    assert second.unit(unit).submit(batch) == receipt
    other = second.district.seal(f"ben-{UNITS}", Side.BENEFICIARY, [person(10_001)]).batch
    second.unit(f"ben-{UNITS}").submit(other)
    first.start()
    with pytest.raises(ServiceError) as refusal:
        first.unit(unit).submit(
            first.district.seal(unit, Side.REGISTRY, [person(10_002)], seq=3).batch
        )
    assert refusal.value.reason == "SEQUENCE"  # it knows what the other one took meanwhile
    with Database(url, read_only=True) as database:
        full = rejoin(database)
    assert full.agrees
    assert full.pairs % PERSONS == 1


def test_the_nightly_full_join_runs_beside_both(matchers: Matchers) -> None:
    command = [sys.executable, "-m", "services.matcher.rejoin", "--config", str(matchers[1].config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["agrees"]
