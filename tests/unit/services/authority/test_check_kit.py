from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.identity import Identity
from services.authority.certificates import init_ca, issue
from services.authority.check_kit import Finding, check_kit, check_tls
from services.authority.install import install
from services.authority.party import new_tls
from services.authority.requests import parse_request
from tests.ceremony import DISTRICT, INSPECTOR, NOW, PASSPHRASE, Ceremony, deal_falsely

UNIT = "caizheng"
IDENTITY = Identity(DISTRICT, "unit", UNIT)
SECRET = "passphrase of the certificate authority"


@pytest.fixture
def equipped(held: Ceremony) -> Ceremony:
    """A ceremony whose unit has installed its delivery."""
    install(held.kit(UNIT), held.deliver() / UNIT, UNIT, held.keys(UNIT))
    return held


@pytest.fixture
def tls(held: Ceremony) -> Path:
    ca = init_ca(held.root / "ca", DISTRICT, held.files().authorities, SECRET, NOW)
    folder = held.root / "tls"
    request = parse_request(new_tls(folder, IDENTITY).request)
    pem = issue(ca, ca.unlock(SECRET), request, IDENTITY, held.epoch(), NOW, 100)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "ca.pem").write_bytes(ca.root_pem)
    return folder


def failed(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.text for finding in findings if not finding.holds}


def test_a_sound_kit_has_no_fault(equipped: Ceremony) -> None:
    findings = check_kit(equipped.kit(UNIT), UNIT, PASSPHRASE, NOW)

    assert failed(findings) == {}
    assert [finding.subject for finding in findings] == [
        "密钥文件权限",
        "密钥文件口令",
        "授权公钥",
        "清单与名册签名",
        "有效期",
        "名册登记",
        "密钥份额",
    ]


def test_the_inspector_needs_no_share(held: Ceremony) -> None:
    install(held.kit(INSPECTOR), held.deliver() / INSPECTOR, INSPECTOR, held.keys(INSPECTOR))
    findings = check_kit(held.kit(INSPECTOR), INSPECTOR, PASSPHRASE, NOW)

    assert failed(findings) == {}
    assert "密钥份额" not in {finding.subject for finding in findings}


def test_a_wrong_passphrase_is_reported(equipped: Ceremony) -> None:
    assert "密钥文件口令" in failed(check_kit(equipped.kit(UNIT), UNIT, "wrong passphrase", NOW))


def test_a_bad_share_names_its_custodian(equipped: Ceremony) -> None:
    share = equipped.kit(UNIT) / "epoch" / "share-1"
    share.write_bytes(share.read_bytes()[::-1])

    assert "保管人 1" in failed(check_kit(equipped.kit(UNIT), UNIT, PASSPHRASE, NOW))["密钥份额"]


def test_a_share_that_is_not_the_committed_one_names_its_custodian(equipped: Ceremony) -> None:
    share = equipped.kit(UNIT) / "epoch" / "share-2"
    share.write_bytes(deal_falsely(equipped, UNIT, 2))

    assert "保管人 2" in failed(check_kit(equipped.kit(UNIT), UNIT, PASSPHRASE, NOW))["密钥份额"]


def test_an_ended_epoch_is_reported_and_a_near_end_announced(equipped: Ceremony) -> None:
    late, near = NOW + timedelta(days=365), NOW + timedelta(days=360)

    assert "有效期" in failed(check_kit(equipped.kit(UNIT), UNIT, PASSPHRASE, late))
    findings = check_kit(equipped.kit(UNIT), UNIT, PASSPHRASE, near)
    assert failed(findings) == {}
    assert any("还有 5 天到期" in finding.text for finding in findings)


def test_a_readable_key_file_is_reported(equipped: Ceremony) -> None:
    (equipped.kit(UNIT) / "keys" / "party.key").chmod(0o644)

    faults = failed(check_kit(equipped.kit(UNIT), UNIT, PASSPHRASE, NOW))
    assert "chmod 600" in faults["密钥文件权限"]


def test_a_forged_roster_is_reported(equipped: Ceremony) -> None:
    roster = equipped.kit(UNIT) / "epoch" / "roster"
    signed = roster.read_bytes()
    roster.write_bytes(signed[:-1] + bytes([signed[-1] ^ 1]))

    assert "清单与名册签名" in failed(check_kit(equipped.kit(UNIT), UNIT, PASSPHRASE, NOW))


def test_another_units_name_is_reported(equipped: Ceremony) -> None:
    assert "名册登记" in failed(check_kit(equipped.kit(UNIT), "minzheng", PASSPHRASE, NOW))
    assert "名册登记" in failed(check_kit(equipped.kit(UNIT), "nobody", PASSPHRASE, NOW))


def test_an_empty_folder_is_reported_without_a_crash(tmp_path: Path) -> None:
    assert len(failed(check_kit(tmp_path, UNIT, PASSPHRASE, NOW))) == 4
    assert len(failed(check_tls(tmp_path, NOW))) == 2


def test_a_sound_certificate_has_no_fault(tls: Path) -> None:
    findings = check_tls(tls, NOW, IDENTITY)

    assert failed(findings) == {}
    assert str(IDENTITY) in findings[-1].text


def test_an_expired_certificate_is_reported(tls: Path) -> None:
    assert "不在有效期内" in failed(check_tls(tls, NOW + timedelta(days=101)))["TLS 证书"]
    assert "还有" in check_tls(tls, NOW + timedelta(days=90))[-1].text


def test_a_certificate_of_another_identity_is_reported(tls: Path) -> None:
    assert "不是" in failed(check_tls(tls, NOW, Identity(DISTRICT, "matcher")))["TLS 证书"]


def test_a_foreign_key_or_root_is_reported(tls: Path, tmp_path: Path) -> None:
    other = new_tls(tmp_path / "other", IDENTITY)
    (tls / "key.pem").write_bytes(other.private_key)
    assert "key.pem" in failed(check_tls(tls, NOW))["TLS 证书"]

    ca = init_ca(tmp_path / "ca", DISTRICT, frozenset(), SECRET, NOW)
    (tls / "ca.pem").write_bytes(ca.root_pem)
    assert "ca.pem" in failed(check_tls(tls, NOW))["TLS 证书"]


@pytest.mark.parametrize("name", ["cert.pem", "ca.pem", "key.pem"])
def test_a_damaged_file_is_reported(tls: Path, name: str) -> None:
    (tls / name).write_bytes(b"damaged")

    assert name in failed(check_tls(tls, NOW))["TLS 证书"]


def test_a_root_is_not_a_partys_certificate(tls: Path) -> None:
    (tls / "cert.pem").write_bytes((tls / "ca.pem").read_bytes())

    assert "TLS 证书" in failed(check_tls(tls, NOW))
