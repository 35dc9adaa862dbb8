"""What a holder's system uses to talk to the matcher. Needs the ``grpc`` extra.

``MatcherClient`` is the matcher's services as typed calls.
"""

from libmatch.client.matcher import IDEMPOTENT, MatcherClient

__all__ = ["IDEMPOTENT", "MatcherClient"]
