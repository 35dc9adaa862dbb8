"""What happens after the first run: each change has the effect that is known for it."""

from __future__ import annotations

import pytest

from demo.changes import Changes, pick_changes
from demo.district import District, build_district
from demo.families import SELF
from demo.judge import key_of
from demo.sheets import Sheets, enter_district
from demo.truth import Truth, expected_truth


@pytest.fixture(scope="module", params=range(1, 6))
def made(request: pytest.FixtureRequest) -> tuple[District, Sheets, Truth, Changes]:
    district = build_district(60, 150, request.param)
    sheets = enter_district(district)
    truth = expected_truth(sheets)
    return district, sheets, truth, pick_changes(district, sheets, truth.hits)


Made = tuple[District, Sheets, Truth, Changes]


def test_late_arrivals_give_hits_in_both_directions(made: Made) -> None:
    _, sheets, truth, changes = made
    before = {key_of(hit) for hit in truth.hits}
    hits = changes.with_arrivals(sheets)
    assert before < {key_of(hit) for hit in hits}
    new = [hit for hit in hits if key_of(hit) not in before]
    (listed,) = changes.listed.rows
    (declared,) = changes.declaration.rows
    by_item = [hit for hit in new if hit.item is listed.item]
    assert declared.kin is not None
    by_declaration = [hit for hit in new if hit.person is declared.kin.person]
    assert all(hit.official is declared.official for hit in by_declaration)
    assert by_item
    assert by_declaration
    assert len(by_item) + len(by_declaration) == len(new)


def test_late_files_have_names_of_their_own(made: Made) -> None:
    _, sheets, _, changes = made
    names = {file.name for file in sheets.declarations} | {file.name for file in sheets.lists}
    late = {changes.declaration.name, changes.listed.name, changes.correction.file.name}
    assert len(late) == 3
    assert not names & late
    refs = {row.item.ref for file in sheets.lists for row in file.rows}
    assert changes.listed.rows[0].item.ref not in refs


def test_a_correction_changes_what_hits_say_and_which_they_are_not(made: Made) -> None:
    _, _, truth, changes = made
    after = changes.with_correction(truth.hits)
    assert [key_of(hit) for hit in after] == [key_of(hit) for hit in truth.hits]
    changed = [hit for hit in after if hit.item is changes.correction.after]
    assert len(changed) == 1
    assert changed[0].item.name != changes.correction.before.name


def test_no_two_changes_touch_one_person_or_item(made: Made) -> None:
    _, _, truth, changes = made
    items = [changes.correction.before, changes.item.item]
    items += [hit.item for hit in changes.relatives]
    assert len(set(items)) == len(items)
    for relative in changes.relatives:
        about = [hit for hit in truth.hits if hit.person is relative.person]
        assert about == [relative]
        assert relative.relation != SELF


def test_a_district_without_hits_is_refused() -> None:
    district = build_district(60, 150, 1)
    with pytest.raises(ValueError, match="too small"):
        pick_changes(district, enter_district(district), [])
