"""SIGTERM under load loses nothing that was acknowledged. Real processes over mutual TLS."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libmatch.client import MatcherClient
from libmatch.errors import ServiceError
from libmatch.records import Batch, Receipt, Side
from services.chassis.client import open_channel
from services.chassis.config import PeerSettings, TlsSettings
from services.chassis.db import Database
from services.chassis.server import ExitCode
from services.matcher.store.joins import rejoin
from tests.chassis_echo import SERVER, calling
from tests.chassis_pki import Pki
from tests.crowd import EchoProcess, call_records, unit, until
from tests.district import District, make_district, person
from tests.matcher_process import MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
_GRACE = "[limits]\nshutdown_grace_s = 15\n"


class Outbox:
    """One unit's submissions over a channel that repeats nothing by itself."""

    def __init__(self, district: District, name: str, side: Side, tls: TlsSettings) -> None:
        self._district = district
        self._name = name
        self._side = side
        self._tls = tls
        self._sealed: list[Batch] = []
        self.receipts: list[Receipt] = []
        self.failures: list[ServiceError] = []

    def batch(self, seq: int) -> Batch:
        """The unit's batch of that number, sealed once."""
        while len(self._sealed) < seq:
            number = len(self._sealed) + 1
            persons = [person(2 * number), person(2 * number + 1)]
            sealed = self._district.seal(self._name, self._side, persons, seq=number)
            self._sealed.append(sealed.batch)
        return self._sealed[seq - 1]

    @contextmanager
    def calling(self, address: str) -> Iterator[MatcherClient]:
        peer = PeerSettings(address=address, identity=SERVER, timeout_s=60)
        with closing(open_channel(peer, self._tls)) as channel:
            yield MatcherClient(channel)

    def send(self, address: str) -> None:
        """Submits one batch after the other until the matcher is no longer there."""
        with self.calling(address) as client:
            while True:
                try:
                    receipt = client.submit(self.batch(len(self.receipts) + 1))
                except ServiceError as error:
                    self.failures.append(error)
                    return
                self.receipts.append(receipt)

    def check(self, address: str) -> None:
        """Every receipt is there still, and the same batch again gets it."""
        with self.calling(address) as client:
            for receipt in self.receipts:
                assert client.get_receipt(self._side, receipt.seq) == receipt
            if self.receipts:
                last = self.receipts[-1]
                assert client.submit(self.batch(last.seq)) == last


@pytest.mark.campaign
@pytest.mark.slow
def test_sigterm_under_load_loses_nothing_that_was_acknowledged(
    tmp_path: Path, pki: Pki, long: bool
) -> None:
    rng = random.Random(4)
    district = make_district(registry=("reg-a", "reg-b", "reg-c"), now=datetime.now(UTC))
    matcher = MatcherProcess(tmp_path, district, pki, extra=_GRACE)
    sides = {"reg-a": REG, "reg-b": REG, "reg-c": REG, "ben-a": BEN}
    outboxes = [Outbox(district, name, side, pki.issue(unit(name))) for name, side in sides.items()]
    for _ in range(150 if long else 10):
        matcher.start()
        for outbox in outboxes:
            outbox.check(matcher.address)
        with ThreadPoolExecutor(len(outboxes)) as pool:
            for outbox in outboxes:
                pool.submit(outbox.send, matcher.address)
            time.sleep(rng.uniform(0, 0.4))
            matcher.terminate()
            assert matcher.wait() == ExitCode.OK
        matcher.stop()
    with matcher:
        for outbox in outboxes:
            outbox.check(matcher.address)
    assert min(len(outbox.receipts) for outbox in outboxes) > 0
    with Database(f"sqlite:///{matcher.database}", read_only=True) as database:
        found = rejoin(database)
    # Batches of a number are about the same two persons: three declarations of each, and an item.
    acknowledged = min(len(outbox.receipts) for outbox in outboxes)
    assert (found.missed, found.surplus) == (0, 0)
    assert found.pairs >= 3 * 2 * acknowledged
    # Each was told either its receipt or that the server is not there.
    failures = {error.status for outbox in outboxes for error in outbox.failures}
    assert failures <= {"UNAVAILABLE", "CANCELLED"}
    assert {one["status"] for one in call_records(matcher.log_file)} <= {"OK", "CANCELLED"}
    assert '"exception"' not in matcher.log_file.read_text(encoding="utf-8")


def test_second_sigterm_hurries_though_a_handler_goes_on(tmp_path: Path, pki: Pki) -> None:
    with (
        EchoProcess(tmp_path, pki, shutdown_grace_s=60) as echo,
        calling(echo.address, pki.issue(unit("a")), timeout_s=60) as channel,
        ThreadPoolExecutor(1) as pool,
    ):
        sleep = channel.unary_unary("/test.Echo/Sleep")
        assert sleep(b"0") == b"slept"
        long_call = pool.submit(sleep, b"40")
        time.sleep(0.3)
        echo.terminate()
        until(lambda: '"stopping"' in echo.log.read_text(encoding="utf-8"))
        began = time.monotonic()
        assert echo.end() == ExitCode.FORCED
        assert time.monotonic() - began < 30  # without it: 40 for the call, 60 for the grace
        assert isinstance(long_call.exception(), ServiceError)
