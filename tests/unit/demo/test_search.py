from __future__ import annotations

import base64
import os
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from demo.district import build_district
from demo.needles import ID, NAME, PHONE, Needles, needles_of
from demo.search import count_plaintext, find_plaintext, merge_finds

ID_18, ID_15 = "512301197003048074", "512301700304807"
NAME_3, NAME_2, PHONE_11 = "张伟明", "李娜", "13912345678"
NEEDLES = Needles(
    frozenset({ID_18, ID_15, "51230119650201123X"}),
    frozenset({NAME_3, NAME_2, "欧阳建国"}),
    frozenset({PHONE_11, "18700001111"}),
)


def noise(size: int, seed: int = 1) -> bytes:
    return Random(seed).randbytes(size)


@pytest.fixture
def search(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(*contents: bytes, needles: Needles = NEEDLES) -> dict[str, Any]:
        for number, content in enumerate(contents):
            (tmp_path / f"file{number}").write_bytes(content)
        return count_plaintext([tmp_path], needles)

    return run


Search = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize(
    ("kind", "text"),
    [(ID, ID_18), (ID, ID_15), (PHONE, PHONE_11), (NAME, NAME_3), (NAME, "欧阳建国")],
)
@pytest.mark.parametrize("offset", [0, 1, 4_097, 65_533])
def test_one_planted_text_is_found_in_every_encoding_at_any_offset(
    search: Search, encoding: str, kind: str, text: str, offset: int
) -> None:
    data = noise(100_000)
    result = search(data[:offset] + text.encode(encoding) + data[offset:])
    assert result["total"] == 1
    assert result[kind] == 1
    (find,) = result["found"]
    assert (find["offset"], find["form"]) == (
        offset,
        "utf-8" if encoding == "gb18030" and text.isascii() else encoding,
    )


@pytest.mark.parametrize(
    "planted",
    [
        b'{"name": "\\u5f20\\u4f1f\\u660e"}',
        repr(NAME_3.encode()).encode(),
        b'name: "\\345\\274\\240\\344\\274\\237\\346\\230\\216"',
        NAME_3.encode().hex().encode(),
        ID_18.encode().hex().upper().encode(),
        base64.b64encode(b"{" + ID_18.encode() + b"}"),
        base64.b64encode(b'"n' + NAME_3.encode() + b'"'),
        struct.pack(">q", int(ID_18)),
        struct.pack("<q", int(ID_15)),
    ],
)
def test_escapes_dumps_and_integers_are_found(search: Search, planted: bytes) -> None:
    assert search(noise(5_000) + planted + noise(5_000, 2))["total"] == 1


@pytest.mark.parametrize("at", [-30, -9, -1, 0, 1])
def test_a_text_across_two_chunks_is_found_once(search: Search, at: int) -> None:
    chunk = 1024 * 1024
    data = bytearray(noise(chunk + 1_000))
    data[chunk + at : chunk + at + 18] = ID_18.encode()
    assert search(bytes(data))["total"] == 1


@pytest.mark.parametrize("at", [-30, 0])
def test_margins_of_chunks_report_nothing_twice(tmp_path: Path, at: int) -> None:
    file = tmp_path / "file"
    chunk = 1024 * 1024
    data = bytearray(noise(chunk + 1_000))
    data[chunk + at : chunk + at + 18] = ID_18.encode()
    file.write_bytes(data)
    assert len(list(find_plaintext([file], NEEDLES))) == 1


def test_a_text_at_the_very_end_is_found(search: Search) -> None:
    assert search(noise(1_000) + NAME_3.encode())["names"] == 1


def test_every_place_counts(search: Search) -> None:
    row = f"{NAME_3},{ID_18},{PHONE_11}\n".encode()
    result = search(row * 3 + noise(100), b"", row)
    assert (result[ID], result[NAME], result[PHONE], result["files"]) == (4, 4, 4, 3)


def test_texts_are_found_in_a_database_and_in_what_it_deleted(tmp_path: Path) -> None:
    path = tmp_path / "matcher.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE leak (name TEXT, number INTEGER, phone TEXT)")
        database.execute("INSERT INTO leak VALUES (?, ?, ?)", (NAME_3, int(ID_18), PHONE_11))
        database.commit()
        database.execute("DELETE FROM leak")
    database.close()
    result = count_plaintext([tmp_path], NEEDLES)
    assert (result[ID], result[NAME], result[PHONE]) == (1, 1, 1)


def test_ciphertext_holds_nothing(search: Search) -> None:
    district = build_district(600, 1500, 1)
    assert search(noise(4_000_000), needles=needles_of(district))["total"] == 0


@pytest.fixture(scope="module")
def many_names() -> Needles:
    """As many names of two characters as make four bytes between random ones a thing of chance."""
    names = (chr(0x4E00 + a) + chr(0x5000 + b) for a in range(40) for b in range(50))
    return Needles(frozenset(), frozenset({NAME_2, *names}), frozenset())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "gb18030"])
def test_a_two_character_name_counts_where_text_surrounds_it(
    search: Search, many_names: Needles, encoding: str
) -> None:
    text = f"受益人：{NAME_2}，男，务农，户籍地址为重庆市涪陵区".encode(encoding)
    data = noise(200_000) + text + noise(200_000, 2)
    assert search(data, needles=many_names)["names"] == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "gb18030"])
def test_four_bytes_between_random_ones_are_chance_and_no_name(
    search: Search, many_names: Needles, encoding: str
) -> None:
    data = noise(200_000) + NAME_2.encode(encoding) + noise(200_000, 2)
    assert search(data, needles=many_names)["names"] == 0


def test_a_two_character_name_in_utf_8_counts_alone_in_a_database_of_the_default_size(
    search: Search,
) -> None:
    assert search(noise(200_000) + NAME_2.encode() + noise(200_000, 2))["names"] == 1


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b" ", b" ", 1),
        (b"+86", b",", 1),
        (b"0086", b",", 1),
        (b"17", b"", 0),
        (b"1", b"99", 0),
    ],
)
def test_a_phone_inside_a_longer_number_is_not_one(
    search: Search, before: bytes, after: bytes, expected: int
) -> None:
    assert search(b"t=" + before + PHONE_11.encode() + after)["phones"] == expected


def test_finds_that_overlap_are_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(f"x{NAME_3}".encode())
    needles = Needles(frozenset(), frozenset({NAME_3, "张伟"}), frozenset())
    finds = list(find_plaintext([file], needles))
    assert len(finds) == 2
    assert [find.length for find in merge_finds(finds)] == [9]


def test_the_result_repeats_nothing_that_it_found(search: Search) -> None:
    result = str(search(f"{NAME_3} {ID_18} {PHONE_11}".encode()))
    assert not any(text in result for text in (NAME_3, ID_18, PHONE_11))


def test_the_needles_are_everybody_in_both_forms() -> None:
    district = build_district(60, 150, 1)
    needles = needles_of(district)
    official = district.officials[0]
    assert official.person.number in needles.ids
    assert official.person.number[:6] + official.person.number[8:17] in needles.ids
    assert {kin.person.name for kin in official.relatives} <= needles.names
    assert {p.person.number for item in district.items for p in item.parties} <= needles.ids
    assert all(phone.isdecimal() for phone in needles.phones)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        count_plaintext([tmp_path / "nowhere"], NEEDLES)


def test_a_folder_is_searched_to_the_bottom(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    os.makedirs(deep)
    (deep / "log").write_bytes(ID_18.encode())
    assert count_plaintext([tmp_path], NEEDLES)["ids"] == 1
