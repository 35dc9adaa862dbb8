"""Searches files, byte by byte, for numbers, names and phones of the district.

This is the measurement behind ``plaintext_in_matcher``. Every offset of every file is looked at, for
every form of :mod:`demo.needles`; nothing is parsed, so that it does not matter what a database
thinks is a value, free space or a journal.

A short pattern can occur by chance: in 100 MB of ciphertext, one of 20,000 names of two characters
is found some 470 times where it takes 4 bytes (UTF-16, GB18030) and 0.007 times where it takes 6
(UTF-8). So for each form and length the expected number of chance finds is computed, bytes x
patterns / 256^length. Up to :data:`MOST_CHANCE` every find counts. Above it a find counts if the text
around it brings the missing bits of evidence (:mod:`demo.context`). What this cannot see is a name
of two characters in UTF-16 or GB18030 that stands all alone between random bytes; nobody can.

A phone inside a longer run of digits (a time stamp in nanoseconds) does not count, unless the run is
the phone with its country code. Finds that overlap are one find.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from demo.context import SLACK_BITS, evidence_bits
from demo.needles import FORMS, ID, NAME, PHONE, Needles

MOST_CHANCE = 0.001
"""Finds by chance that one form and length may be expected to have over all files."""

_CHUNK_BYTES = 1024 * 1024  # larger ones are slower: their words leave the processor's cache
_MARGIN = 512  # longest pattern (names in byte escapes) and its neighbours
_KEY_BYTES = 8
# Odd factors that spread keys over the filters: 2^64 divided by the golden ratio and by sqrt(2).
_FACTORS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xB504F333F9DE6485))
_SHOWN = 50  # finds listed in the result

_Words = npt.NDArray[np.uint64]
_Tag = tuple[str, str]  # kind, name of the form


@dataclass(frozen=True)
class Find:
    """Where something was found: no text of it, as reports are kept and passed on."""

    path: Path
    offset: int
    length: int
    kind: str
    form: str


def count_plaintext(paths: Iterable[Path], needles: Needles) -> dict[str, Any]:
    """Counts by kind and in total, the first finds (file, offset, kind, form), and what was searched.

    Folders are searched with everything below them. Raises OSError for what cannot be read.
    """
    files = sorted({file for path in paths for file in _files_below(Path(path))})
    finds = merge_finds(find_plaintext(files, needles))
    counts = Counter(find.kind for find in finds)
    return {
        **{kind: counts[kind] for kind in (ID, NAME, PHONE)},
        "total": len(finds),
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
        "needles": {kind: len(texts) for kind, texts in needles.by_kind()},
        "forms": [form.name for form in FORMS],
        "found": [
            {"file": str(f.path), "offset": f.offset, "kind": f.kind, "form": f.form}
            for f in finds[:_SHOWN]
        ],
    }


def find_plaintext(files: Sequence[Path], needles: Needles) -> Iterator[Find]:
    """Every find, in no order; one place may be found in several forms."""
    size = sum(file.stat().st_size for file in files)
    groups = _groups(needles, size)
    for file in files:
        for start, data, margin in _chunks(file):
            for group in groups:
                for at, end, kind, form in group.matches(data):
                    if margin < end <= margin + _CHUNK_BYTES:
                        yield Find(file, start - margin + at, end - at, kind, form)


def merge_finds(finds: Iterable[Find]) -> list[Find]:
    """The finds by file and offset; of those that overlap, the first and longest."""
    kept: list[Find] = []
    end = 0
    for find in sorted(finds, key=lambda f: (f.path, f.offset, -f.length)):
        if kept and kept[-1].path == find.path and find.offset < end:
            end = max(end, find.offset + find.length)
        else:
            kept.append(find)
            end = find.offset + find.length
    return kept


def _files_below(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file())
    else:
        yield path


def _chunks(file: Path) -> Iterator[tuple[int, bytes, int]]:
    """Offset, bytes with a margin on both sides, and how much of them is the margin in front."""
    with file.open("rb") as stream:
        start = 0
        while True:
            margin = min(start, _MARGIN)
            stream.seek(start - margin)
            data = stream.read(margin + _CHUNK_BYTES + _MARGIN)
            if len(data) <= margin:
                return
            yield start, data, margin
            start += _CHUNK_BYTES


@dataclass(frozen=True)
class _Forms:
    """The patterns of one kind in one form with keys of one length, as arrays."""

    tag: _Tag
    keys: _Words
    hashes: npt.NDArray[np.int64]
    lengths: Counter[int]


def _groups(needles: Needles, size: int) -> list[PatternGroup]:
    """All patterns, by the length of their keys: 8 bytes, or what shorter ones have."""
    found: dict[int, list[_Forms]] = {}
    for kind, texts in needles.by_kind():
        for form in FORMS:
            patterns = [p for text in texts for p in form.encode(text)]
            for key_bytes, group in _by_key_bytes(patterns):
                found.setdefault(key_bytes, []).append(_forms((kind, form.name), key_bytes, group))
    return [PatternGroup(key_bytes, forms, size) for key_bytes, forms in found.items()]


def _by_key_bytes(patterns: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    if patterns and min(map(len, patterns)) >= _KEY_BYTES:
        yield _KEY_BYTES, patterns  # nearly always: spare the millions a look each
        return
    groups: dict[int, list[bytes]] = {}
    for pattern in patterns:
        groups.setdefault(min(len(pattern), _KEY_BYTES), []).append(pattern)
    yield from groups.items()


def _forms(tag: _Tag, key_bytes: int, patterns: list[bytes]) -> _Forms:
    tails = b"".join([p[-key_bytes:].ljust(8, b"\0") for p in patterns])
    return _Forms(
        tag,
        np.frombuffer(tails, "<u8"),
        np.fromiter(map(hash, patterns), np.int64, len(patterns)),
        Counter(map(len, patterns)),
    )


class PatternGroup:
    """Patterns with keys of one length: their last bytes, as numbers of one place begin alike.

    Of a pattern only its key and its 64-bit hash are kept. ``size``: bytes to search, from which
    follows the evidence that finds of short patterns need.
    """

    def __init__(self, key_bytes: int, forms: Sequence[_Forms], size: int) -> None:
        self._key_bytes = key_bytes
        self._mask = np.uint64((1 << (8 * key_bytes)) - 1)
        self._tags = [form.tag for form in forms]
        self._lengths = sorted({length for form in forms for length in form.lengths})
        self._missing = _missing_bits(forms, size)
        hashes = np.concatenate([form.hashes for form in forms])
        owners = np.repeat(np.arange(len(forms), dtype=np.uint8), [len(f.keys) for f in forms])
        order = np.argsort(hashes)
        self._hashes, self._owners = hashes[order], owners[order]
        keys = np.sort(np.concatenate([form.keys for form in forms]))
        self._keys: _Words = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
        # 16 slots a key and two filters: one offset in 256 is looked up exactly.
        self._shift = np.uint64(64 - max(16, min(27, (16 * len(self._keys)).bit_length())))
        self._filters = [self._filter(factor) for factor in _FACTORS]

    def _filter(self, factor: np.uint64) -> npt.NDArray[np.bool_]:
        table = np.zeros(1 << (64 - int(self._shift)), np.bool_)
        table[(self._keys * factor) >> self._shift] = True
        return table

    def matches(self, data: bytes) -> Iterator[tuple[int, int, str, str]]:
        """Start, end, kind and form of every match that counts."""
        for place in self._key_offsets(data):
            end = place + self._key_bytes
            for length in self._lengths:
                start = end - length
                if start < 0:
                    break
                for kind, form in self._owners_of(data[start:end]):
                    if self._counts(data, start, end, kind, form):
                        yield start, end, kind, form

    def _key_offsets(self, data: bytes) -> list[int]:
        """Offsets at which some pattern's key stands; eight passes, one for each alignment."""
        padded = np.frombuffer(data + bytes(16), np.uint8)
        found = []
        for shift in range(8):
            words = padded[shift : shift + (len(data) + 7 - shift) // 8 * 8].view("<u8")
            words = words & self._mask
            places = np.flatnonzero(self._filters[0][(words * _FACTORS[0]) >> self._shift])
            words = words[places]
            likely = self._filters[1][(words * _FACTORS[1]) >> self._shift]
            places, words = places[likely], words[likely]
            found.append(places[_contains(self._keys, words)] * 8 + shift)
        return [at for at in np.concatenate(found).tolist() if at + self._key_bytes <= len(data)]

    def _owners_of(self, piece: bytes) -> Iterator[_Tag]:
        value = hash(piece)
        at = int(np.searchsorted(self._hashes, value))
        while at < len(self._hashes) and self._hashes[at] == value:
            yield self._tags[self._owners[at]]
            at += 1

    def _counts(self, data: bytes, start: int, end: int, kind: str, form: str) -> bool:
        if kind == PHONE and form == "utf-8" and _in_longer_run(data, start, end):
            return False
        missing = self._missing[kind, form, end - start]
        if missing <= 0:
            return True
        return evidence_bits(data, start, end, form) >= missing + SLACK_BITS


def _missing_bits(forms: Sequence[_Forms], size: int) -> dict[tuple[str, str, int], float]:
    """For each kind, form and length, the bits that a find lacks; none where it is not above 0."""
    return {
        (*form.tag, length): math.log2(max(size, 1) * count / MOST_CHANCE) - 8 * length
        for form in forms
        for length, count in form.lengths.items()
    }


def _contains(keys: _Words, words: _Words) -> npt.NDArray[np.bool_]:
    at = np.minimum(np.searchsorted(keys, words), len(keys) - 1)
    return np.asarray(keys[at] == words)


def _in_longer_run(data: bytes, start: int, end: int) -> bool:
    """Whether the digits go on beyond ``data[start:end]``, a country code in front aside."""
    if data[end : end + 1].isdigit():
        return True
    first = start
    while first and data[first - 1 : first].isdigit() and start - first < 5:
        first -= 1
    return data[first:start] not in (b"", b"86", b"0086")
