"""Identifiers: what the types promise, what is told and what is never told."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import traceback
from datetime import UTC, date, datetime

import numpy as np
import pytest

from libmatch.check_digits import resident_check
from libmatch.errors import IdentifierError, IdentifierRule, InputError
from libmatch.identifiers import (
    Identifier,
    IdentifierColumn,
    Kind,
    Sex,
    _plain_residents,
    check_declared,
    kind_name,
    parse_column,
    parse_identifier,
    parse_kind,
)
from libmatch.refusals import Refusal
from libmatch.texts import TextColumn

TODAY = date(2026, 10, 1)
WOMAN = "11010519491231002X"  # GB 11643-1999, appendix A
MAN = "34052419800101001X"  # GB 11643-1999, appendix B
FOREIGNER = "911124198108030024"  # published specimen, a woman
FOREIGNER_OLD = "KAZ110090123105"
COMPANY = "91350100M000100Y43"  # GB 32100-2015


def refusal_of(text: str, kind: Kind | None = None) -> IdentifierError:
    with pytest.raises(IdentifierError) as refused:
        parse_identifier(text, today=TODAY, kind=kind)
    return refused.value


# --- what is never told -------------------------------------------------------------------------


@pytest.mark.parametrize("text", [WOMAN, FOREIGNER_OLD, "E12345678", COMPANY])
def test_identifier_never_shows_its_number(text: str) -> None:
    identifier = parse_identifier(text, today=TODAY)
    shown = (repr(identifier), str(identifier), f"{identifier}", f"{[identifier]}")
    assert not any(text in words for words in shown)
    assert repr(identifier) == f"<Identifier {identifier.kind.name}>"


def test_identifier_refuses_to_be_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled") as refused:
        pickle.dumps(parse_identifier(WOMAN, today=TODAY))
    assert WOMAN not in str(refused.value)


def test_identifier_has_no_dict_to_leak_through() -> None:
    assert not hasattr(parse_identifier(WOMAN, today=TODAY), "__dict__")


@pytest.mark.parametrize(
    "text",
    ["110105194912310021", "11010519491331002X", "110105********002X", "5.10E+17", "50010219X"],
)
def test_error_holds_no_part_of_the_number_and_no_chain(text: str) -> None:
    error = refusal_of(text)
    told = "".join(map(str, (error, repr(error), error.args, error.message_zh, vars(error))))
    assert not any(text[i : i + 4] in told for i in range(len(text) - 3))
    assert (error.__cause__, error.__context__) == (None, None)
    last_line = traceback.format_exception_only(error)[-1]
    assert not any(text[i : i + 4] in last_line for i in range(len(text) - 3))


def test_constructor_error_does_not_show_the_number() -> None:
    with pytest.raises(ValueError, match="not the normalised form of a RESIDENT_ID") as refused:
        Identifier(Kind.RESIDENT_ID, "110105194912310")
    assert "1101" not in str(refused.value)


def test_column_shows_counts_only() -> None:
    assert repr(parse_column([WOMAN, "x"], today=TODAY)) == "<IdentifierColumn of 2, 1 refused>"


# --- every refusal ------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [r for r in Refusal if r], ids=lambda r: r.name)
def test_refusal_has_a_rule_an_english_and_a_chinese_text(refusal: Refusal) -> None:
    error = refusal.error()
    assert error.rule is refusal.rule
    assert str(error).isascii()
    assert any("一" <= c <= "鿿" for c in error.message_zh)


def test_refusal_codes_fit_one_byte_and_are_frozen() -> None:
    assert [int(refusal) for refusal in Refusal] == list(range(25))


@pytest.mark.parametrize("text", ["5.10E+17", "500,102,198,001,011,000", "340524198001010000"])
def test_float_names_the_cure(text: str) -> None:
    assert "文本" in refusal_of(text).message_zh


# --- identifiers --------------------------------------------------------------------------------


def test_identifier_is_frozen_and_equal_by_kind_and_number() -> None:
    identifier = parse_identifier(WOMAN, today=TODAY)
    with pytest.raises(dataclasses.FrozenInstanceError):
        identifier.idn = MAN  # type: ignore[misc]
    assert identifier == Identifier(Kind.RESIDENT_ID, WOMAN)
    assert len({identifier, Identifier(Kind.RESIDENT_ID, WOMAN)}) == 1
    assert identifier != parse_identifier(MAN, today=TODAY)


def test_same_characters_of_two_kinds_are_two_identifiers() -> None:
    stated = [Identifier(kind, FOREIGNER) for kind in (Kind.RESIDENT_ID, Kind.CREDIT_CODE)]
    assert len({*stated, parse_identifier(FOREIGNER, today=TODAY)}) == 3


def test_identifier_copies_to_itself() -> None:
    identifier = parse_identifier(WOMAN, today=TODAY)
    assert copy.copy(identifier) is identifier
    assert copy.deepcopy({"person": identifier})["person"] is identifier


@pytest.mark.parametrize(
    ("kind", "idn"),
    [
        (Kind.RESIDENT_ID, ""),
        (Kind.RESIDENT_ID, "110105491231002"),
        (Kind.RESIDENT_ID, "11010519491231002x"),
        (Kind.RESIDENT_ID, WOMAN + "\n"),
        (Kind.RESIDENT_ID, "１" * 18),
        (Kind.FOREIGN_PERMANENT_RESIDENT, WOMAN),
        (Kind.PASSPORT, "ABCDEFGH"),
        (Kind.PASSPORT, "E123456789"),
        (Kind.CREDIT_CODE, "91350100O000100Y43"),
    ],
)
def test_constructor_refuses_what_is_not_the_normal_form(kind: Kind, idn: str) -> None:
    with pytest.raises(ValueError, match="normalised form"):
        Identifier(kind, idn)


def test_birth_date_of_an_unchecked_identifier_may_be_missing() -> None:
    assert Identifier(Kind.RESIDENT_ID, "11010519491331002X").birth_date is None


@pytest.mark.parametrize("text", [FOREIGNER_OLD, "E12345678", COMPANY])
def test_kinds_without_birth_date_and_sex_have_none(text: str) -> None:
    identifier = parse_identifier(text, today=TODAY)
    assert (identifier.birth_date, identifier.sex) == (None, None)


def test_today_may_be_a_datetime() -> None:
    assert (
        parse_identifier(WOMAN, today=datetime(2026, 10, 1, 9, tzinfo=UTC)).kind is Kind.RESIDENT_ID
    )


def test_birth_date_is_judged_on_the_day_given() -> None:
    born_today = "500102202610010014"
    assert parse_identifier(born_today, today=TODAY).birth_date == TODAY
    with pytest.raises(IdentifierError) as refused:
        parse_identifier(born_today, today=date(2026, 9, 30))
    assert refused.value.rule is IdentifierRule.BIRTH_IN_FUTURE


@pytest.mark.parametrize("text", [None, 110105491231002, 5.1e17, WOMAN.encode()])
def test_anything_but_text_is_a_programming_error(text: object) -> None:
    with pytest.raises(TypeError):
        parse_identifier(text, today=TODAY)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        parse_column([WOMAN, text], today=TODAY)  # type: ignore[list-item]


@pytest.mark.parametrize("text", [" " * 300, "1" * 300, "\ufdfa" * 256, "9" * 100_000])
def test_oversized_cell_is_refused_at_once(text: str) -> None:
    assert refusal_of(text).rule in {
        IdentifierRule.EMPTY,
        IdentifierRule.LENGTH,
        IdentifierRule.CHARACTERS,
    }


@pytest.mark.parametrize(
    "wrong", ["00010519491231002X", "91010519491231002X", "A1010519491231002X"]
)
def test_resident_id_with_a_wrong_first_character_is_refused(wrong: str) -> None:
    refusal_of(wrong)


def test_credit_code_that_reads_as_a_foreigner_must_be_stated() -> None:
    both = "911124189912040114"  # satisfies both check systems, by search
    assert refusal_of(both).rule is IdentifierRule.KIND
    for kind in (Kind.FOREIGN_PERMANENT_RESIDENT, Kind.CREDIT_CODE):
        assert parse_identifier(both, today=TODAY, kind=kind).kind is kind


def is_calendar_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def test_calendar_is_that_of_datetime_one_by_one_and_by_column() -> None:
    years = (1877, 1896, 1900, 1999, 2000, 2004, 2023, 2024)
    days = [(y, m, d) for y in years for m in range(14) for d in (0, 1, 28, 29, 30, 31, 32)]
    bodies = [f"500102{y}{m:02d}{d:02d}001" for y, m, d in days]
    texts = [body + resident_check(body) for body in bodies]
    expected = [is_calendar_date(*day) for day in days]
    assert [kind == 1 for kind in parse_column(texts, today=TODAY).kinds] == expected
    padded = parse_column([f" {text}" for text in texts], today=TODAY)  # the one-by-one way
    assert [kind == 1 for kind in padded.kinds] == expected
    column = TextColumn.from_strings(texts)
    assert _plain_residents(column, 20261001)[0].tolist() == np.flatnonzero(expected).tolist()


@pytest.mark.parametrize("year", ["0000", "0001", "1875", "2027", "9999"])
def test_impossible_year_is_refused_by_both_ways(year: str) -> None:
    body = f"500102{year}0101001"
    text = body + resident_check(body)
    assert parse_column([text, f" {text}"], today=TODAY).kinds.tolist() == [0, 0]


# --- the form's sex and birth date --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sex", "born"),
    [
        (WOMAN, Sex.FEMALE, date(1949, 12, 31)),
        (MAN, Sex.MALE, date(1980, 1, 1)),
        (FOREIGNER, Sex.FEMALE, date(1981, 8, 3)),
        (FOREIGNER_OLD, Sex.MALE, date(1990, 12, 31)),
        ("E12345678", Sex.FEMALE, date(1990, 12, 31)),
    ],
)
def test_agreeing_declaration_passes(text: str, sex: Sex, born: date) -> None:
    check_declared(parse_identifier(text, today=TODAY), sex=sex, birth_date=born)


def test_nothing_declared_passes() -> None:
    check_declared(parse_identifier(WOMAN, today=TODAY))


@pytest.mark.parametrize(
    ("text", "sex", "born", "rule"),
    [
        (WOMAN, Sex.MALE, None, IdentifierRule.SEX_MISMATCH),
        (MAN, Sex.FEMALE, date(1980, 1, 1), IdentifierRule.SEX_MISMATCH),
        (WOMAN, None, date(1949, 12, 30), IdentifierRule.BIRTH_MISMATCH),
        (WOMAN, Sex.FEMALE, date(1950, 12, 31), IdentifierRule.BIRTH_MISMATCH),
        (FOREIGNER, None, date(1981, 8, 4), IdentifierRule.BIRTH_MISMATCH),
        (FOREIGNER_OLD, None, date(1990, 12, 30), IdentifierRule.BIRTH_MISMATCH),
    ],
)
def test_contradicting_declaration_is_refused(
    text: str, sex: Sex | None, born: date | None, rule: IdentifierRule
) -> None:
    with pytest.raises(IdentifierError) as refused:
        check_declared(parse_identifier(text, today=TODAY), sex=sex, birth_date=born)
    assert refused.value.rule is rule
    assert not any(c.isdigit() for c in refused.value.message_zh.replace("17", ""))


# --- the kind of a form -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("居民身份证", Kind.RESIDENT_ID),
        (" 身份证号码", Kind.RESIDENT_ID),
        ("公民身份号码", Kind.RESIDENT_ID),
        ("港澳台居民居住证", Kind.RESIDENT_ID),
        ("外国人永久居留身份证", Kind.FOREIGN_PERMANENT_RESIDENT),
        ("护照号", Kind.PASSPORT),
        ("统一社会信用代码", Kind.CREDIT_CODE),
    ],
)
def test_kind_is_read_from_the_form(text: str, kind: Kind) -> None:
    assert parse_kind(text) is kind


@pytest.mark.parametrize("kind", Kind)
def test_kind_name_is_read_back(kind: Kind) -> None:
    assert parse_kind(kind_name(kind)) is kind


@pytest.mark.parametrize("text", ["", "军官证", "港澳居民来往内地通行证", "x" * 1000])
def test_other_documents_are_refused_with_the_choices(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_kind(text)
    assert "统一社会信用代码" in refused.value.message_zh


# --- by column ----------------------------------------------------------------------------------


def test_column_keeps_order_and_positions() -> None:
    texts = [WOMAN, "", MAN.lower(), "110105194912310021", COMPANY, f" {MAN}", "H12345678"]
    column = parse_column(texts, today=TODAY)
    assert column.kinds.tolist() == [1, 0, 1, 0, 4, 1, 0]
    assert column.idns.tolist() == [x.encode() for x in (WOMAN, "", MAN, "", COMPANY, MAN, "")]
    assert column.rejected == [
        (1, IdentifierRule.EMPTY),
        (3, IdentifierRule.CHECK_DIGIT),
        (6, IdentifierRule.KIND),
    ]


def test_column_hands_out_identifiers_and_errors() -> None:
    column = parse_column([WOMAN, ""], today=TODAY)
    assert column.identifier(0) == parse_identifier(WOMAN, today=TODAY)
    assert column.error(0) is None
    error = column.error(1)
    assert error is not None
    assert error.message_zh == refusal_of("").message_zh
    with pytest.raises(IdentifierError):
        column.identifier(1)


def test_empty_column_is_a_column() -> None:
    column = parse_column([], today=TODAY)
    assert (len(column), column.rejected) == (0, [])


@pytest.mark.parametrize("shift", [-11, 11, -22, 22])
@pytest.mark.parametrize("text", [WOMAN, MAN, "440524188001010014", "500102199001010030"])
def test_character_worth_a_digit_modulo_11_is_refused_by_both_ways(text: str, shift: int) -> None:
    assert parse_column([text], today=TODAY).rejected == []
    forged = [f"{text[:i]}{chr(ord(text[i]) + shift)}{text[i + 1 :]}" for i in range(18)]
    column = parse_column(forged, today=TODAY)
    assert not column.kinds.any()
    assert not parse_column([f" {t}" for t in forged], today=TODAY).kinds.any()


@pytest.mark.parametrize("at", range(17))
def test_colon_is_not_the_digit_ten(at: int) -> None:
    forged = [f"{MAN[:at]}:{MAN[at + 1 : 17]}{last}" for last in "0123456789X"]
    assert not parse_column(forged, today=TODAY).kinds.any()


def test_plain_resident_ids_all_take_the_fast_way() -> None:
    bodies = [f"{p}0102{y}1231{y % 1000:03d}" for p in (11, 71, 83) for y in range(1877, 2026)]
    bodies += ["50010220261001002", "50010218761001002"]  # born today, and 150 years ago
    texts = [body + resident_check(body) for body in bodies]
    texts[7] = texts[7].lower()
    column = TextColumn.from_strings([COMPANY, *texts, "", " " + WOMAN])
    positions, idns = _plain_residents(column, 20261001)
    assert positions.tolist() == list(range(1, len(texts) + 1))
    assert idns.tolist() == [text.upper().encode() for text in texts]


@pytest.mark.parametrize(
    ("kinds", "idns", "refusals"),
    [
        (np.zeros(2, np.uint8), np.zeros(1, "S18"), np.zeros(2, np.uint8)),
        (np.zeros(1, np.int64), np.zeros(1, "S18"), np.zeros(1, np.uint8)),
        (np.zeros(1, np.uint8), np.zeros(1, "S17"), np.zeros(1, np.uint8)),
        (np.zeros((1, 2), np.uint8), np.zeros((1, 2), "S18"), np.zeros((1, 2), np.uint8)),
    ],
)
def test_column_refuses_other_shapes(
    kinds: np.ndarray, idns: np.ndarray, refusals: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="column"):
        IdentifierColumn(kinds, idns, refusals)
