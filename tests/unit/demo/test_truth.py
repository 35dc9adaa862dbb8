"""The expected answer, checked against what the district says and against the sheets' own readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.clerks import DECLARED_MISTAKES, LISTED_MISTAKES, Clerks, Mistake, number_cell, written
from demo.district import District, build_district
from demo.families import SELF
from demo.overlaps import CASES, Writing
from demo.sheets import Sheets, enter_district
from demo.truth import ExpectedHit, Truth, expected_truth
from services.beneficiary.item_sheet import read_items
from services.registry.declaration_sheet import read_declarations

HITTING = sorted(case.name for case in CASES if case.hit)
MISSING = sorted(case.name for case in CASES if not case.hit)
Hit = tuple[str, str, str, str, str]  # official, person, ref, relation, capacity


@pytest.fixture(scope="module", params=[(60, 150, 5), (300, 900, 1)], ids=["small", "large"])
def district(request: pytest.FixtureRequest) -> District:
    officials, items, seed = request.param
    return build_district(officials, items, seed)


@pytest.fixture(scope="module")
def sheets(district: District) -> Sheets:
    return enter_district(district)


@pytest.fixture(scope="module")
def truth(sheets: Sheets) -> Truth:
    return expected_truth(sheets)


@pytest.fixture(scope="module")
def folder(sheets: Sheets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sheets")
    sheets.write(folder)
    return folder


def hits_of(district: District, truth: Truth, case: str) -> list[ExpectedHit]:
    people = {o.person for o in district.overlaps if o.case.name == case}
    return [hit for hit in truth.hits if hit.person in people]


@pytest.mark.parametrize("case", HITTING)
def test_every_person_of_a_hitting_case_is_expected(
    district: District, truth: Truth, case: str
) -> None:
    people = {o.person for o in district.overlaps if o.case.name == case}
    assert {hit.person for hit in hits_of(district, truth, case)} == people


@pytest.mark.parametrize("case", MISSING)
def test_no_person_of_a_decoy_case_is_expected(district: District, truth: Truth, case: str) -> None:
    assert hits_of(district, truth, case) == []


def test_no_hit_is_expected_twice(truth: Truth) -> None:
    assert len({hit.key for hit in truth.hits}) == len(truth.hits)


def test_no_unit_is_named_twice_in_a_hit(truth: Truth) -> None:
    assert all(len(set(hit.units)) == len(hit.units) for hit in truth.hits)


def test_an_official_himself_is_expected_as_himself(district: District, truth: Truth) -> None:
    for hit in hits_of(district, truth, "self"):
        assert hit.official.person is hit.person
        assert hit.relation == SELF


def test_a_couples_relative_is_expected_under_both(district: District, truth: Truth) -> None:
    hits = hits_of(district, truth, "couple")
    officials = Counter(hit.person for hit in hits)
    assert min(officials.values()) >= 2
    assert {hit.relation.startswith("配偶") for hit in hits} == {True, False}


def test_two_copies_of_one_declaration_are_one_hit_in_two_units(
    district: District, truth: Truth
) -> None:
    for hit in hits_of(district, truth, "outposted"):
        if len(hit.official.units) == 2:
            assert set(hit.units) == set(hit.official.units)


def test_a_person_on_two_lists_is_two_hits(district: District, truth: Truth) -> None:
    hits = hits_of(district, truth, "two_items")
    assert all(n % 2 == 0 for n in Counter(hit.person for hit in hits).values())


@pytest.mark.parametrize("mistake", DECLARED_MISTAKES)
def test_every_mistake_is_made_in_declarations(district: District, mistake: Mistake) -> None:
    assert sum(row.mistake is mistake for row in Clerks(district).declared_rows()) >= 2


@pytest.mark.parametrize("mistake", [*LISTED_MISTAKES, Mistake.REPEATED])
def test_every_mistake_is_made_in_lists(district: District, mistake: Mistake) -> None:
    assert sum(row.mistake is mistake for row in Clerks(district).listed_rows()) >= 2


def test_some_official_mistypes_his_own_number(district: District) -> None:
    rows = Clerks(district).declared_rows()
    assert any(row.mistake is Mistake.OFFICIAL_NUMBER for row in rows)


def test_a_district_is_always_entered_alike(
    district: District, folder: Path, tmp_path: Path
) -> None:
    enter_district(district).write(tmp_path)
    for file in files_below(folder):
        assert (tmp_path / file.relative_to(folder)).read_bytes() == file.read_bytes()


def files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def test_every_kind_of_file_is_brought(folder: Path) -> None:
    assert {path.suffix for path in files_below(folder)} == {".xlsx", ".xls", ".et", ".csv"}


def test_some_table_merges_an_officials_cells_over_his_rows(sheets: Sheets) -> None:
    merged = [file for file in sheets.declarations if file.style and file.style.merged]
    (table,) = merged[0].tables()
    assert any(merge.bottom > merge.top for merge in table.merges)


def test_some_declarations_come_as_forms_of_annex_2(sheets: Sheets) -> None:
    forms = [file for file in sheets.declarations if file.style is None]
    officials = {row.official for file in forms for row in file.rows}
    assert sum(len(file.tables()) for file in forms) == len(officials) > 5


def test_the_same_number_is_written_differently_on_the_two_sides(
    district: District, sheets: Sheets
) -> None:
    declared = {
        row.kin.person: row.writing for f in sheets.declarations for row in f.rows if row.kin
    }
    for overlap in district.overlaps:
        if overlap.case.declared:
            assert declared[overlap.person] is overlap.case.declared


@pytest.mark.parametrize(
    ("writing", "expected"),
    [
        (Writing.PLAIN, "51230119700304807X"),
        (Writing.SHORT, "512301700304807"),
        (Writing.LOWER_X, "51230119700304807x"),
        (Writing.FULL_WIDTH, "５１２３０１１９７００３０４８０７Ｘ"),
        (Writing.SPACED, "512301 19700304 807X"),
    ],
)
def test_ways_to_write_a_number(writing: Writing, expected: str) -> None:
    assert written("51230119700304807X", writing) == expected


def test_a_float_cell_has_lost_digits(sheets: Sheets) -> None:
    rows = [r for f in sheets.lists for r in f.rows if r.mistake is Mistake.FLOAT]
    for row in rows:
        cell = number_cell(row.item.parties[0].person, Writing.PLAIN, Mistake.FLOAT)
        assert isinstance(cell, float)


# --- the readers of the services come to the same answer ----------------------------------------


def declarations_read(
    district: District, sheets: Sheets, folder: Path
) -> tuple[dict[tuple[str, str], int], dict[str, set[tuple[str, str]]]]:
    """Refused rows of each file, and for each number who declares it as what."""
    refused = {}
    declared: dict[str, set[tuple[str, str]]] = {}
    for file in sheets.declarations:
        data = (folder / file.unit.id / file.name).read_bytes()
        found = read_declarations(data, file.name, today=district.as_of)
        refused[file.unit.id, file.name] = found.report.tally.refused
        for declaration in found.declarations:
            own = declaration.official.identifier.idn
            declared.setdefault(own, set()).add((own, SELF))
            for relative in declaration.relatives:
                if relative.identifier:
                    entry = (own, str(relative.relation))
                    declared.setdefault(relative.identifier.idn, set()).add(entry)
    return refused, declared


def hits_read(
    district: District, sheets: Sheets, folder: Path, declared: dict[str, set[tuple[str, str]]]
) -> tuple[dict[tuple[str, str], int], list[Hit]]:
    refused = {}
    hits: list[Hit] = []
    for file in sheets.lists:
        data = (folder / file.unit.id / file.name).read_bytes()
        found = read_items(data, file.name, today=district.as_of, ref_key=bytes(16))
        refused[file.unit.id, file.name] = found.report.tally.refused
        for item in found.items:
            for person in item.persons:
                idn, capacity = person.identifier.idn, str(person.capacity)
                for own, relation in declared.get(idn, ()):
                    hits.append((own, idn, item.item_ref, relation, capacity))
    return refused, hits


def test_the_readers_refuse_and_find_exactly_what_is_expected(
    district: District, sheets: Sheets, truth: Truth, folder: Path
) -> None:
    refused, declared = declarations_read(district, sheets, folder)
    refused_items, hits = hits_read(district, sheets, folder, declared)
    assert refused | refused_items == truth.refused
    assert sorted(hits) == sorted((*hit.key, hit.relation, hit.capacity) for hit in truth.hits)
