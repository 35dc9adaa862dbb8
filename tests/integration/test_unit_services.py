"""Registry and beneficiary services against the real matcher, each its own process, over mutual TLS.

Clerks work through the command line, 纪委 through the matcher's review service.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from libmatch.batch import compute_token
from libmatch.channel import TlsFiles, open_channel
from libmatch.client.messages import notice_to_pb, pb_to_side
from libmatch.identity import Identity, server_dns_name
from libmatch.records import Side
from libmatch.stubs.matcher.v1 import matcher_pb2, matcher_pb2_grpc
from services.cli.exits import Exit
from services.cli.main import main
from services.cli.peers import BeneficiaryClient, RegistryClient
from tests.chassis_pki import Pki
from tests.district import PASSPHRASE, District, make_district, person
from tests.unit.services.beneficiary.conftest import row as item
from tests.unit.services.beneficiary.conftest import sheet as items
from tests.unit.services.registry.sheets_of_declarations import OFFICIAL
from tests.unit.services.registry.sheets_of_declarations import row as relative
from tests.unit.services.registry.sheets_of_declarations import sheet as declarations

ROOT = Path(__file__).resolve().parents[2]
MATCHER = "spiffe://fuling/matcher"
UNITS = {"registry": "reg-a", "beneficiary": "ben-a"}


@dataclass
class Process:
    """One service; ``kill`` is SIGKILL: nothing is flushed, nothing is closed."""

    process: subprocess.Popen[str]
    address: str

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)


@dataclass
class Site:
    """A small district on this machine."""

    folder: Path
    pki: Pki
    district: District = field(default_factory=lambda: make_district(now=datetime.now(UTC)))
    matcher_timeout_s: float = 5

    @contextmanager
    def running(
        self, service: str, matcher: str = "", address: str = "127.0.0.1:0"
    ) -> Iterator[Process]:
        """``service`` for the time of the block; ``matcher``: where it finds the matcher."""
        config = self.configure(service, matcher, address)
        with (self.folder / f"{service}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}.app", "--config", str(config)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            assert process.stdout is not None
            yield Process(process, json.loads(process.stdout.readline())["address"])
        finally:
            if process.poll() is None:
                process.terminate()
            assert process.wait(30) in (0, -signal.SIGKILL)
            if process.stdout:
                process.stdout.close()

    def configure(self, service: str, matcher: str = "", address: str = "127.0.0.1:0") -> Path:
        """The configuration file of ``service``, with keys and certificates beside it."""
        folder = self.folder / service
        lines = ['kit = "kit"', 'passphrase = "passphrase"']
        if not folder.exists():
            folder.mkdir(mode=0o700)
            write_secret(folder / "passphrase", PASSPHRASE + "\n")
            if service == "matcher":
                self.district.write_matcher_kit(folder / "kit")
                tls = tls_section(self.pki, MATCHER)
            else:
                self.district.write_kit(folder / "kit", UNITS[service])
                tls = tls_section(self.pki, f"spiffe://fuling/unit/{UNITS[service]}")
            (folder / "tls.toml").write_text(tls, encoding="utf-8")
        if service != "matcher":
            lines += [f'unit = "{UNITS[service]}"', "sync_interval_s = 0.5"]
            lines += [
                "[matcher]",
                f'address = "{matcher}"',
                f'identity = "{MATCHER}"',
                f"timeout_s = {self.matcher_timeout_s}",
            ]
        lines += ["[listen]", f'address = "{address}"', "[database]", f'path = "{service}.db"']
        config = folder / "config.toml"
        config.write_text(
            "\n".join([*lines, (folder / "tls.toml").read_text("utf-8")]), encoding="utf-8"
        )
        return config

    def clerk(self, service: str, address: str, login: str = "li", unit: str = "") -> Path:
        """The configuration file of a clerk of the service's unit (or of ``unit``)."""
        path = self.folder / f"{service}-{unit}-{login}.toml"
        server = (
            f'[server]\naddress = "{address}"\nidentity = "spiffe://fuling/unit/{UNITS[service]}"\n'
        )
        own = tls_section(self.pki, f"spiffe://fuling/clerk/{unit or UNITS[service]}/{login}")
        path.write_text(server + own, encoding="utf-8")
        return path

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    @contextmanager
    def review(self, address: str) -> Iterator[matcher_pb2_grpc.ReviewStub]:
        """What 纪委 calls."""
        files = self.pki.issue("spiffe://fuling/inspector")
        tls = TlsFiles(files.certificate, files.private_key, files.ca)
        with open_channel(address, server_dns_name(Identity.parse(MATCHER)), tls) as channel:
            yield matcher_pb2_grpc.ReviewStub(channel)

    def client(self, service: str, address: str, stack: ExitStack) -> Any:
        """A typed client with a clerk's certificate."""
        files = self.pki.issue(f"spiffe://fuling/clerk/{UNITS[service]}/li")
        tls = TlsFiles(files.certificate, files.private_key, files.ca)
        name = server_dns_name(Identity.parse(f"spiffe://fuling/unit/{UNITS[service]}"))
        channel = stack.enter_context(open_channel(address, name, tls))
        return {"registry": RegistryClient, "beneficiary": BeneficiaryClient}[service](channel)


def tls_section(pki: Pki, identity: str) -> str:
    tls = pki.issue(identity)
    lines = (f'{key} = "{getattr(tls, key)}"' for key in ("certificate", "private_key", "ca"))
    return "\n".join(["[tls]", *lines, ""])


def write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Site:
    return Site(tmp_path, pki)


def pass_capsules(review: matcher_pb2_grpc.ReviewStub) -> None:
    batches = review.ListBatches(matcher_pb2.ListBatchesRequest(), timeout=20).batches
    results = [matcher_pb2.CapsuleResult(number=batch.number, opens=True) for batch in batches]
    review.ReportCapsules(matcher_pb2.ReportCapsulesRequest(results=results), timeout=20)


def release_all(site: Site, review: matcher_pb2_grpc.ReviewStub) -> int:
    """Notices of every hit to both units, as 纪委 would release them; their number."""
    hits = review.ListHits(matcher_pb2.ListHitsRequest(), timeout=20).hits
    for hit in hits:
        found = review.FetchHit(matcher_pb2.FetchHitRequest(hit_id=hit.hit_id), timeout=20)
        for record in (found.registry, found.beneficiary):
            row, side = record.row, pb_to_side(record.head.side)
            token = compute_token(site.district.suite, row.c_reg, row.c_ben)
            to = (record.head.unit, side, hit.hit_id)
            notice = site.district.notify(*to, rid=row.rid, token=token)
            request = matcher_pb2.ReleaseNoticeRequest(notice=notice_to_pb(notice))
            review.ReleaseNotice(request, timeout=20)
    return len(hits)


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def synced(*words: str | Path) -> None:
    """A round on demand, until nothing waits."""
    for _ in range(40):
        if run(*words) == Exit.OK:
            return
        time.sleep(0.25)
    raise AssertionError("the outbox does not empty")


def test_from_two_sheets_to_notices_and_the_gate(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    shared, other = person(11), person(12)
    declared = site.file(
        "申报.csv", declarations(relative(shared), relative(person(13), "表亲", "侄子"))
    )
    listed = site.file(
        "名单.csv",
        items(item(shared, "A-1"), item(other, "A-2", "赵某"), item(OFFICIAL, "A-3", "王某")),
    )
    with ExitStack() as stack:
        matcher = stack.enter_context(site.running("matcher"))
        review = stack.enter_context(site.review(matcher.address))
        addresses = {
            name: stack.enter_context(site.running(name, matcher.address)).address for name in UNITS
        }
        clerk = {name: site.clerk(name, address) for name, address in addresses.items()}

        assert run("registry", "import", declared, "--config", clerk["registry"]) == Exit.PARTIAL
        assert (site.folder / "申报.问题.xlsx").exists()
        assert run("beneficiary", "import", listed, "--config", clerk["beneficiary"]) == Exit.OK
        for name in UNITS:
            synced(name, "sync", "--config", clerk[name])
            synced(name, "sync", "--config", clerk[name])
        check = (
            "beneficiary",
            "check",
            "A-1",
            "A-2",
            "A-3",
            "A-9",
            "--config",
            clerk["beneficiary"],
        )
        assert run(*check) == Exit.PARTIAL
        assert "比对未完成" in capsys.readouterr().out  # 纪委 has not tested the capsules yet

        pass_capsules(review)
        assert release_all(site, review) == 2  # the spouse, and the official himself (R16)
        for name in UNITS:
            synced(name, "sync", "--config", clerk[name])
        client = site.client("beneficiary", addresses["beneficiary"], stack)
        statuses = [answer.status for answer in client.check(["A-1", "A-2", "A-3", "A-9"])]
        assert statuses == [f"ITEM_STATUS_{s}" for s in ("HOLD", "CLEAR", "HOLD", "NOT_SUBMITTED")]
        notices = client.list_notices()
        assert {(n.item_ref, n.person, n.disputed) for n in notices} == {
            ("A-1", "李某", False),
            ("A-3", "王某", False),
        }
        registry = site.client("registry", addresses["registry"], stack)
        assert {
            (n.official, n.relative, n.relation, n.disputed) for n in registry.list_notices()
        } == {
            ("王某", "李某", "配偶", False),
            ("王某", "王某", "本人", False),
        }
        figures = review.GetFigures(matcher_pb2.GetFiguresRequest(), timeout=20)
        assert sum(u.notices_acknowledged for u in figures.units) == 4

        capsys.readouterr()
        for noun in UNITS:
            for command in ("list", "notices"):
                assert run(noun, command, "--config", clerk[noun]) == Exit.OK
        shown = capsys.readouterr().out
        assert "参加比对" in shown
        assert "比中不等于违规" in shown
        correct_and_withdraw(site, review, clerk["registry"])
    logs = "".join((site.folder / f"{name}.log").read_text("utf-8") for name in (*UNITS, "matcher"))
    for secret in (shared.idn, OFFICIAL.idn, "王某", "李某", "赵某"):
        assert secret not in logs


def correct_and_withdraw(site: Site, review: matcher_pb2_grpc.ReviewStub, clerk: Path) -> None:
    """Another post corrects both records of the declaration; a reference withdraws one of them."""
    changed = site.file("更正.csv", declarations(relative(person(11), 报告人职务="副局长")))
    assert run("registry", "import", changed, "--config", clerk) == Exit.OK
    synced("registry", "sync", "--config", clerk)
    assert count_at_matcher(review) == (2, 2)
    with ExitStack() as stack:
        address = tomllib.loads(clerk.read_text("utf-8"))["server"]["address"]
        lines = site.client("registry", address, stack).list_relatives()
    ref = next(line.ref for line in lines if line.name == "李某")
    command = ("registry", "withdraw", lines[0].official_ref, ref, "--reason", "误报")
    assert run(*command, "--config", clerk) == Exit.OK
    synced("registry", "sync", "--config", clerk)
    assert count_at_matcher(review) == (1, 3)


def count_at_matcher(review: matcher_pb2_grpc.ReviewStub) -> tuple[int, int]:
    """(live, withdrawn) records of the reporting unit."""
    figures = review.GetFigures(matcher_pb2.GetFiguresRequest(), timeout=20).units
    (own,) = [u for u in figures if u.unit == "reg-a" and pb_to_side(u.side) is Side.REGISTRY]
    return own.records_live, own.records_withdrawn


def test_kill_of_matcher_and_registry_in_the_middle_loses_and_doubles_nothing(site: Site) -> None:
    count = 5000  # three batches
    rows = (relative(person(n), f"亲属{'甲乙丙丁'[n % 4]}", "子女") for n in range(1, count))
    declared = site.file("申报.csv", declarations(*rows))
    with site.running("matcher") as first:
        where = first.address
        with site.running("registry", where) as registry:
            clerk = site.clerk("registry", registry.address)
            assert run("registry", "import", declared, "--config", clerk) == Exit.OK
            wait_for_receipts(site, 1)
            first.kill()
            registry.kill()
    with (
        site.running("matcher", address=where) as second,
        site.running("registry", where) as registry,
        site.review(second.address) as review,
    ):
        synced("registry", "sync", "--config", site.clerk("registry", registry.address))
        figures = review.GetFigures(matcher_pb2.GetFiguresRequest(), timeout=20).units
        (own,) = [unit for unit in figures if unit.unit == "reg-a"]
        assert (own.records_live, own.batches, own.records_withdrawn) == (count, 3, 0)


def wait_for_receipts(site: Site, count: int) -> None:
    """Return once the registry has so many receipts, read from beside it."""
    uri = f"file:{site.folder / 'registry' / 'registry.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        for _ in range(400):
            query = "SELECT count(*) FROM outbox WHERE receipt IS NOT NULL"
            if database.execute(query).fetchone()[0] >= count:
                return
            time.sleep(0.02)
    raise AssertionError("no receipt came")


@pytest.mark.parametrize(
    ("service", "file", "content", "line"),
    [
        ("registry", "passphrase", b"another one", "wrong passphrase"),
        ("beneficiary", "kit/epoch/share-2", bytes(1200), "custodian 2"),
    ],
)
def test_service_with_bad_material_ends_with_one_clear_line(
    site: Site, service: str, file: str, content: bytes, line: str
) -> None:
    config = site.configure(service, "127.0.0.1:1")
    (config.parent / file).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}.app", "--config", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    (only,) = done.stderr.splitlines()
    assert only.startswith(f"{service}: ")
    assert line in only
    assert not (config.parent / f"{service}.db").exists()  # it did not even touch the database
