"""The epoch folder: a newer roster is followed, anything else is refused and the old one stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from libmatch.auditlog import LogSigner
from libmatch.errors import EncodingError, KeyFileError, ManifestError
from libmatch.manifest import Role, SignedDocument
from services.chassis.audit import entries
from services.chassis.identity import Identity
from services.chassis.refusals import Refused
from tests.district import District, make_district
from tests.matcher_bench import Bench

DISTRICT = make_district()
UNIT = Identity("fuling", "unit", "reg-a")
INSPECTOR = Identity("fuling", "inspector")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        yield bench


def roster_path(bench: Bench) -> Path:
    return bench.folder / "kit" / "epoch" / "roster"


def version(bench: Bench) -> int:
    return bench.use.epochs.current().roster.version


def test_a_higher_version_is_followed_without_a_restart(bench: Bench) -> None:
    assert version(bench) == 1
    bench.follow(DISTRICT.enrol("reg-b", Role.REGISTRY))
    assert version(bench) == 2
    bench.use.epochs.admit(Identity("fuling", "unit", "reg-b"), "any")
    assert bench.use.epochs.documents()[1] == bench.district.roster_document


def test_a_revoked_unit_is_refused_at_once_with_its_valid_certificate(bench: Bench) -> None:
    bench.use.epochs.admit(UNIT, "any")
    bench.follow(DISTRICT.revoke("reg-a"))
    with pytest.raises(Refused):
        bench.use.epochs.admit(UNIT, "any")


@pytest.mark.parametrize(
    "identity",
    [
        Identity("fuling", "unit", "nobody"),
        Identity("fuling", "unit", "jiwei"),  # 纪委 is no unit that submits
        Identity("fuling", "unit"),
        Identity("fuling", "clerk", "reg-b", "li"),
    ],
    ids=str,
)
def test_whom_the_roster_does_not_list_is_refused(bench: Bench, identity: Identity) -> None:
    with pytest.raises(Refused):
        bench.use.epochs.admit(identity, "any")


def test_the_inspector_is_admitted_while_the_roster_lists_it(bench: Bench) -> None:
    bench.use.epochs.admit(INSPECTOR, "any")
    bench.follow(DISTRICT.revoke("jiwei"))
    with pytest.raises(Refused):
        bench.use.epochs.admit(INSPECTOR, "any")


def forged(district: District) -> bytes:
    return district.forge_roster().encode()


def signed_once(district: District) -> bytes:
    newer = district.enrol("reg-b", Role.REGISTRY).roster_document
    return SignedDocument(newer.body, newer.signatures[:1]).encode()


def signed_twice_by_one(district: District) -> bytes:
    newer = district.enrol("reg-b", Role.REGISTRY).roster_document
    return SignedDocument(newer.body, newer.signatures[:1] * 2).encode()


def altered(district: District) -> bytes:
    newer = district.enrol("reg-b", Role.REGISTRY).roster_document
    return SignedDocument(newer.body.replace(b"reg-b", b"reg-x"), newer.signatures).encode()


def another_epoch(district: District) -> bytes:
    other = make_district()
    return replace(other, authority=district.authority).revoke("reg-a").roster_document.encode()


def truncated(district: District) -> bytes:
    return district.enrol("reg-b", Role.REGISTRY).roster_document.encode()[:-1]


def empty(district: District) -> bytes:
    return b""


def same_version_other_content(district: District) -> bytes:
    other = district.enrol("reg-b", Role.REGISTRY)
    return replace(other, roster=replace(other.roster, version=1)).roster_document.encode()


BAD = [
    forged,
    signed_once,
    signed_twice_by_one,
    altered,
    another_epoch,
    truncated,
    empty,
    same_version_other_content,
]


@pytest.mark.parametrize("make", BAD)
def test_a_bad_roster_is_refused_and_the_old_one_stays(
    bench: Bench, make: Callable[[District], bytes]
) -> None:
    before = bench.use.epochs.documents()
    roster_path(bench).write_bytes(make(DISTRICT))
    bench.use.epochs.admit(UNIT, "any")
    assert bench.use.epochs.documents() == before
    for name in ("reg-b", "reg-x", "intruder"):
        with pytest.raises(Refused):
            bench.use.epochs.admit(Identity("fuling", "unit", name), "any")
    bench.follow(DISTRICT.enrol("reg-c", Role.REGISTRY))  # a good one is still taken
    assert version(bench) == 2


@pytest.mark.parametrize("make", BAD)
def test_the_matcher_does_not_start_with_a_bad_roster(
    bench: Bench, make: Callable[[District], bytes]
) -> None:
    roster_path(bench).write_bytes(make(DISTRICT))
    bench.database.close()
    with pytest.raises((ManifestError, EncodingError)):
        bench.open()
    bench.database.close()


def test_an_older_roster_is_refused_running_and_after_a_restart(bench: Bench) -> None:
    bench.follow(DISTRICT.revoke("reg-a"))
    assert version(bench) == 2
    DISTRICT.write_epoch(bench.folder / "kit")  # somebody puts the old one back
    with pytest.raises(Refused):
        bench.use.epochs.admit(UNIT, "any")
    bench.database.close()
    with pytest.raises(ManifestError, match="version 2"):
        bench.open()
    bench.database.close()


def test_a_missing_roster_changes_nothing_while_running(bench: Bench) -> None:
    roster_path(bench).unlink()
    bench.use.epochs.admit(UNIT, "any")
    assert version(bench) == 1


def test_a_followed_roster_is_in_the_audit_trail(bench: Bench) -> None:
    bench.follow(DISTRICT.revoke("reg-a"))
    bench.use.epochs.current()
    trail = bench.database.read(entries)
    assert [entry.subject for entry in trail] == ["version 1", "version 2"]
    assert {entry.actor for entry in trail} == {"spiffe://fuling/matcher"}


@pytest.mark.parametrize("text", ["zz", "00" * 31, ""])
def test_the_matcher_does_not_start_with_bad_authorities(bench: Bench, text: str) -> None:
    (bench.folder / "kit" / "epoch" / "authorities").write_text(text)
    bench.database.close()
    with pytest.raises(ManifestError):
        bench.open()
    bench.database.close()


def test_the_matcher_does_not_start_with_another_log_key(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="log key"):
        Bench(tmp_path, replace(DISTRICT, log_signer=LogSigner.generate()))
