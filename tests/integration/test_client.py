"""libmatch.client against the real matcher, each its own process, over mutual TLS."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import libmatch.client
from libmatch.channel import TlsFiles, open_channel
from libmatch.clearances import ClearanceStatus
from libmatch.client import Client, ItemRow, RelativeRow
from libmatch.client.messages import notice_to_pb
from libmatch.errors import ServiceError
from libmatch.identity import Identity, server_dns_name
from libmatch.notices import ItemNotice
from libmatch.records import Side
from libmatch.stubs.matcher.v1 import matcher_pb2, matcher_pb2_grpc
from libmatch.tokens import derive_token
from services.chassis.config import TlsSettings
from tests.chassis_pki import Pki
from tests.district import PASSPHRASE, District, make_district, person

ROOT = Path(__file__).resolve().parents[2]
MATCHER = "spiffe://fuling/matcher"
CLEAR, HOLD, PENDING = ClearanceStatus.CLEAR, ClearanceStatus.HOLD, ClearanceStatus.PENDING


def now() -> datetime:
    return datetime.now(UTC)


def _tls_section(tls: TlsSettings) -> str:
    lines = (f'{key} = "{getattr(tls, key)}"' for key in ("certificate", "private_key", "ca"))
    return "\n".join(["[tls]", *lines])


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


@dataclass
class Running:
    """The matcher's process, and where it is."""

    process: subprocess.Popen[str]
    address: str

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is closed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)


@dataclass(frozen=True)
class Site:
    """A district's folders: the matcher's, and one for each unit that embeds the client."""

    folder: Path
    district: District
    pki: Pki

    @contextmanager
    def running(self, address: str = "127.0.0.1:0") -> Iterator[Running]:
        """The matcher for the time of the block; ``kill`` ends it the hard way."""
        process = subprocess.Popen(
            [sys.executable, "-m", "services.matcher.app", "--config", self._config(address)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Running(process, ready["address"])
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)
            if process.stdout:
                process.stdout.close()

    def _config(self, address: str) -> str:
        folder = self.folder / "matcher"
        if not folder.exists():
            self.district.write_matcher_kit(folder / "kit")
            _write_secret(folder / "passphrase", PASSPHRASE)
            tls = _tls_section(self.pki.issue(MATCHER))
            (folder / "tls.toml").write_text(tls, encoding="utf-8")
        tls = (folder / "tls.toml").read_text("utf-8")
        config = folder / "config.toml"
        config.write_text(
            f'kit = "kit"\npassphrase = "passphrase"\n[listen]\naddress = "{address}"\n{tls}\n'
            '[database]\npath = "matcher.db"\n',
            encoding="utf-8",
        )
        return str(config)

    def unit(self, name: str, side: Side, address: str) -> Path:
        """The folder in which ``name``'s own system runs, with everything that it needs."""
        folder = self.folder / name
        settings = folder / "libmatch.toml"
        if not folder.exists():
            self.district.write_kit(folder / "kit", name)
            _write_secret(folder / "passphrase", PASSPHRASE + "\n")
            tls = _tls_section(self.pki.issue(f"spiffe://fuling/unit/{name}"))
            (folder / "tls.toml").write_text(tls, encoding="utf-8")
        settings.write_text(
            f'unit = "{name}"\nsides = ["{side.name.lower()}"]\nkit = "kit"\n'
            'passphrase = "passphrase"\nstate = "client.db"\n'
            f'[matcher]\naddress = "{address}"\nidentity = "{MATCHER}"\ntimeout_s = 5\n'
            + (folder / "tls.toml").read_text("utf-8"),
            encoding="utf-8",
        )
        return folder

    def client(self, name: str, side: Side, address: str) -> Client:
        return Client.open(self.unit(name, side, address), now=now)

    @contextmanager
    def review(self, address: str) -> Iterator[matcher_pb2_grpc.ReviewStub]:
        """What 纪委 calls."""
        files = self.pki.issue("spiffe://fuling/inspector")
        tls = TlsFiles(files.certificate, files.private_key, files.ca)
        with open_channel(address, server_dns_name(Identity.parse(MATCHER)), tls) as channel:
            yield matcher_pb2_grpc.ReviewStub(channel)

    def report_capsules(self, address: str) -> None:
        """What 纪委 does with every new batch; here all of them open."""
        with self.review(address) as review:
            batches = review.ListBatches(matcher_pb2.ListBatchesRequest()).batches
            results = [matcher_pb2.CapsuleResult(number=b.number, opens=True) for b in batches]
            review.ReportCapsules(matcher_pb2.ReportCapsulesRequest(results=results))

    def records_live(self, address: str) -> int:
        """How many live records of ben-a the matcher counts."""
        with self.review(address) as review:
            units = review.GetFigures(matcher_pb2.GetFiguresRequest()).units
        return sum(unit.records_live for unit in units if unit.unit == "ben-a")


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Site:
    return Site(tmp_path, make_district(now=now()), pki)


def item(ref: str, number: int) -> ItemRow:
    return ItemRow(ref, person(number).idn, "甲某", programme="改厕补助", amount_fen=120000)


def relative(number: int) -> RelativeRow:
    official = person(900).idn
    return RelativeRow("D-1", person(number).idn, "甲某", "配偶", official, "乙某", "某局", "科长")


def _run_in(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def documented_example() -> str:
    """The example of the package's docstring as a program."""
    lines = inspect.cleandoc(libmatch.client.__doc__ or "").splitlines()
    start = next(i for i, line in enumerate(lines) if line.endswith("::")) + 1
    block = [line for line in lines[start:] if not line or line.startswith("    ")]
    head = "from datetime import UTC, datetime\n\nfrom libmatch.client import Client, ItemRow\n\n"
    return head + textwrap.dedent("\n".join(block)).strip() + "\n"


def test_documented_example_works_from_the_first_row_to_the_answer(site: Site) -> None:
    with site.running() as matcher:
        folder = site.unit("ben-a", Side.BENEFICIARY, matcher.address)
        first = _run_in(folder, documented_example())
        assert (first.returncode, first.stdout) == (0, ""), first.stderr  # PENDING: no approval
        with site.client("reg-a", Side.REGISTRY, matcher.address) as registry:
            registry.prepare([relative(1)])
            registry.submit()
        site.report_capsules(matcher.address)
        again = _run_in(folder, documented_example())
        assert (again.returncode, again.stdout) == (0, "可以审批\n"), again.stderr


def test_hit_holds_the_item_and_comes_back_as_a_notice(site: Site) -> None:
    with site.running() as matcher:
        registry = site.client("reg-a", Side.REGISTRY, matcher.address)
        approver = site.client("ben-a", Side.BENEFICIARY, matcher.address)
        with registry, approver:
            registry.prepare([relative(1), relative(2)])
            assert [receipt.seq for receipt in registry.submit()] == [1]
            approver.prepare([item("X-1", 1), item("X-1", 3), item("X-2", 4)])
            approver.submit()
            assert approver.clearance(["X-2"])["X-2"].status is PENDING
            site.report_capsules(matcher.address)
            answers = approver.clearance(["X-1", "X-2"])
            assert {ref: answer.status for ref, answer in answers.items()} == {
                "X-1": HOLD,
                "X-2": CLEAR,
            }
            _release(site, matcher.address)
            (notice,) = approver.notices()
            assert (notice.ref, notice.disputed) == ("X-1", False)
            assert isinstance(notice.content, ItemNotice)
            assert notice.content.relation == "配偶"
            assert approver.notices() == [notice]
            assert registry.notices() == []


def _release(site: Site, address: str) -> None:
    """纪委 releases a notice of the one hit to the approving unit."""
    with site.review(address) as review:
        (hit,) = review.ListHits(matcher_pb2.ListHitsRequest()).hits
        flagged = review.FetchHit(matcher_pb2.FetchHitRequest(hit_id=hit.hit_id))
        who, key = person(1), site.district.holder("ben-a").key
        notice = site.district.notify(
            "ben-a",
            Side.BENEFICIARY,
            hit.hit_id,
            rid=flagged.beneficiary.row.rid,
            token=derive_token(site.district.suite, key, int(who.kind), who.idn),
        )
        review.ReleaseNotice(matcher_pb2.ReleaseNoticeRequest(notice=notice_to_pb(notice)))


def test_withdrawn_and_corrected_items_change_the_answer(site: Site) -> None:
    with site.running() as matcher:
        registry = site.client("reg-a", Side.REGISTRY, matcher.address)
        approver = site.client("ben-a", Side.BENEFICIARY, matcher.address)
        with registry, approver:
            registry.prepare([relative(1)])
            registry.submit()
            approver.prepare([item("X-1", 1), item("X-2", 1)])
            approver.submit()
            approver.prepare([item("X-1", 5)])  # it was another person
            approver.withdraw(["X-2"])
            assert [receipt.seq for receipt in approver.submit()] == [2, 3, 4]
            site.report_capsules(matcher.address)
            answers = approver.clearance(["X-1", "X-2"])
            assert answers["X-1"].status is CLEAR
            assert answers["X-2"].status is ClearanceStatus.NOT_SUBMITTED


def test_matcher_killed_in_the_middle_costs_nothing_but_time(site: Site) -> None:
    with site.running() as matcher:
        address = matcher.address
        with site.client("ben-a", Side.BENEFICIARY, address) as client:
            client.prepare([item(f"X-{i}", i) for i in range(10_000)])
            assert client.waiting == 5
            killing = threading.Timer(0.15, matcher.kill)
            killing.start()
            with pytest.raises(ServiceError) as refusal:
                _submit_until_refused(client)
            killing.join()
            assert refusal.value.message_zh
    with (
        site.running(address),
        site.client("ben-a", Side.BENEFICIARY, address) as client,
    ):
        client.submit()
        assert client.waiting == 0
        assert client.submit() == []
        assert site.records_live(address) == 10_000


def _submit_until_refused(client: Client) -> None:
    while True:
        client.submit()
        client.prepare([item("X-0", 0)])  # again; and one more conversation
        client.clearance(["X-0"])


SUBMIT_FOR_EVER = """
import sys
from datetime import UTC, datetime
from libmatch.client import Client, ItemRow
from tests.district import person

with Client.open(".", now=lambda: datetime.now(UTC)) as client:
    print("ready", flush=True)
    for i in range(10_000):
        rows = [ItemRow(f"X-{j}", person(j).idn, f"甲{i}", programme="改厕补助") for j in range(40)]
        client.prepare(rows)
        client.submit()
        print(i, flush=True)
"""


def test_client_killed_while_it_works_leaves_one_record_an_item(site: Site) -> None:
    with site.running() as matcher:
        folder = site.unit("ben-a", Side.BENEFICIARY, matcher.address)
        for rounds in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", SUBMIT_FOR_EVER],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
                stdout=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            for _ in range(2 + rounds):
                assert process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            process.wait(20)
            process.stdout.close()
        with site.client("ben-a", Side.BENEFICIARY, matcher.address) as client:
            client.submit()
            client.prepare([item(f"X-{j}", j) for j in range(40)])
            client.submit()
        assert site.records_live(matcher.address) == 40
