"""Every error that libmatch raises on purpose, one tree.

::

    LibmatchError
    ├── InputError            a person's entry; carries Chinese text for the clerk
    │   └── IdentifierError   which rule an identifier breaks (never the number itself)
    ├── EncodingError         bytes that are not the canonical encoding of anything
    ├── KeyFileError          a key file that does not open: wrong passphrase or damaged
    ├── ShareError            a key share that contradicts its commitment; names the custodian
    ├── ManifestError         an epoch manifest or roster that must not be used
    │   └── EpochError        material of another epoch, or outside its validity
    ├── BatchError            a batch or withdrawal that admission refuses
    │   ├── SequenceError     not the next sequence number of its unit and side
    │   └── ConflictError     a sequence number or record id already used for other content
    ├── UnsealError           a flagged pair that does not open; names the culprit
    ├── LogError              an audit log whose proofs or checkpoints do not hold
    ├── IdentityError         a URI or a certificate that names nobody
    ├── ServiceError          a remote service refused a call or was not reached
    └── StateError            a client's state file that cannot be used; nothing was kept

Messages are English, for the programmer; ``message_zh`` is Chinese, for the person at the form.
No message repeats an identifier, a name, a token or key material.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class LibmatchError(Exception):
    """Base of all errors of this library."""


class InputError(LibmatchError):
    """Something that a person entered cannot be taken; ``message_zh`` says what and how to mend it."""

    def __init__(self, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.message_zh = message_zh


class IdentifierRule(StrEnum):
    """The rule that an identifier breaks. Values are stable: they go into reports and columns."""

    EMPTY = "empty"
    FLOAT = "float"  # a spreadsheet turned the number into a float; digits are lost
    CHARACTERS = "characters"
    LENGTH = "length"
    REGION = "region"
    BIRTH_DATE = "birth_date"
    BIRTH_IN_FUTURE = "birth_in_future"
    SEQUENCE = "sequence"
    CHECK_DIGIT = "check_digit"
    KIND = "kind"
    SEX_MISMATCH = "sex_mismatch"
    BIRTH_MISMATCH = "birth_mismatch"


class IdentifierError(InputError):
    """An identifier breaks ``rule``. The text names the rule, never the number."""

    def __init__(self, rule: IdentifierRule, message: str, message_zh: str) -> None:
        super().__init__(message, message_zh)
        self.rule = rule


class EncodingError(LibmatchError):
    """Bytes that are not the canonical encoding of the expected structure (spec section 2)."""


class KeyFileError(LibmatchError):
    """A protected key file does not open: wrong passphrase, or the file was altered."""


class ShareError(LibmatchError):
    """Custodian number ``custodian`` (from 1) handed out a share that contradicts its commitment."""

    def __init__(self, custodian: int) -> None:
        super().__init__(
            f"the key share of custodian {custodian} does not match its commitment in the manifest; "
            "stop, and ask that custodian for the share again"
        )
        self.custodian = custodian


class ManifestError(LibmatchError):
    """A manifest or roster that must not be used: signature, suite, mode, norm or structure."""


class EpochError(ManifestError):
    """Material of another epoch than the one in force, or an epoch outside its validity."""


class BatchError(LibmatchError):
    """Admission refuses a batch or a withdrawal; the message says which check failed."""


class SequenceError(BatchError):
    """A sequence number that is not the next one: ``expected`` is."""

    def __init__(self, expected: int) -> None:
        super().__init__(f"sequence numbers are gap-free: the next one is {expected}")
        self.expected = expected


class ConflictError(BatchError):
    """A sequence number or record id that was already used for other content."""


class UnsealError(LibmatchError):
    """A flagged pair does not open. ``culprit`` is ``"matcher"`` or the name of a unit.

    This is the one public failure of unsealing: which check failed is not told.
    ``disputed`` is true where both records open but name different persons; then no single party
    is to blame and ``culprit`` is both units' names joined by ``" | "``.
    """

    def __init__(self, culprit: str, *, disputed: bool = False) -> None:
        what = "the two records disagree about the person" if disputed else "does not open"
        super().__init__(f"flagged pair: {what}; answerable: {culprit}")
        self.culprit = culprit
        self.disputed = disputed


class LogError(LibmatchError):
    """A checkpoint, inclusion proof or consistency proof of the audit log does not hold."""


class IdentityError(LibmatchError):
    """A URI or a certificate that names nobody: the message says which rule it breaks."""


class ServiceError(LibmatchError):
    """A remote service refused a call or could not be reached.

    ``status`` is the gRPC status name (``"NOT_FOUND"``); ``reason`` (UPPER_SNAKE, stable),
    ``message_zh`` and ``details`` are empty where the failure did not come from a service of this
    project (a broken connection). ``retry_after_s`` is set where the service named a delay.
    """

    def __init__(
        self,
        status: str,
        reason: str,
        message: str,
        message_zh: str,
        retry_after_s: float | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}" if reason else f"{status}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.message_zh = message_zh
        self.retry_after_s = retry_after_s
        self.details = dict(details or {})


class KernelError(LibmatchError):
    """A compiled kernel is not available, or disagrees with the libraries: it must not be used."""


class StateError(LibmatchError):
    """A client's state file cannot be read or written; what was under way was not kept."""

    def __init__(self, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.message_zh = message_zh
