"""A party's certificate, key and trust anchors as files, and whether TLS can work with them.

gRPC's core ends the whole process for a key that is no key, and takes half a bundle for a whole one. So
whoever hands it files, at start or in the middle of their renewal, looks at them here first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from libmatch.errors import KeyFileError
from libmatch.secret_files import read_secret

_END = b"-----END CERTIFICATE-----"


@dataclass(frozen=True)
class TlsFiles:
    """A party's own certificate chain, its private key (owner-only), the authority's certificates: PEM."""

    certificate: Path
    private_key: Path
    ca: Path


@dataclass(frozen=True, slots=True, repr=False)
class TlsMaterial:
    """The PEM bytes of a party's chain, key and trust anchors."""

    certificate: bytes
    private_key: bytes
    ca: bytes


def read_material(files: TlsFiles) -> TlsMaterial:
    """The content of the three files. Raises KeyFileError for one that cannot be read or is not secret."""
    try:
        return TlsMaterial(
            certificate=files.certificate.read_bytes(),
            private_key=read_secret(files.private_key),
            ca=files.ca.read_bytes(),
        )
    except OSError as error:
        raise KeyFileError(f"{error.filename}: cannot be read: {error.strerror}") from None


def find_problems(files: TlsFiles, material: TlsMaterial) -> list[str]:
    """Why TLS cannot work with ``material``, naming the files it came from; empty where it can."""
    leaf = _leaf(material.certificate)
    if leaf is None:
        return [f"{files.certificate}: holds no PEM certificate"]
    problems = []
    if not _is_whole(material.certificate):
        problems.append(f"{files.certificate}: the chain is cut off")
    if not _is_key_of(leaf, material.private_key):
        problems.append(f"{files.private_key}: not an unencrypted PEM key of {files.certificate}")
    if not _is_whole(material.ca):
        problems.append(f"{files.ca}: holds no PEM certificate, or one that is cut off")
    return problems


def _leaf(pem: bytes) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError:
        return None


def _is_whole(pem: bytes) -> bool:
    """True for one or more certificates, none cut off: the parser passes over an unfinished last one."""
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return False
    rest = pem.rpartition(_END)[2]
    return len(certificates) == pem.count(_END) and b"--" not in rest


def _is_key_of(leaf: x509.Certificate, private_key: bytes) -> bool:
    try:
        key = serialization.load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError):
        return False
    return _public_bytes(key.public_key()) == _public_bytes(leaf.public_key())


def _public_bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
