from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from demo.district import AS_OF, District, build_district
from demo.entries import AGENT, LEGAL_REPRESENTATIVE
from demo.families import Papers, Person
from demo.overlaps import CASES, Overlap


@pytest.fixture(scope="module")
def district() -> District:
    return build_district(600, 1500, seed=7)


def fingerprint(district: District) -> list[object]:
    declared = [
        (
            o.person.number,
            [u.id for u in o.units],
            [(k.person.number, k.relation) for k in o.relatives],
        )
        for o in district.officials
    ]
    listed = [(i.ref, i.amount_fen, [p.person.number for p in i.parties]) for i in district.items]
    return [declared, listed, [(o.case.name, o.person.number) for o in district.overlaps]]


def all_persons(district: District) -> set[Person]:
    people = {o.person for o in district.officials}
    people |= {k.person for o in district.officials for k in (*o.relatives, *o.omitted)}
    return people | {party.person for item in district.items for party in item.parties}


def persons_of(district: District, case: str) -> list[Person]:
    return [o.person for o in district.overlaps if o.case.name == case]


def declared_by(district: District, person: Person) -> list[Person]:
    return [o.person for o in district.officials if any(k.person is person for k in o.relatives)]


def test_the_same_seed_gives_the_same_district() -> None:
    assert fingerprint(build_district(60, 150, 3)) == fingerprint(build_district(60, 150, 3))


def test_another_seed_gives_another_district() -> None:
    assert fingerprint(build_district(60, 150, 3)) != fingerprint(build_district(60, 150, 4))


def test_sizes_are_exact(district: District) -> None:
    assert (len(district.officials), len(district.items)) == (600, 1500)


def test_four_units_take_declarations_and_three_approve_and_some_do_both(
    district: District,
) -> None:
    reporting = {unit for o in district.officials for unit in o.units}
    approving = {item.unit for item in district.items}
    assert len(reporting) >= 4
    assert len(approving) >= 3
    assert any(unit.township for unit in reporting & approving)


def test_no_two_persons_share_a_number_or_a_phone(district: District) -> None:
    people = all_persons(district)
    assert len({p.number for p in people}) == len(people)
    phones = [p.phone for p in people if p.phone]
    assert len(set(phones)) == len(phones)


def test_numbers_carry_birth_date_and_sex(district: District) -> None:
    for person in all_persons(district):
        if person.papers is Papers.RESIDENT_ID:
            assert person.number[6:14] == person.birth.strftime("%Y%m%d")
            assert int(person.number[16]) % 2 == person.male


def test_nobody_is_born_after_the_reckoning_day(district: District) -> None:
    assert all(date(1905, 1, 1) < p.birth <= AS_OF for p in all_persons(district))


def test_an_official_declares_about_eight_relatives(district: District) -> None:
    assert 7 < sum(len(o.relatives) for o in district.officials) / 600 < 9


def test_officials_are_adults_with_resident_ids(district: District) -> None:
    for official in district.officials:
        assert official.person.papers is Papers.RESIDENT_ID
        assert 18 <= AS_OF.year - official.person.birth.year <= 66


def test_nobody_declares_himself_or_the_dead_or_anyone_twice(district: District) -> None:
    for official in district.officials:
        people = [kin.person for kin in (*official.relatives, *official.omitted)]
        assert official.person not in people
        assert len(set(people)) == len(people)
        assert all(person.living for person in people)


def test_sexes_and_ages_fit_the_relation(district: District) -> None:
    for official in district.officials:
        self = official.person
        for kin in official.relatives:
            older = (kin.person.birth - self.birth).days / 365.25
            if kin.relation == "配偶":
                assert kin.person.male != self.male
            if kin.relation == "子女":
                assert older > 18
            if kin.relation == "本人的父母":
                assert older < -18
            if kin.relation in {"本人的祖父母", "本人的外祖父母"}:
                assert older < -36
            if kin.relation in {"孙子女", "外孙子女"}:
                assert older > 36
            if kin.relation.startswith("其他"):
                assert kin.remark


def test_sons_and_daughters_of_officials_carry_their_fathers_surname(district: District) -> None:
    for official in district.officials:
        for kin in official.relatives:
            if kin.relation == "子女" and official.person.male and not kin.person.foreign_name:
                assert kin.person.name.startswith(official.person.surname)


def test_brothers_and_sisters_carry_the_same_surname(district: District) -> None:
    for official in district.officials:
        for kin in official.relatives:
            if kin.relation == "本人的兄弟姐妹":
                assert kin.person.name.startswith(official.person.surname)


def test_every_case_occurs_and_is_on_a_list(district: District) -> None:
    counts = Counter(overlap.case.name for overlap in district.overlaps)
    assert min(counts[case.name] for case in CASES) >= 2
    listed = Counter(p.person for item in district.items for p in item.parties)
    for overlap in district.overlaps:
        assert listed[overlap.person] == overlap.case.items


@pytest.mark.parametrize("seed", range(25))
def test_every_case_occurs_in_a_small_district(seed: int) -> None:
    small = build_district(60, 150, seed)
    assert {o.case.name for o in small.overlaps} == {case.name for case in CASES}


def test_the_same_relative_is_declared_by_both_of_a_couple(district: District) -> None:
    for person in persons_of(district, "couple"):
        assert len(declared_by(district, person)) >= 2


def test_officials_of_one_family_work_in_different_units(district: District) -> None:
    official_of = {o.person: o for o in district.officials}
    together = 0
    for official in district.officials:
        for kin in (*official.relatives, *official.omitted):
            if kin.person in official_of:
                together += 1
                assert official_of[kin.person].units[0] is not official.units[0]
    assert together >= 8


def test_a_shared_relative_is_declared_by_two_officials(district: District) -> None:
    for person in persons_of(district, "shared_relative"):
        assert len(declared_by(district, person)) >= 2


def test_an_outposted_official_reports_to_a_department_and_a_township(district: District) -> None:
    outposted = [o for o in district.officials if len(o.units) == 2]
    assert len(outposted) >= 2
    for official in outposted:
        assert [unit.township for unit in official.units] == [False, True]


def test_officials_themselves_are_among_the_beneficiaries(district: District) -> None:
    officials = {o.person for o in district.officials}
    assert set(persons_of(district, "self")) <= officials


def test_relatives_represent_companies_and_act_as_agents(district: District) -> None:
    capacity = {p.person: p.capacity for item in district.items for p in item.parties}
    for case, expected in (("legal_representative", LEGAL_REPRESENTATIVE), ("agent", AGENT)):
        assert {capacity[person] for person in persons_of(district, case)} == {expected}


@pytest.mark.parametrize("case", ["omitted_relative", "same_name", "near_number"])
def test_nobody_declares_a_decoy(district: District, case: str) -> None:
    assert not any(declared_by(district, person) for person in persons_of(district, case))


def test_a_near_number_differs_from_a_declared_one_at_its_end_only(district: District) -> None:
    declared = {k.person.number for o in district.officials for k in o.relatives}
    heads = {number[:14] for number in declared}
    for person in persons_of(district, "near_number"):
        assert person.number not in declared
        assert person.number[:14] in heads


def test_a_namesake_shares_the_name_of_somebody_declared(district: District) -> None:
    names = {k.person.name for o in district.officials for k in o.relatives}
    assert {person.name for person in persons_of(district, "same_name")} <= names


@pytest.mark.parametrize(
    ("case", "papers", "length"),
    [
        ("permit", Papers.RESIDENT_ID, 18),
        ("foreign", Papers.FOREIGN_PERMIT, 18),
        ("foreign_old", Papers.FOREIGN_PERMIT, 15),
        ("passport", Papers.PASSPORT, 9),
    ],
)
def test_persons_with_other_papers_are_on_both_sides(
    district: District, case: str, papers: Papers, length: int
) -> None:
    for person in persons_of(district, case):
        assert (person.papers, len(person.number)) == (papers, length)
        assert declared_by(district, person)


def test_nobody_serves_two_cases(district: District) -> None:
    people = [overlap.person for overlap in district.overlaps]
    assert len(set(people)) == len(people)


def test_a_district_too_small_for_its_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 40 officials"):
        build_district(10, 150, 1)
    with pytest.raises(ValueError, match="overlaps alone"):
        build_district(60, 20, 1)


def test_a_person_does_not_print_its_entries(district: District) -> None:
    overlap: Overlap = district.overlaps[0]
    assert overlap.person.name not in repr(overlap)
    assert overlap.person.number not in repr(overlap)
