"""Why a run could not go on, in words for the person who watches it, and which log tells more."""

from __future__ import annotations

from pathlib import Path


class DemoFailure(Exception):
    """The run ends here. ``log``: the file to read, None where no process is to blame."""

    def __init__(self, message_zh: str, log: Path | None = None) -> None:
        super().__init__(message_zh)
        self.message_zh = message_zh
        self.log = log
