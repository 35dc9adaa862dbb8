import io
import os
import sys
from pathlib import Path

import pytest

from libmatch.kit import read_party_keys
from libmatch.manifest import Role
from services.authority.cards import read_log_card, read_party_card
from services.authority.requests import parse_request
from services.cli.exits import Exit
from services.cli.main import main
from tests.ceremony import INSPECTOR, PASSPHRASE, Ceremony, hold_ceremony

UNIT = "caizheng"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A passphrase file."""
    path = tmp_path / "passphrase"
    path.write_text(f"{PASSPHRASE}\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def _held(tmp_path_factory: pytest.TempPathFactory) -> Ceremony:
    ceremony = hold_ceremony(tmp_path_factory.mktemp("keys"))
    ceremony.deliver()
    return ceremony


@pytest.fixture
def held(_held: Ceremony, tmp_path: Path) -> Ceremony:
    return _held.copy(tmp_path / "held")


def new_keys(kit: Path, secret: Path, *roles: str) -> int:
    args = ["keys", "new", str(kit), "--unit", UNIT, "--name", "区财政局"]
    for role in roles:
        args += ["--role", role]
    return main([*args, "--passphrase-file", str(secret)])


def test_new_keys_and_their_card(
    tmp_path: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kit, out = tmp_path / "kit", tmp_path / "card.json"

    assert new_keys(kit, secret, "registry", "beneficiary") == Exit.OK
    assert main(["keys", "public", str(kit), "--out", str(out)]) == Exit.OK

    card = read_party_card(out)
    shown = capsys.readouterr().out
    assert card.member.roles == Role.REGISTRY | Role.BENEFICIARY
    assert card.member.signing_key == read_party_keys(kit, PASSPHRASE).signing.public_key
    assert shown.count(card.fingerprint) == 2
    assert (kit / "keys" / "party.key").stat().st_mode & 0o777 == 0o600


def test_a_card_is_shown_as_it_is_handed_over(
    tmp_path: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_keys(tmp_path / "kit", secret, "registry")
    card = (tmp_path / "kit" / "party.json").read_text("utf-8")
    capsys.readouterr()

    assert main(["keys", "public", str(tmp_path / "kit")]) == Exit.OK
    assert capsys.readouterr().out.endswith(card)


def test_keys_are_not_made_over_old_ones(
    tmp_path: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kit = tmp_path / "kit"
    new_keys(kit, secret, "registry")
    before = (kit / "keys" / "party.key").read_bytes()

    assert new_keys(kit, secret, "registry") == Exit.REFUSED
    assert "不会覆盖" in capsys.readouterr().err
    assert (kit / "keys" / "party.key").read_bytes() == before


def test_an_unknown_role_makes_no_keys(tmp_path: Path, secret: Path) -> None:
    assert new_keys(tmp_path / "kit", secret, "matcher") == Exit.TRUST
    assert not (tmp_path / "kit").exists()


def test_a_passphrase_that_others_read_is_refused(
    tmp_path: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret.chmod(0o644)

    assert new_keys(tmp_path / "kit", secret, "registry") == Exit.USAGE
    assert "chmod 600" in capsys.readouterr().err


def test_a_log_key_and_its_card(tmp_path: Path, secret: Path) -> None:
    kit, out = tmp_path / "kit", tmp_path / "log.json"

    assert main(["keys", "new-log", str(kit), "--passphrase-file", str(secret)]) == Exit.OK
    assert main(["keys", "public", str(kit), "--out", str(out)]) == Exit.OK
    assert read_log_card(out) == read_log_card(kit / "log.json")


def test_a_tls_key_and_its_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = "spiffe://fuling/unit/caizheng"

    assert main(["keys", "new-tls", str(tmp_path / "tls"), "--identity", uri]) == Exit.OK
    request = parse_request((tmp_path / "tls" / "request.pem").read_bytes())
    assert str(request.asked) == uri
    assert request.fingerprint in capsys.readouterr().out


def test_a_bad_identity_gets_no_key(tmp_path: Path) -> None:
    assert main(["keys", "new-tls", str(tmp_path / "tls"), "--identity", "x"]) == Exit.TRUST
    assert not (tmp_path / "tls").exists()


def test_show_tells_what_a_key_is_for_and_no_secret(
    tmp_path: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_keys(tmp_path / "kit", secret, "registry")
    capsys.readouterr()

    assert main(["keys", "show", str(tmp_path / "kit" / "keys" / "party.key")]) == Exit.OK
    keys = read_party_keys(tmp_path / "kit", PASSPHRASE)
    shown = capsys.readouterr().out
    assert "单位或纪委" in shown
    assert keys.signing.reveal().hex() not in shown


def test_a_changed_passphrase_is_the_new_one_only(tmp_path: Path, secret: Path) -> None:
    new_keys(tmp_path / "kit", secret, "registry")
    new = tmp_path / "new"
    new.write_text("another passphrase")
    new.chmod(0o600)
    key = tmp_path / "kit" / "keys" / "party.key"
    args = ["keys", "change-passphrase", str(key), "--passphrase-file"]

    assert main([*args, str(secret), "--new-passphrase-file", str(new)]) == Exit.OK
    assert main([*args, str(secret), "--new-passphrase-file", str(new)]) == Exit.TRUST
    assert read_party_keys(tmp_path / "kit", "another passphrase")


def install(held: Ceremony, party: str, secret: Path, *more: str) -> int:
    delivery = held.carried / "deliveries" / party
    unit = ["--unit", party] if party != "_matcher" else []
    kit = held.kit("matcher" if party == "_matcher" else party)
    args = ["keys", "install", str(kit), str(delivery), *unit, *more]
    return main([*args, "--passphrase-file", str(secret)])


def test_a_delivery_is_installed_and_the_kit_checked(
    held: Ceremony, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for party in (UNIT, INSPECTOR, "_matcher"):
        assert install(held, party, secret, "--yes") == Exit.OK
    capsys.readouterr()

    # The ceremony's epoch is of the past or future; its end is all that may be wrong with it.
    main(["keys", "check", str(held.kit(UNIT)), "--unit", UNIT, "--passphrase-file", str(secret)])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("[不通过]") and "有效期" not in line] == []
    assert "[通过] 密钥份额：2 份，均与承诺相符" in lines


def test_a_fault_in_a_kit_has_its_exit_code(
    held: Ceremony, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(held, UNIT, secret, "--yes")
    (held.kit(UNIT) / "epoch" / "share-2").write_bytes(b"damaged")
    args = ["keys", "check", str(held.kit(UNIT)), "--unit", UNIT, "--passphrase-file", str(secret)]

    assert main(args) == Exit.TRUST
    assert "[不通过] 密钥份额：保管人 2" in capsys.readouterr().out


def test_a_check_takes_the_certificate_in(
    held: Ceremony, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(held, UNIT, secret, "--yes")
    args = ["keys", "check", str(held.kit(UNIT)), "--unit", UNIT, "--passphrase-file", str(secret)]

    assert main([*args, "--tls", str(held.root / "none")]) == Exit.TRUST
    assert "[不通过] TLS 证书" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "n\n"])
def test_nothing_is_installed_without_a_yes(
    held: Ceremony,
    secret: Path,
    answer: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))

    assert install(held, UNIT, secret) == Exit.INTERRUPTED
    assert "授权公钥" in capsys.readouterr().out
    assert not (held.kit(UNIT) / "epoch").exists()


def test_a_unit_must_be_named_where_there_are_party_keys(held: Ceremony, secret: Path) -> None:
    delivery = held.carried / "deliveries" / UNIT
    args = ["keys", "install", str(held.kit(UNIT)), str(delivery), "--yes"]

    assert main(args) == Exit.TRUST
    assert "epoch" not in os.listdir(held.kit(UNIT))
