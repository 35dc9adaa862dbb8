"""Everything about a party's kit and certificate that can be checked on its own machine, line by line."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from libmatch.errors import LibmatchError, ShareError
from libmatch.identity import Identity, IdentityError
from libmatch.keys import combine_shares
from libmatch.kit import PartyKeys, read_authorities, read_epoch, read_party_keys, read_shares
from libmatch.manifest import Epoch, Role
from libmatch.suites import get_suite
from services.authority.cards import fingerprint
from services.authority.summary import format_time, roles_zh

_SOON = timedelta(days=30)


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was checked, whether it holds, and in Chinese what was seen."""

    subject: str
    holds: bool
    text: str


class CheckFailed(Exception):
    """A check does not hold; the text is Chinese, for the report."""


def check_kit(kit: Path, unit: str, passphrase: str, now: datetime) -> list[Finding]:
    """The findings on ``unit``'s kit: files, keys, signatures, validity, roster, shares.

    A check that another one makes pointless is left out.
    """
    party = _Party(kit, unit, passphrase, now)
    findings = [
        _look("密钥文件权限", lambda: _check_private(kit / "keys" / "party.key")),
        _look("密钥文件口令", party.open_keys),
        _look("授权公钥", party.read_authorities),
        _look("清单与名册签名", party.open_epoch),
    ]
    if party.epoch is not None:
        findings.append(_look("有效期", party.check_validity))
    if party.epoch is not None and party.keys is not None:
        findings.append(_look("名册登记", party.check_listed))
    if party.has_shares:
        findings.append(_look("密钥份额", party.check_shares))
    return findings


def check_tls(folder: Path, now: datetime, identity: Identity | None = None) -> list[Finding]:
    """The findings on ``cert.pem``, ``key.pem`` and ``ca.pem`` in ``folder``."""
    return [
        _look("TLS 私钥权限", lambda: _check_private(folder / "key.pem")),
        _look("TLS 证书", lambda: _check_certificate(folder, now, identity)),
    ]


def _look(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, check())
    except CheckFailed as failed:
        return Finding(subject, False, str(failed))
    except ShareError as error:
        text = (
            f"保管人 {error.custodian} 的份额打不开或与承诺不符；请停止使用，并请该保管人重新密封"
        )
        return Finding(subject, False, text)
    except LibmatchError as error:
        return Finding(subject, False, f"不成立（{error}）")


class _Party:
    """A kit under examination: what could be opened so far."""

    def __init__(self, kit: Path, unit: str, passphrase: str, now: datetime) -> None:
        self._kit, self._unit, self._passphrase, self._now = kit, unit, passphrase, now
        self.keys: PartyKeys | None = None
        self.epoch: Epoch | None = None

    @property
    def has_shares(self) -> bool:
        if self.epoch is None or self.keys is None:
            return False
        units = self.epoch.roster.with_role(Role.REGISTRY | Role.BENEFICIARY)
        return self._unit in {member.unit for member in units}

    def open_keys(self) -> str:
        self.keys = read_party_keys(self._kit, self._passphrase)
        public = fingerprint(self.keys.signing.public_key + self.keys.hpke.public_key)
        return f"已打开，公钥 {public}"

    def read_authorities(self) -> str:
        return "；".join(fingerprint(key) for key in sorted(read_authorities(self._kit)))

    def open_epoch(self) -> str:
        self.epoch = read_epoch(self._kit)
        manifest, roster = self.epoch.manifest, self.epoch.roster
        return f"周期 {manifest.epoch}（{fingerprint(self.epoch.epoch_id)}），名册第 {roster.version} 版"

    def check_validity(self) -> str:
        assert self.epoch is not None
        manifest = self.epoch.manifest
        span = f"{format_time(manifest.not_before)} 至 {format_time(manifest.not_after)}"
        if not manifest.not_before <= self._now < manifest.not_after:
            raise CheckFailed(f"本周期不在有效期内：{span}")
        return span + _warn_soon(manifest.not_after, self._now)

    def check_listed(self) -> str:
        assert self.epoch is not None
        assert self.keys is not None
        member = self.epoch.roster.find(self._unit)
        public = (self.keys.signing.public_key, self.keys.hpke.public_key)
        if not member.active:
            raise CheckFailed(f"{self._unit} 已注销")
        if (member.signing_key, member.hpke_key) != public:
            raise CheckFailed(f"名册中 {self._unit} 的公钥不是本套件的公钥")
        return f"{member.unit} {member.display_name}（{roles_zh(member.roles)}）"

    def check_shares(self) -> str:
        assert self.epoch is not None
        assert self.keys is not None
        manifest = self.epoch.manifest
        shares = read_shares(self._kit, self._unit, self.epoch, self.keys.hpke)
        combine_shares(get_suite(manifest.suite), self.epoch.epoch_id, manifest.commitments, shares)
        return f"{len(shares)} 份，均与承诺相符"


def _check_private(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CheckFailed(f"{path} 无法读取：{error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CheckFailed(f"其他用户可以读取；请运行 chmod 600 {path}")
    return "仅本人可读"


def _check_certificate(folder: Path, now: datetime, identity: Identity | None) -> str:
    leaf, ca = _read_certificate(folder / "cert.pem"), _read_certificate(folder / "ca.pem")
    try:
        leaf.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError):
        raise CheckFailed("证书不是由 ca.pem 签发的") from None
    end = leaf.not_valid_after_utc
    if not leaf.not_valid_before_utc <= now <= end:
        span = f"{format_time(leaf.not_valid_before_utc)} 至 {format_time(end)}"
        raise CheckFailed(f"证书不在有效期内（{span}）；请向授权机构申请新证书")
    if _public_bytes(leaf) != _public_bytes_of_key(folder / "key.pem"):
        raise CheckFailed("key.pem 不是证书的私钥")
    named = _read_identity(leaf)
    if identity is not None and named != identity:
        raise CheckFailed(f"证书的身份是 {named}，不是 {identity}")
    return f"{named}，有效至 {format_time(end)}{_warn_soon(end, now)}"


def _read_identity(leaf: x509.Certificate) -> Identity:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        if len(uris) != 1:
            raise CheckFailed(f"证书含 {len(uris)} 个身份，应恰有一个")
        return Identity.parse(uris[0])
    except (x509.ExtensionNotFound, ValueError, IdentityError):
        raise CheckFailed("证书中没有本系统的身份") from None


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise CheckFailed(f"{path} 无法读取：{error.strerror}") from None
    except ValueError:
        raise CheckFailed(f"{path} 不是 PEM 证书") from None


def _public_bytes(leaf: x509.Certificate) -> bytes:
    return leaf.public_key().public_bytes(*_SPKI)


def _public_bytes_of_key(path: Path) -> bytes:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CheckFailed(f"{path} 无法读取：{error.strerror}") from None
    except (ValueError, TypeError):
        raise CheckFailed(f"{path} 不是未加密的 PEM 私钥") from None
    return key.public_key().public_bytes(*_SPKI)


_SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _warn_soon(end: datetime, now: datetime) -> str:
    days = (end - now).days
    return f"（注意：还有 {days} 天到期）" if end - now < _SOON else ""
