"""A party's TLS key and certificate request: made on its own machine, the key never leaves it.

ECDSA on P-256: what every TLS library takes (gRPC's refuses Ed25519 unless it is told otherwise).
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from libmatch.identity import Identity, IdentityError
from services.authority.cards import fingerprint
from services.authority.errors import CeremonyError

_CURVES = ("secp256r1", "secp384r1")


@dataclass(frozen=True, repr=False)
class NewTlsKey:
    """A private key (PEM, not encrypted: the service reads it at start) and its request (PEM)."""

    private_key: bytes
    request: bytes
    fingerprint: str


@dataclass(frozen=True)
class Request:
    """A certificate request whose own signature holds. ``asked``: the identity it asks for, if any."""

    public_key: ec.EllipticCurvePublicKey
    asked: Identity | None

    @property
    def fingerprint(self) -> str:
        return fingerprint(_spki(self.public_key))


def new_tls_key(identity: Identity) -> NewTlsKey:
    """A new P-256 key with a request for ``identity``."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(str(identity))])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = builder.add_extension(names, critical=True).sign(key, hashes.SHA256())
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = fingerprint(_spki(key.public_key()))
    return NewTlsKey(private, request.public_bytes(encoding), public)


def parse_request(pem: bytes) -> Request:
    """The request in ``pem``. Raises CeremonyError: unreadable, forged, weak, or ambiguous."""
    try:
        request = x509.load_pem_x509_csr(pem)
        key, is_signed = request.public_key(), request.is_signature_valid
        uris, others = _names(request)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise CeremonyError("not a certificate request", "不是证书申请文件，或内容已损坏") from None
    if not is_signed:
        raise CeremonyError(
            "the request is not signed by its own key", "证书申请的签名无效，请对方重新生成"
        )
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise CeremonyError(
            "the key must be ECDSA on P-256 or P-384", "密钥须为 ECDSA P-256 或 P-384"
        )
    if len(uris) > 1 or others:
        raise CeremonyError(
            "the request asks for more than one name",
            "证书申请中有多个名称；一张证书只能有一个身份，请对方重新生成",
        )
    return Request(key, _identity(uris[0]) if uris else None)


def _names(request: x509.CertificateSigningRequest) -> tuple[list[str], int]:
    """The URIs asked for, and how many names of other kinds than DNS (those are set by rule)."""
    try:
        extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return [], 0
    names = list(extension.value)
    uris = [n.value for n in names if isinstance(n, x509.UniformResourceIdentifier)]
    dns = sum(isinstance(name, x509.DNSName) for name in names)
    return uris, len(names) - len(uris) - dns


def _identity(uri: str) -> Identity:
    try:
        return Identity.parse(uri)
    except IdentityError as error:
        raise CeremonyError(
            f"the request asks for no identity of this system: {error}",
            "证书申请中的身份格式不正确",
        ) from None


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
