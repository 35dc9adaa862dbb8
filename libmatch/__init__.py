"""libmatch: privacy-preserving matching of declared relatives against beneficiaries.

The package is pure: no sockets, no environment, no clock of its own. ``libmatch.client`` alone needs
the ``grpc`` extra. Start with ``libmatch.prepare`` (rows to sealed batches), ``libmatch.matching``
(batches to flagged pairs) and ``libmatch.unseal`` (a flagged pair to two payloads).
"""
