"""Two files of random checks: a published draw to be drawn again, and what a party keeps until it reveals.

The published file (JSON) holds opaque ids and logins, nothing else; docs/spec/sampling.md has the formulas.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libmatch.errors import EncodingError, InputError, KeyFileError
from libmatch.sampling import (
    MAX_VALUE,
    NONCE_SIZE,
    Draw,
    Plan,
    Reveal,
    commit,
    decode_draw,
    draw_sample,
    verify_sample,
)
from libmatch.secret_files import read_secret
from services.chassis.owner_files import write_new

_FORMAT, _SECRET = "libmatch-draw/1", "libmatch-draw-secret/1"
_LARGEST = 64 << 20


@dataclass(frozen=True)
class PublishedDraw:
    """A draw as published, with its items and what was drawn."""

    draw: Draw
    items: tuple[bytes, ...]
    drawn: tuple[bytes, ...]


def publish(record: bytes, items: Sequence[bytes], drawn: Sequence[bytes]) -> bytes:
    """The published file. A draw that is not finished, or void, names who is missing, and draws nothing."""
    draw = decode_draw(record)
    plan, missing = draw.plan, draw.unrevealed
    shown = {
        "format": _FORMAT,
        "title": plan.title,
        "percent": plan.percent,
        "parties": list(plan.parties),
        "missing": list(missing),
        "seed": "" if missing else draw.seed.hex(),
        "record": record.hex(),
        "items": [item.hex() for item in items],
        "drawn": [item.hex() for item in drawn],
    }
    return (json.dumps(shown, ensure_ascii=False, indent=1) + "\n").encode()


def read_published(data: bytes) -> PublishedDraw:
    """The draw in a published file, checked: what the file says is what follows from its record.

    Raises InputError where it is not, or where reveals are missing.
    """
    values = _read(data, _FORMAT)
    try:
        record = bytes.fromhex(values["record"])
        items = tuple(bytes.fromhex(item) for item in values["items"])
        drawn = tuple(bytes.fromhex(item) for item in values["drawn"])
        draw = decode_draw(record)
    except (KeyError, TypeError, ValueError, EncodingError):
        raise _unreadable() from None
    draw_sample(draw, items)  # says who is missing, or that the items are others
    verify_sample(draw, items, drawn)
    if json.loads(publish(record, items, drawn)) != values:
        raise InputError(
            "the file says something else than its record",
            "文件中的标题、比例、参加方或种子与抽取记录不一致，文件可能被改动",
        )
    return PublishedDraw(draw, items, drawn)


@dataclass(frozen=True, repr=False)
class KeptReveal:
    """What a party keeps between commitment and reveal, bound to its plan."""

    plan_digest: bytes
    reveal: Reveal

    def commitment(self, plan: Plan) -> bytes:
        """The 32 bytes to publish. Raises InputError where the plan is another."""
        if plan.digest != self.plan_digest:
            raise InputError(
                "the file belongs to another draw", "密钥文件不是这一次抽取的，请核对抽查编号"
            )
        return commit(plan, self.reveal)


def make_reveal(plan: Plan, party: str, value: str) -> KeptReveal:
    """A new reveal with a random nonce; ``value`` is read off dice or a lottery, or "" for random."""
    chosen = value.encode() or secrets.token_bytes(NONCE_SIZE)
    if len(chosen) > MAX_VALUE:
        raise InputError("the value is too long", f"摇号结果过长，最多{MAX_VALUE}字节")
    return KeptReveal(plan.digest, Reveal(party, secrets.token_bytes(NONCE_SIZE), chosen))


def write_reveal(path: Path, kept: KeptReveal) -> None:
    """Return when the owner-only file is on disk. Raises FileExistsError rather than overwrite."""
    values = {
        "format": _SECRET,
        "plan": kept.plan_digest.hex(),
        "party": kept.reveal.party,
        "nonce": kept.reveal.nonce.hex(),
        "value": kept.reveal.value.hex(),
    }
    write_new(path, json.dumps(values, ensure_ascii=False).encode())


def read_reveal(path: Path) -> KeptReveal:
    """What ``write_reveal`` kept. Raises InputError, also for a file that others can read."""
    try:
        values = _read(read_secret(path), _SECRET)
    except KeyFileError as error:
        zh = f"{path}：随机数文件不存在或打不开；须是承诺（commit）时生成的文件，且只有本人可读"
        raise InputError(str(error), zh) from None
    try:
        nonce, value = bytes.fromhex(values["nonce"]), bytes.fromhex(values["value"])
        return KeptReveal(bytes.fromhex(values["plan"]), Reveal(values["party"], nonce, value))
    except (KeyError, TypeError, ValueError, EncodingError):
        raise _unreadable() from None


def _read(data: bytes, format_: str) -> dict[str, Any]:
    if len(data) > _LARGEST:
        raise _unreadable()
    try:
        values = json.loads(data)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise _unreadable() from None
    if not isinstance(values, dict) or values.get("format") != format_:
        raise _unreadable()
    return values


def _unreadable() -> InputError:
    return InputError("not such a file", "文件格式不正确，或已损坏")
