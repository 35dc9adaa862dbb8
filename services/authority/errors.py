"""What the ceremony refuses: English for programmers, Chinese for the person at the machine."""

from __future__ import annotations

from libmatch.errors import LibmatchError


class CeremonyError(LibmatchError):
    """A step of the ceremony that must not be done; ``message_zh`` says why and what to do."""

    def __init__(self, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.message_zh = message_zh
