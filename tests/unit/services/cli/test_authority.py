"""The ceremony by its commands: each custodian's machine a folder, files carried between."""

import io
import os
import sys
from pathlib import Path

import pytest
from cryptography import x509

from libmatch.kit import read_epoch, read_holder, read_party_keys
from services.authority.epoch_folder import read_epoch_files
from services.cli.exits import Exit
from services.cli.main import main

SECRET = "a passphrase of ten words"
DAY_FROM, DAY_UNTIL = "2026-01-01", "2027-01-01"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two custodians, a matcher, 纪委 and a unit after the whole ceremony, by commands alone."""
    root = tmp_path_factory.mktemp("world")
    (root / "p").write_text(SECRET)
    (root / "p").chmod(0o600)
    for number in (1, 2):
        ok(root, "authority", "init-custodian", f"m{number}", "--number", number, "--name", "甲")
        share = ["--district", "fuling", "--epoch", 1, "--out", f"c{number}.json"]
        ok(root, "authority", "new-share", f"m{number}", *share)
    ok(root, "keys", "new-log", "matcher")
    for unit, role in (("jiwei", "inspector"), ("caizheng", "registry"), ("shuiwu", "beneficiary")):
        ok(root, "keys", "new", unit, "--unit", unit, "--name", unit, "--role", role)
    ok(root, "authority", "propose", *proposal(), "--out", "e1", secret=False)
    for number in (1, 2):
        ok(root, "authority", "sign", f"m{number}", "e1", "--yes")
    for number in (1, 2):
        ok(root, "authority", "seal-shares", f"m{number}", "e1", "--out", f"s{number}")
    shares = ["--shares", "s1", "--shares", "s2"]
    ok(root, "authority", "kits", "e1", *shares, "--out", "kits", secret=False)
    trust = ["--authorities", "e1/authorities"]
    ok(root, "authority", "init-ca", "ca", "--district", "fuling", *trust)
    return root


def proposal() -> list[str]:
    args = ["--commitment", "c1.json", "--commitment", "c2.json", "--log", "matcher/log.json"]
    args += ["--inspector", "jiwei/party.json", "--from", DAY_FROM, "--until", DAY_UNTIL]
    return [*args, "--party", "caizheng/party.json"]


def run(root: Path, *args: object, secret: bool = True) -> int:
    before = Path.cwd()
    os.chdir(root)
    try:
        extra = ["--passphrase-file", "p"] if secret else []
        return main([*map(str, args), *extra])
    finally:
        os.chdir(before)


def ok(root: Path, *args: object, secret: bool = True) -> None:
    assert run(root, *args, secret=secret) == Exit.OK


def test_the_ceremony_gives_a_unit_what_it_works_with(world: Path) -> None:
    ok(world, "keys", "install", "caizheng", "kits/caizheng", "--unit", "caizheng", "--yes")

    keys = read_party_keys(world / "caizheng", SECRET)
    epoch = read_epoch(world / "caizheng")
    holder = read_holder(world / "caizheng", "caizheng", keys, epoch.manifest.not_before)
    assert holder.epoch.manifest.epoch == 1
    assert f"{epoch.manifest.not_before:%Y-%m-%d %H}" == "2025-12-31 16"  # midnight in Beijing


def test_what_a_custodian_signs_is_shown(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ok(world, "authority", "show", "e1", secret=False)

    shown = capsys.readouterr().out
    assert "有效期：2026-01-01 00:00 至 2027-01-01 00:00" in shown
    assert shown.count("已签清单、名册") == 2


def test_a_unit_is_enrolled_and_revoked_by_the_custodians(world: Path) -> None:
    enrolment = ["--party", "shuiwu/party.json", "--out", "e1-r2"]
    ok(world, "authority", "enrol", "e1", *enrolment, secret=False)
    for number in (1, 2):
        ok(world, "authority", "sign", f"m{number}", "e1-r2", "--yes")
    ok(world, "authority", "revoke", "e1-r2", "caizheng", "--out", "e1-r3", secret=False)

    roster = read_epoch_files(world / "e1-r3").facts[1]
    assert roster.version == 3
    assert roster.find("shuiwu").active
    assert not roster.find("caizheng").active
    assert run(world, "authority", "seal-shares", "m1", "e1-r3", "--out", "s1-r3") == Exit.TRUST


def test_a_certificate_is_issued_for_the_identity_of_the_command_line(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "spiffe://fuling/unit/caizheng"
    ok(world, "keys", "new-tls", "tls", "--identity", uri, secret=False)
    certify = ["authority", "certify", "ca", "tls/request.pem", "--epoch", "e1", "--yes"]

    ok(world, *certify, "--identity", uri, "--out", "cert.pem")
    leaf = x509.load_pem_x509_certificate((world / "cert.pem").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [uri]
    capsys.readouterr()

    other = "spiffe://fuling/matcher"
    assert run(world, *certify, "--identity", other, "--out", "x.pem") == Exit.TRUST
    told = capsys.readouterr()
    assert uri in told.err
    assert other in told.err
    assert not (world / "x.pem").exists()


def test_a_certificate_file_is_not_overwritten(world: Path) -> None:
    (world / "old.pem").write_text("old")
    ok(world, "keys", "new-tls", "tls2", "--identity", "spiffe://fuling/matcher", secret=False)
    certify = ["authority", "certify", "ca", "tls2/request.pem", "--epoch", "e1", "--yes"]
    issued = len(os.listdir(world / "ca" / "issued"))

    code = run(world, *certify, "--identity", "spiffe://fuling/matcher", "--out", "old.pem")
    assert code == Exit.REFUSED
    assert (world / "old.pem").read_text() == "old"
    assert len(os.listdir(world / "ca" / "issued")) == issued


@pytest.mark.parametrize(("answer", "code"), [("", Exit.INTERRUPTED), ("n\n", Exit.TRUST)])
def test_nothing_is_signed_without_a_yes(
    world: Path,
    tmp_path: Path,
    answer: str,
    code: Exit,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    draft = tmp_path / "unsigned"
    share = ["--district", "fuling", "--epoch", 1, "--out", tmp_path / "c1.json"]
    ok(world, "authority", "init-custodian", tmp_path / "m1", "--number", 1, "--name", "甲")
    ok(world, "authority", "new-share", tmp_path / "m1", *share)
    args = [str(tmp_path / "c1.json") if arg == "c1.json" else arg for arg in proposal()]
    ok(world, "authority", "propose", *args, "--out", draft, secret=False)
    before = (draft / "manifest").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))

    assert run(world, "authority", "sign", tmp_path / "m1", draft) == code
    assert "同意签名" in capsys.readouterr().out
    assert (draft / "manifest").read_bytes() == before


def test_a_second_manifest_of_the_epoch_is_refused(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ok(world, "authority", "propose", *proposal(), "--out", "second", secret=False)

    assert run(world, "authority", "sign", "m1", "second", "--yes") == Exit.TRUST
    assert "同一周期只能有一份" in capsys.readouterr().err


def test_a_second_epoch_follows_the_first(world: Path) -> None:
    for number in (1, 2):
        share = ["--district", "fuling", "--epoch", 2, "--out", f"c{number}-2.json"]
        ok(world, "authority", "new-share", f"m{number}", *share)
    args = [
        arg.replace("c1.json", "c1-2.json").replace("c2.json", "c2-2.json") for arg in proposal()
    ]

    assert run(world, "authority", "propose", *args, "--out", "e2x", secret=False) == Exit.TRUST
    ok(world, "authority", "propose", *args, "--previous", "e1", "--out", "e2", secret=False)
    for number in (1, 2):
        ok(world, "authority", "sign", f"m{number}", "e2", "--yes")
    first, second = (read_epoch_files(world / name).facts[0] for name in ("e1", "e2"))
    assert second.previous == first.epoch_id


@pytest.mark.parametrize(
    "args",
    [
        ["--from", "01.01.2026"],
        ["--until", "2025-01-01"],
        ["--until", "2050-01-01"],
        ["--kind", "9"],
        ["--bucket", "100"],
        ["--commitment", "c1.json"],
        ["--log", "jiwei/party.json"],
        ["--inspector", "caizheng/party.json"],
        ["--party", "missing.json"],
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused(
    world: Path, args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(world, "authority", "propose", *proposal(), *args, "--out", "bad", secret=False)

    assert code == Exit.TRUST
    assert "Traceback" not in capsys.readouterr().err
    assert not (world / "bad").exists()


def test_a_wrong_passphrase_signs_nothing(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("a wrong passphrase")
    wrong.chmod(0o600)
    args = ["authority", "new-share", "m1", "--district", "fuling", "--epoch", "9"]

    code = run(world, *args, "--out", "c9.json", "--passphrase-file", wrong, secret=False)
    assert code == Exit.TRUST
    assert "口令不正确" in capsys.readouterr().err
    assert not (world / "m1" / "shares" / "epoch-9.key").exists()


def test_quickstart_builds_a_district_and_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "units.csv").write_text(
        "单位代码,单位名称,角色,经办人\ncaizheng,区财政局,申报,wang\n"
    )
    args = ["authority", "quickstart", "units.csv", "--district", "fuling", "--out", "out"]

    assert run(tmp_path, *args, secret=False) == Exit.OK
    assert "仅供演示和试用" in capsys.readouterr().out
    assert (tmp_path / "out" / "units" / "caizheng" / "registry" / "config.toml").exists()
    assert run(tmp_path, *args, secret=False) == Exit.REFUSED
