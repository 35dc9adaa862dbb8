"""The digest of a declaration's content: what pledge, opinion and entry are bound to (R19, R21).

One encoding for every service, so that what the official pledged, what the leader read and what the
worker enters can be compared. It covers every field of annex 2 and the order of the relatives.
"""

from __future__ import annotations

import hashlib
from datetime import date

from libmatch.encoding import enc, u8
from libmatch.identifiers import Identifier
from services.rules.declaration import Declaration, Relative, Reporter, UnknownId


def declaration_digest(declaration: Declaration) -> bytes:
    """SHA-256 of the content, 32 bytes: equal for equal declarations, and for no others.

    Guessable by who knows all but a little of the content: it stays with the declaration.
    """
    relatives = (_relative(relative) for relative in declaration.relatives)
    content = enc("declaration-form", _reporter(declaration.reporter), *relatives)
    return hashlib.sha256(content).digest()


def _reporter(r: Reporter) -> bytes:
    texts = (r.name, r.sex or "", r.political, r.unit, r.post, r.rank, r.work, r.household, r.phone)
    discipline = b"" if r.discipline is None else u8(r.discipline)
    return enc("declaration-reporter", _identifier(r.identifier), discipline, *map(_text, texts))


def _relative(r: Relative) -> bytes:
    texts = (r.name, r.sex or "", r.relation, r.political, r.unit, r.post, r.phone, r.household)
    unknown = _unknown(r.unknown) if r.unknown else b""
    number = _identifier(r.identifier) if r.identifier else b""
    return enc("declaration-relative", number, unknown, *map(_text, (*texts, r.remark)))


def _unknown(unknown: UnknownId) -> bytes:
    return enc("declaration-unknown", _text(unknown.reason), _date(unknown.due_on))


def _identifier(identifier: Identifier) -> bytes:
    return enc("declaration-number", u8(identifier.kind), identifier.idn.encode("ascii"))


def _text(text: str) -> bytes:
    return text.encode("utf-8")


def _date(day: date) -> bytes:
    return day.isoformat().encode("ascii")
