"""services.chassis.tls: exactly one SPIFFE URI counts, and a bad own certificate is told in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from structlog.testing import capture_logs

from services.chassis.config import ConfigError, TlsSettings
from services.chassis.identity import Identity, IdentityError, server_dns_name
from services.chassis.tls import (
    _Renewal,
    check_own_certificate,
    load_material,
    read_peer_certificate,
)
from tests.chassis_pki import Pki

_URI = x509.UniformResourceIdentifier
_UNIT = "spiffe://fuling/unit/a"


def _now() -> datetime:
    return datetime.now(UTC)


def test_one_uri_is_the_identity(pki: Pki) -> None:
    tls = pki.issue(_UNIT, valid=timedelta(days=3))
    peer = read_peer_certificate(tls.certificate.read_bytes())
    assert peer.identity == Identity("fuling", "unit", "a")
    assert timedelta(days=2) < peer.not_after - _now() < timedelta(days=4)


def test_dns_names_beside_the_uri_do_not_matter(pki: Pki) -> None:
    tls = pki.issue_raw([x509.DNSName("localhost"), _URI(_UNIT), x509.DNSName("x")])
    assert str(read_peer_certificate(tls.certificate.read_bytes()).identity) == _UNIT


@pytest.mark.parametrize(
    "names",
    [
        [],
        [x509.DNSName("spiffe.fuling")],
        [_URI(_UNIT), _URI("spiffe://fuling/unit/b")],
        [_URI(_UNIT), _URI(_UNIT)],
        [_URI(_UNIT), _URI("https://fuling.example/")],
        [_URI("https://fuling.example/")],
        [_URI("spiffe://fuling/unit/a/b/c")],
        [_URI("spiffe://fuling/")],
    ],
)
def test_any_other_set_of_names_is_nobody(pki: Pki, names: list[x509.GeneralName]) -> None:
    tls = pki.issue_raw(names, common_name=_UNIT)
    with pytest.raises(IdentityError):
        read_peer_certificate(tls.certificate.read_bytes())


def test_authority_is_nobody(pki: Pki) -> None:
    tls = pki.issue_raw([_URI(_UNIT)], is_authority=True)
    with pytest.raises(IdentityError, match="authority"):
        read_peer_certificate(tls.certificate.read_bytes())


@pytest.mark.parametrize(
    "pem", [b"", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"]
)
def test_bytes_that_are_no_certificate_are_nobody(pem: bytes) -> None:
    with pytest.raises(IdentityError):
        read_peer_certificate(pem)


def test_own_certificate_tells_identity_and_names(pki: Pki) -> None:
    own = check_own_certificate(pki.issue("spiffe://fuling/matcher"), _now)
    assert own.identity == Identity("fuling", "matcher")
    assert own.dns_names == ("matcher.fuling.libmatch",)


def test_expired_own_certificate_is_told_with_its_date(pki: Pki) -> None:
    tls = pki.issue(_UNIT, valid=timedelta(days=7))
    with pytest.raises(ConfigError, match=r"expired on \d{4}-\d\d-\d\d .* ask the authority"):
        check_own_certificate(tls, lambda: _now() + timedelta(days=8))


def test_own_certificate_of_the_future_points_at_the_clock(pki: Pki) -> None:
    with pytest.raises(ConfigError, match="clock"):
        check_own_certificate(pki.issue(_UNIT), lambda: _now() - timedelta(days=2))


def test_key_of_another_certificate_is_told(pki: Pki) -> None:
    mine, other = pki.issue(_UNIT), pki.issue(_UNIT)
    mixed = TlsSettings.model_construct(
        certificate=mine.certificate, private_key=other.private_key, ca=mine.ca
    )
    with pytest.raises(ConfigError, match="not an unencrypted PEM key of"):
        check_own_certificate(mixed, _now)


def test_files_that_hold_no_certificate_are_told(pki: Pki, tmp_path: Path) -> None:
    mine = pki.issue(_UNIT)
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    with pytest.raises(ConfigError, match=r"empty\.pem: holds no PEM certificate"):
        check_own_certificate(mine.model_copy(update={"ca": empty}), _now)
    with pytest.raises(ConfigError, match=r"empty\.pem: holds no PEM certificate"):
        check_own_certificate(mine.model_copy(update={"certificate": empty}), _now)


def test_material_does_not_print_the_key(pki: Pki) -> None:
    assert "PRIVATE" not in repr(load_material(pki.issue(_UNIT)))


def _names(identity: str) -> list[x509.GeneralName]:
    return [_URI(identity), x509.DNSName(server_dns_name(Identity.parse(identity)))]


def _renewal(tls: TlsSettings, now: Callable[[], datetime] = _now) -> _Renewal:
    return _Renewal(tls, load_material(tls), now)


def test_renewal_that_does_not_fit_together_is_told_once_and_not_used(pki: Pki) -> None:
    tls = pki.issue(_UNIT)
    renewal = _renewal(tls)
    tls.private_key.write_bytes(pki.issue(_UNIT).private_key.read_bytes())
    with capture_logs() as logs:
        assert renewal.fetch() is None
        assert renewal.fetch() is None
    assert [entry["event"] for entry in logs] == ["tls.renewal_refused"]
    pki.issue_raw(_names(_UNIT), into=tls)
    with capture_logs() as logs:
        assert renewal.fetch() is not None
        assert renewal.fetch() is None
    assert [entry["event"] for entry in logs] == ["tls.renewed"]


@pytest.mark.parametrize(
    ("names", "validity"),
    [
        (_names("spiffe://fuling/unit/b"), {}),
        ([_URI(_UNIT)], {}),
        (_names(_UNIT), {"valid": timedelta(minutes=-1)}),
    ],
    ids=["another's", "without the DNS name", "expired"],
)
def test_renewal_that_no_client_would_accept_is_not_used(
    pki: Pki, names: list[x509.GeneralName], validity: dict[str, timedelta]
) -> None:
    tls = pki.issue(_UNIT)
    renewal = _renewal(tls)
    pki.issue_raw(names, into=tls, **validity)  # type: ignore[arg-type]
    assert renewal.fetch() is None


def test_renewal_that_is_valid_from_later_on_is_used_from_then_on(pki: Pki) -> None:
    tls, moment = pki.issue(_UNIT), [_now()]
    renewal = _renewal(tls, lambda: moment[0])
    pki.issue_raw(_names(_UNIT), into=tls, starts=timedelta(hours=1))
    assert renewal.fetch() is None
    moment[0] += timedelta(hours=2)
    assert renewal.fetch() is not None


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.95])
def test_bundle_of_authorities_that_is_cut_off_is_not_used(
    pki: Pki, tmp_path: Path, kept: float
) -> None:
    tls = pki.issue(_UNIT).model_copy(update={"ca": tmp_path / "ca.pem"})
    tls.ca.write_bytes(pki.ca.read_bytes())
    renewal = _renewal(tls)
    second = Pki(tmp_path / "other", "other authority").ca.read_bytes()
    tls.ca.write_bytes(pki.ca.read_bytes() + second[: int(len(second) * kept)])
    assert renewal.fetch() is None  # the parser alone would pass over the unfinished one
    tls.ca.write_bytes(pki.ca.read_bytes() + second + b"\n# both\n")
    assert renewal.fetch() is not None
