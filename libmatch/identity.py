"""Who a peer is: one SPIFFE URI, and the DNS name under which a server of that identity is checked.

Pure values without gRPC or cryptography, so that use cases may import them. Certificates are read by
the server's side alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from libmatch.errors import IdentityError

__all__ = ["Identity", "IdentityError", "server_dns_name"]

_TRUST_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62})\Z", re.ASCII)
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,31}\Z", re.ASCII)
_SEGMENT = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,63}\Z", re.ASCII)
_SERVER_NAME = re.compile(r"[a-z0-9-]{0,64}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    """``spiffe://<trust_domain>/<role>[/<name>[/<login>]]``; lower case throughout.

    ``name`` and ``login`` are empty where the URI has no such segment. The constructor raises
    IdentityError for anything that ``parse`` would not give back.
    """

    trust_domain: str
    role: str
    name: str = ""
    login: str = ""

    def __post_init__(self) -> None:
        if not _TRUST_DOMAIN.match(self.trust_domain):
            raise IdentityError("the trust domain is not a lower-case domain name")
        if not _ROLE.match(self.role):
            raise IdentityError("the first path segment is not a role")
        if self.login and not self.name:
            raise IdentityError("an identity with a login needs a name")
        for segment in filter(None, (self.name, self.login)):
            if not _SEGMENT.match(segment):
                raise IdentityError("a path segment is not made of a-z, 0-9, '-', '_' and '.'")

    @classmethod
    def parse(cls, uri: str) -> Identity:
        """The identity that ``uri`` names. Raises IdentityError; nothing is normalised or guessed."""
        scheme, separator, rest = uri.partition("://")
        if scheme != "spiffe" or not separator:
            raise IdentityError("not a SPIFFE URI")
        trust_domain, *path = rest.split("/")
        if not 1 <= len(path) <= 3 or not all(path):
            raise IdentityError("a SPIFFE path here has one to three segments, none empty")
        return cls(trust_domain, *path)

    def __str__(self) -> str:
        path = "/".join(filter(None, (self.role, self.name, self.login)))
        return f"spiffe://{self.trust_domain}/{path}"


def server_dns_name(identity: Identity) -> str:
    """The DNS SAN of a server with this identity: ``[<name>.]<role>.<trust domain>.libmatch``.

    gRPC in Python shows a client nothing of the server's certificate, but checks its DNS SAN against
    ``ssl_target_name_override``. The authority writes this name into the certificate of exactly one
    identity, so the check proves the role and not only the district. Raises IdentityError for an
    identity that is no server's (a login, or a name with a dot, which would make names ambiguous).
    """
    if identity.login or not _SERVER_NAME.match(identity.name):
        raise IdentityError("a server's identity has no login and no '.' or '_' in its name")
    labels = filter(None, (identity.name, identity.role, identity.trust_domain, "libmatch"))
    return ".".join(labels)
