"""Other people's numbers are found on a party's disk, its own are not counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.district import District, build_district
from demo.needles import needles_of
from demo.numbers import short_form
from demo.privacy import count_foreign, texts_of_hits, texts_of_unit
from demo.sheets import Sheets, enter_district
from demo.truth import expected_truth


@pytest.fixture(scope="module")
def district() -> District:
    return build_district(60, 150, 1)


@pytest.fixture(scope="module")
def sheets(district: District) -> Sheets:
    return enter_district(district)


def test_own_numbers_are_no_find_and_each_foreign_one_is(
    district: District, sheets: Sheets, tmp_path: Path
) -> None:
    declared, listed = sheets.declarations[0], sheets.lists[-1]
    assert declared.unit is not listed.unit
    own = texts_of_unit(sheets, declared.unit)
    mine = declared.rows[0].official.person
    people = (row.item.parties[0].person for row in listed.rows)
    other = next(person for person in people if person.number not in own)
    file = tmp_path / "registry.db"
    file.write_bytes(f"\0{mine.number}\1{mine.phone}\2{short_form(mine.number)}\3".encode())
    assert count_foreign([tmp_path], needles_of(district), own) == 0
    file.write_bytes(f"\0{mine.number}\1{other.number}\2{other.phone}\3".encode())
    assert count_foreign([tmp_path], needles_of(district), own) == 2


def test_companies_of_own_items_are_own(sheets: Sheets) -> None:
    for file in sheets.lists:
        own = texts_of_unit(sheets, file.unit)
        for row in file.rows:
            assert row.item.company is None or row.item.company.credit_code in own


def test_the_inspector_may_know_both_persons_of_a_hit_and_nobody_else(sheets: Sheets) -> None:
    hit, *_ = expected_truth(sheets).hits
    known = texts_of_hits([hit])
    assert {hit.person.number, hit.official.person.number} <= known
    others = {row.item.parties[0].person for file in sheets.lists for row in file.rows}
    others -= {hit.person, hit.official.person}
    assert not known & {person.number for person in others}
