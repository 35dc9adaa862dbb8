"""Who a peer is, for services: ``libmatch.identity``, where a department's own system finds it, too."""

from libmatch.identity import Identity, IdentityError, server_dns_name

__all__ = ["Identity", "IdentityError", "server_dns_name"]
