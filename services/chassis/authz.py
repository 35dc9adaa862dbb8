"""Who may call what: one table service → roles, deny by default, for every kind of call.

A gRPC service is a permission. The table is asked before the request is read, for unary and all
three streaming kinds and for methods that do not exist (a stranger learns nothing from the
difference). Health and reflection are rows like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

import grpc

from services.chassis.identity import Identity, IdentityError
from services.chassis.refusals import Refused, Unauthenticated
from services.chassis.tls import read_peer_certificate

HEALTH = "grpc.health.v1.Health"
REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")

Admit = Callable[[Identity, str], None]
"""A check per call beyond the table (the roster: revocation). Raises Refused; returns nothing."""

_CALLER = "libmatch_caller"
_NOT_HERE_ZH = (
    "您的证书不能在本服务办理此事，请核对所用的配置文件（哪个服务、谁的证书），"
    "或转交有权限的人员办理。"
)


class AccessTable:
    """Full service name → roles. What has no row is denied to everyone."""

    def __init__(self, rows: Mapping[str, Collection[str]]) -> None:
        for service, roles in rows.items():
            # A string is a collection of letters: {"Svc": "unit"} would grant roles u, n, i, t.
            if isinstance(roles, str) or not roles:
                raise ValueError(f"{service}: give a set of at least one role")
        self._rows = {service: frozenset(roles) for service, roles in rows.items()}

    @property
    def services(self) -> frozenset[str]:
        """The services that have a row."""
        return frozenset(self._rows)

    def allows(self, role: str, service: str) -> bool:
        """True where ``role`` may call any method of ``service``."""
        return role in self._rows.get(service, frozenset())

    def with_operations(self, *, reflection: bool) -> AccessTable:
        """This table with rows for health and, if asked for, reflection: every role of the table."""
        roles = frozenset().union(*self._rows.values())
        rows = {**self._rows, HEALTH: roles}
        if reflection:
            rows |= dict.fromkeys(REFLECTION, roles)
        return AccessTable(rows)


class Gatekeeper:
    """Decides about one call: certificate → identity → table → hook."""

    def __init__(
        self,
        table: AccessTable,
        trust_domain: str,
        now: Callable[[], datetime],
        admit: Admit | None,
    ) -> None:
        self._table = table
        self._trust_domain = trust_domain
        self._now = now
        self._admit = admit

    def identify(self, context: grpc.ServicerContext) -> Identity:
        """The caller's identity. Raises Unauthenticated for anything but one good SPIFFE URI."""
        certificates = context.auth_context().get("x509_pem_cert", ())
        if len(certificates) != 1:
            raise Unauthenticated("a client certificate is required", reason="NO_CERTIFICATE")
        try:
            peer = read_peer_certificate(certificates[0])
        except IdentityError as error:
            raise Unauthenticated(str(error), reason="BAD_IDENTITY") from error
        if peer.identity.trust_domain != self._trust_domain:
            raise Unauthenticated("certificate of another trust domain", reason="TRUST_DOMAIN")
        # TLS looks at validity once, at the handshake; a connection can outlive its certificate.
        if self._now() > peer.not_after:
            raise Unauthenticated("the client certificate has expired", reason="EXPIRED")
        return peer.identity

    def authorise(self, identity: Identity, service: str) -> None:
        """Returns where ``identity`` may call ``service``. Raises Refused otherwise."""
        if not self._table.allows(identity.role, service):
            raise Refused("this role may not call this service", _NOT_HERE_ZH, reason="ROLE")
        if self._admit is not None and service != HEALTH:
            self._admit(identity, service)


def set_caller(context: grpc.ServicerContext, identity: Identity) -> None:
    """Remembers on ``context`` whom the gatekeeper let in; for ``server`` alone."""
    setattr(context, _CALLER, identity)


def caller(context: grpc.ServicerContext) -> Identity:
    """Who calls, as checked before the handler ran. Raises Unauthenticated where nobody checked."""
    identity = getattr(context, _CALLER, None)
    if not isinstance(identity, Identity):
        raise Unauthenticated("the call did not pass the gatekeeper")
    return identity
