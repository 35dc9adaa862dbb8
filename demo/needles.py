"""What must not be found in the matcher's files, and every form of bytes in which it might lie there.

Needles are numbers (18 and 15 characters), names and phones of everybody in the district. A form is
a way from text to bytes: the four character encodings, the escapes and dumps that logs use, and
64-bit integers, into which a database turns digits.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from demo.district import District
from demo.families import Papers, Person
from demo.numbers import short_form

ID, NAME, PHONE = "ids", "names", "phones"


@dataclass(frozen=True, repr=False)
class Needles:
    """Distinct texts to look for, by kind."""

    ids: frozenset[str]
    names: frozenset[str]
    phones: frozenset[str]

    def by_kind(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """Kind and texts, in a fixed order."""
        return (ID, self.ids), (NAME, self.names), (PHONE, self.phones)


def needles_of(district: District) -> Needles:
    """Everybody who is an official, a relative within R15 or a person of an item."""
    people = set(_everybody(district))
    companies = {item.company.credit_code for item in district.items if item.company}
    return Needles(
        ids=frozenset(number for person in people for number in numbers_of(person)) | companies,
        names=frozenset(person.name for person in people),
        phones=frozenset(person.phone for person in people if person.phone),
    )


def _everybody(district: District) -> Iterator[Person]:
    for official in district.officials:
        yield official.person
        for kin in (*official.relatives, *official.omitted):
            yield kin.person
    for item in district.items:
        for party in item.parties:
            yield party.person


def numbers_of(person: Person) -> Iterator[str]:
    yield person.number
    if person.papers is Papers.RESIDENT_ID and person.birth.year < 2000:
        yield short_form(person.number)


@dataclass(frozen=True)
class ByteForm:
    """A way to write a text as bytes: ``encode`` gives the patterns, none where it does not apply.

    The patterns of a form without ``charset`` have 8 bytes and more.
    """

    name: str
    encode: Callable[[str], Iterable[bytes]]
    charset: bool = False


def _charset(encoding: str) -> Callable[[str], Iterable[bytes]]:
    def encode(text: str) -> Iterable[bytes]:
        # Where digits and letters look as in UTF-8, that pass finds them.
        same = text.isascii() and encoding == "gb18030"
        return () if same else (text.encode(encoding),)

    return encode


def _json_escapes(text: str) -> Iterable[bytes]:
    return () if text.isascii() else (json.dumps(text)[1:-1].encode(),)


def _byte_escapes(text: str) -> Iterable[bytes]:
    return () if text.isascii() else (repr(text.encode())[2:-1].encode(),)


def _octal_escapes(text: str) -> Iterable[bytes]:
    # As protobuf prints bytes fields: \345\274\240
    return () if text.isascii() else ("".join(f"\\{b:03o}" for b in text.encode()).encode(),)


def _hex(text: str) -> Iterable[bytes]:
    return text.encode().hex().encode(), text.encode().hex().upper().encode()


def _base64(text: str) -> Iterable[bytes]:
    """The characters that do not depend on the neighbours, for each of the three alignments.

    None for fewer than 9 bytes (names of two characters): the 7 characters that would remain occur
    by chance in other base64.
    """
    data = text.encode()
    if len(data) < 9:
        return
    for shift in range(3):
        first = -(-shift * 4 // 3)  # characters that hold a bit of what stands before
        last = (shift + len(data)) * 4 // 3  # and of what follows
        yield base64.b64encode(b"\0" * shift + data + b"\0" * 3)[first:last]


def _integers(text: str) -> Iterable[bytes]:
    """64-bit integers, both byte orders; 15 digits and more, as eleven are too few bits."""
    if not text.isdecimal() or len(text) < 15:
        return ()
    return struct.pack(">q", int(text)), struct.pack("<q", int(text))


FORMS = (
    ByteForm("utf-8", _charset("utf-8"), charset=True),
    ByteForm("utf-16-le", _charset("utf-16-le"), charset=True),
    ByteForm("utf-16-be", _charset("utf-16-be"), charset=True),
    ByteForm("gb18030", _charset("gb18030"), charset=True),
    ByteForm("json escapes", _json_escapes),
    ByteForm("byte escapes", _byte_escapes),
    ByteForm("octal escapes", _octal_escapes),
    ByteForm("hex", _hex),
    ByteForm("base64", _base64),
    ByteForm("int64", _integers),
)
