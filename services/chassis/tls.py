"""Mutual TLS: the identity in a peer's certificate, and credentials that follow renewed files.

Authentication is gRPC's (BoringSSL checks chain, validity and possession of the key); this module
reads *who* the certificate names. gRPC falls back to the common name where a certificate has no SAN,
and lists several URIs side by side; here exactly one SPIFFE URI of the right trust domain counts.

It decides nothing about what a peer may do (``authz``) and issues nothing (the authority does).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from libmatch.errors import KeyFileError
from libmatch.tls_material import TlsFiles, TlsMaterial, find_problems, read_material
from services.chassis.config import ConfigError, TlsSettings
from services.chassis.identity import Identity, IdentityError, server_dns_name

__all__ = [
    "Identity",
    "IdentityError",
    "OwnCertificate",
    "PeerCertificate",
    "TlsMaterial",
    "check_own_certificate",
    "load_material",
    "read_peer_certificate",
    "server_credentials",
    "server_dns_name",
]

Now = Callable[[], datetime]
"""The clock that is passed in: the present moment, with a time zone."""


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """Whom a certificate names and until when; the chain was checked by TLS."""

    identity: Identity
    not_after: datetime


def load_material(tls: TlsSettings) -> TlsMaterial:
    """The three files of ``tls``. Raises ConfigError for one that cannot be read or is not secret."""
    try:
        return read_material(_files(tls))
    except KeyFileError as error:
        raise ConfigError([str(error)]) from None


def _files(tls: TlsSettings) -> TlsFiles:
    return TlsFiles(tls.certificate, tls.private_key, tls.ca)


@lru_cache(maxsize=256)
def read_peer_certificate(pem: bytes) -> PeerCertificate:
    """The one identity in the leaf certificate ``pem``. Raises IdentityError otherwise."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        uris = _uris(certificate)
        is_authority = _is_authority(certificate)
    except (ValueError, x509.DuplicateExtension) as error:
        raise IdentityError("the certificate cannot be read") from error
    if is_authority:
        raise IdentityError("a certificate authority is nobody's identity")
    if len(uris) != 1:
        raise IdentityError(f"the certificate has {len(uris)} URI names; exactly one is needed")
    return PeerCertificate(Identity.parse(uris[0]), certificate.not_valid_after_utc)


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """A party's own certificate as it was at start."""

    identity: Identity
    not_after: datetime
    dns_names: tuple[str, ...]


def check_own_certificate(tls: TlsSettings, now: Now) -> OwnCertificate:
    """What the own certificate says. Raises ConfigError, in words, for one that TLS would refuse.

    Checked: identity, validity today, that the private key is its key, that the CA file is whole.
    """
    return _check_material(tls, load_material(tls), now())


def _check_material(tls: TlsSettings, material: TlsMaterial, now: datetime) -> OwnCertificate:
    leaf = _load_leaf(tls.certificate, material.certificate)
    problems = find_problems(_files(tls), material)
    problems += _validity_problems(tls.certificate, leaf, now)
    try:
        peer = read_peer_certificate(leaf.public_bytes(serialization.Encoding.PEM))
    except IdentityError as error:
        raise ConfigError([*problems, f"{tls.certificate}: {error}"]) from None
    if problems:
        raise ConfigError(problems)
    return OwnCertificate(peer.identity, peer.not_after, _dns_names(leaf))


def _load_leaf(path: Path, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError:
        raise ConfigError([f"{path}: holds no PEM certificate"]) from None


def _validity_problems(path: Path, leaf: x509.Certificate, now: datetime) -> list[str]:
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now > end:
        return [f"{path}: expired on {end:%Y-%m-%d %H:%M} UTC; ask the authority for a new one"]
    if now < start:
        return [f"{path}: not valid before {start:%Y-%m-%d %H:%M} UTC; check this machine's clock"]
    return []


def _dns_names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))


def server_credentials(tls: TlsSettings, now: Now) -> grpc.ServerCredentials:
    """Server credentials that demand a client certificate and follow renewed files without restart.

    Files are looked at when a connection arrives. A renewal that a start would refuse (half written, the
    key of another certificate, another's certificate, out of date) is logged, and the server goes on with
    what it has.
    """
    initial = load_material(tls)
    renewal = _Renewal(tls, initial, now)
    return grpc.dynamic_ssl_server_credentials(
        _configuration(initial),
        renewal.fetch,  # type: ignore[arg-type]  # None means no change
        require_client_authentication=True,
    )


def _configuration(material: TlsMaterial) -> grpc.ServerCertificateConfiguration:
    pair = (material.private_key, material.certificate)
    return grpc.ssl_server_certificate_configuration([pair], material.ca)


class _Renewal:
    """Hands gRPC a new configuration when the files have changed, and None while they have not."""

    def __init__(self, tls: TlsSettings, initial: TlsMaterial, now: Now) -> None:
        self._tls = tls
        self._now = now
        self._lock = threading.Lock()
        self._in_use = initial
        self._identity = _check_material(tls, initial, now()).identity
        self._told: object = None

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        with self._lock:
            try:
                material = load_material(self._tls)
                if material == self._in_use:
                    self._told = None
                    return None
                own = self._check(material)
            except ConfigError as error:
                self._tell(error)
                return None
            self._in_use, self._told = material, None
        structlog.get_logger().info("tls.renewed", not_after=own.not_after.isoformat())
        return _configuration(material)

    def _check(self, material: TlsMaterial) -> OwnCertificate:
        own = _check_material(self._tls, material, self._now())
        same = own.identity == self._identity
        if not same or server_dns_name(own.identity) not in own.dns_names:
            raise ConfigError([f"{self._tls.certificate}: does not name this server"])
        return own

    def _tell(self, error: ConfigError) -> None:
        # Once: the files are looked at for each connection, and may come right by waiting.
        if error.problems != self._told:
            self._told = error.problems
            structlog.get_logger().error("tls.renewal_refused", problems=list(error.problems))
