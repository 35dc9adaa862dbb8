"""The exit codes of ``libmatch``: stable, for scripts (docs/operations.md)."""

from enum import IntEnum


class Exit(IntEnum):
    """What a run ended with."""

    OK = 0
    INTERNAL = 1  # unforeseen: one line and an error id
    USAGE = 2  # command line or configuration
    REFUSED = 3  # the input cannot be used, nothing was done
    PARTIAL = 4  # done, but rows were not taken or checks did not hold in part
    TRUST = 5  # keys, shares, signatures, certificates, log
    SERVICE = 6  # the server refused or was not reached
    MISSING = 7  # an optional component is not installed
    INTERRUPTED = 130  # Ctrl-C, as shells have it
