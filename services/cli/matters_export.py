"""Public notices as files for a portal: what is posted now is there, what is over is removed (R46)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from services.chassis.owner_files import PUBLIC, write_new
from services.chassis.owner_files import replace as write_over

FEED = "feed.atom"
_OWN = re.compile(r"notice-[0-9a-f-]{36}\.(?:html|json)")


class Form(StrEnum):
    """How a notice is written."""

    HTML = "html"
    JSON = "json"
    ATOM = "atom"

    @property
    def message(self) -> str:
        """The name in the protobuf enum."""
        return f"EXPORT_FORM_{self.name}"


class Exporter(Protocol):
    """What exports notices: the client of a unit's matters."""

    def export_all(self, form: str, reason: str = "") -> dict[str, str]: ...

    def export_one(self, form: str, case_id: bytes, reason: str = "") -> str: ...


@dataclass(frozen=True)
class Exported:
    """How many notices the folder has now, and how many files were removed from it."""

    written: int
    removed: int


def write_text(path: Path, text: str, *, replace: bool) -> None:
    """Writes a file that everybody may read: a notice is public. FileExistsError unless ``replace``."""
    write = write_over if replace else write_new
    write(path, text.encode("utf-8"), mode=PUBLIC)


def export_folder(client: Exporter, folder: Path, reason: str) -> Exported:
    """Brings ``folder`` up to date: each notice as page and JSON, and the feed. Other files stay."""
    pages = client.export_all(Form.HTML.message, reason)
    values = client.export_all(Form.JSON.message, reason)
    feed = client.export_one(Form.ATOM.message, b"", reason)
    texts = {f"notice-{number}.html": text for number, text in pages.items()}
    texts |= {f"notice-{number}.json": text for number, text in values.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**texts, FEED: feed}.items():
        write_text(folder / name, text, replace=True)
    over = {p.name for p in folder.iterdir() if _OWN.fullmatch(p.name)} - texts.keys()
    for name in over:
        (folder / name).unlink()
    return Exported(len(pages), len({name.rpartition(".")[0] for name in over}))
