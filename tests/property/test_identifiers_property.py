"""Identifiers under generated input: what is valid parses, what is mistyped never does."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from libmatch.check_digits import (
    MOD_31_3_ALPHABET,
    organisation_check,
    travel_document_check,
)
from libmatch.errors import IdentifierError
from libmatch.identifier_forms import PROVINCES, RESIDENT_PROVINCES
from libmatch.identifiers import Identifier, Kind, Sex, parse_column, parse_identifier

TODAY = date(2026, 10, 1)
OLDEST = date(1876, 10, 1)
KINDS = st.sampled_from([None, *Kind])


def digits(length: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**length - 1).map(lambda n: f"{n:0{length}d}")


def with_resident_check(body: str) -> str:
    """The check digit comes from python-stdnum, not from the code under test."""
    return body + ric.calc_check_digit(body + "0")


@st.composite
def residents(draw: st.DrawFn, oldest: date = OLDEST, newest: date = TODAY) -> str:
    region = draw(st.sampled_from(sorted(RESIDENT_PROVINCES))) + draw(digits(4))
    born = draw(st.dates(oldest, newest))
    return with_resident_check(region + born.strftime("%Y%m%d") + draw(digits(3)))


@st.composite
def foreigners(draw: st.DrawFn) -> str:
    head = "9" + draw(st.sampled_from(sorted(PROVINCES))) + draw(digits(3))
    born = draw(st.dates(OLDEST, TODAY))
    return with_resident_check(head + born.strftime("%Y%m%d") + draw(digits(3)))


@st.composite
def old_foreigners(draw: st.DrawFn) -> str:
    nation = draw(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3))
    place = draw(st.sampled_from(sorted(PROVINCES))) + draw(digits(2))
    born = draw(st.dates(date(1927, 1, 1), TODAY))
    body = nation + place + born.strftime("%y%m%d") + draw(digits(1))
    return body + travel_document_check(body)


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    head = draw(st.text(MOD_31_3_ALPHABET, min_size=2, max_size=2)) + draw(digits(6))
    own = draw(st.text(MOD_31_3_ALPHABET, min_size=8, max_size=8))
    body = head + own + organisation_check(own)
    return body + uscc.calc_check_digit(body)


PASSPORTS = st.from_regex(
    r"[A-Z][0-9]{6,8}|[A-Z]{2}[0-9]{6,7}", fullmatch=True
).filter(
    lambda text: (
        not (text[0] in "HM" and text[1:].isdigit() and len(text) == 9)
        and text[1] not in "IO"  # typed for 1 and 0
        and text[:2] != "MA"  # may be an organisation code
    )
)
NEARLY = st.text("0123456789Xx９Ⅹ-—  .,+Ee'\u200b\ufeff٣", min_size=0, max_size=24)
ANYTHING = st.one_of(
    st.text(max_size=40), NEARLY, residents(), foreigners(), old_foreigners(), credit_codes()
)


def outcome(text: str, kind: Kind | None = None) -> Identifier | IdentifierError:
    try:
        return parse_identifier(text, today=TODAY, kind=kind)
    except IdentifierError as error:
        return error


def parsed(text: str, kind: Kind | None = None) -> Identifier | None:
    result = outcome(text, kind)
    return result if isinstance(result, Identifier) else None


# --- what is valid parses -----------------------------------------------------------------------


@given(residents())
def test_valid_resident_id_parses_to_itself(text: str) -> None:
    identifier = parse_identifier(text, today=TODAY)
    assert (identifier.kind, identifier.idn) == (Kind.RESIDENT_ID, text)
    assert identifier.birth_date == date.fromisoformat(f"{text[6:10]}-{text[10:12]}-{text[12:14]}")
    assert identifier.sex is (Sex.MALE if text[16] in "13579" else Sex.FEMALE)


@given(foreigners())
def test_valid_foreigner_parses_to_itself(text: str) -> None:
    kind = Kind.FOREIGN_PERMANENT_RESIDENT
    assert parse_identifier(text, today=TODAY, kind=kind) == Identifier(kind, text)
    assert parsed(text) in (None, Identifier(kind, text))  # None: it is a valid credit code too


@given(old_foreigners())
def test_valid_old_foreigner_parses_to_itself(text: str) -> None:
    expected = Identifier(Kind.FOREIGN_PERMANENT_RESIDENT, text)
    assert parse_identifier(text, today=TODAY) == expected


@given(credit_codes())
def test_valid_credit_code_parses_to_itself(text: str) -> None:
    expected = Identifier(Kind.CREDIT_CODE, text)
    assert parse_identifier(text, today=TODAY, kind=Kind.CREDIT_CODE) == expected
    detected = parsed(text)
    assert detected is None or detected.idn == text


@given(PASSPORTS)
def test_plain_passport_parses_to_itself(text: str) -> None:
    assert parse_identifier(text, today=TODAY) == Identifier(Kind.PASSPORT, text)


@given(ANYTHING, KINDS)
def test_what_parses_parses_again_to_the_same(text: str, kind: Kind | None) -> None:
    identifier = parsed(text, kind)
    if identifier is not None:
        assert parsed(identifier.idn, identifier.kind) == identifier


@given(residents(oldest=date(1900, 1, 1), newest=date(1999, 12, 31)))
def test_fifteen_digits_give_the_persons_eighteen(text: str) -> None:
    old = text[:6] + text[8:17]
    assume(text[:2] in PROVINCES and int(old[12:]) < 996)
    upgraded = parsed(old)
    if upgraded is None:  # it could as well be an 18-digit number that lost its last three
        assert old[6:8] in ("19", "20")
    else:
        assert upgraded == Identifier(Kind.RESIDENT_ID, text)


@given(residents(oldest=date(1876, 10, 1), newest=date(1899, 12, 31)), st.integers(996, 999))
def test_fifteen_digits_of_a_centenarian_give_the_eighteen(text: str, sequence: int) -> None:
    assume(text[:2] in PROVINCES)
    full = with_resident_check(text[:14] + str(sequence))
    assert parsed(full[:6] + full[8:17]) == Identifier(Kind.RESIDENT_ID, full)


# --- what is mistyped never does ----------------------------------------------------------------


@given(residents(), st.integers(0, 17), st.sampled_from("0123456789X"))
@example("500102189909081729", 0, "9")  # a resident id that is a valid credit code too
def test_one_wrong_digit_is_refused_whatever_the_form(text: str, at: int, wrong: str) -> None:
    assume(wrong != text[at])
    assert parsed(text[:at] + wrong + text[at + 1 :]) is None


@given(residents(), st.integers(0, 16), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWYZ"))
@example("350669201312239764", 0, "U")  # U50669201312239764 is a valid credit code
def test_one_letter_for_a_digit_is_refused(text: str, at: int, wrong: str) -> None:
    assert parsed(text[:at] + wrong + text[at + 1 :]) is None


@given(residents(), st.integers(0, 16))
def test_two_neighbours_exchanged_are_refused(text: str, at: int) -> None:
    assume(text[at] != text[at + 1])
    assert parsed(text[:at] + text[at + 1] + text[at] + text[at + 2 :]) is None


@given(residents(), st.integers(0, 17))
def test_missing_or_doubled_digit_is_refused(text: str, at: int) -> None:
    assert parsed(text[:at] + text[at + 1 :]) is None
    assert parsed(text[:at] + text[at] + text[at:]) is None


@given(residents(), st.integers(1, 17))
def test_resident_id_cut_short_never_becomes_another_kind_or_person(text: str, kept: int) -> None:
    assert parsed(text[:kept]) is None


@given(foreigners(), st.integers(0, 17), st.sampled_from("0123456789"))
def test_foreigner_with_one_wrong_digit_is_not_that_kind(text: str, at: int, wrong: str) -> None:
    assume(wrong != text[at])
    assert parsed(text[:at] + wrong + text[at + 1 :], Kind.FOREIGN_PERMANENT_RESIDENT) is None


@given(credit_codes(), st.integers(0, 17), st.sampled_from(MOD_31_3_ALPHABET))
def test_credit_code_with_one_wrong_character_is_refused(text: str, at: int, wrong: str) -> None:
    assume(wrong != text[at])
    assert parsed(text[:at] + wrong + text[at + 1 :], Kind.CREDIT_CODE) is None


@given(st.dates(TODAY + timedelta(days=1), date(2199, 12, 31)), digits(3))
def test_birth_in_the_future_is_refused(born: date, sequence: str) -> None:
    assert parsed(with_resident_check("500102" + born.strftime("%Y%m%d") + sequence)) is None


# --- noise folds away ---------------------------------------------------------------------------

WIDE = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(ord("!"), ord("~") + 1)})
GAPS = st.text(" \u3000\u00a0\t\n\r\u2009\u200b\u200d\ufeff\u2060-‐–—－", max_size=3)


@st.composite
def noisy(draw: st.DrawFn, text: str) -> str:
    written = draw(st.sampled_from([str.lower, str.upper, lambda t: t.translate(WIDE)]))(text)
    gaps = draw(st.lists(GAPS, min_size=len(text) + 1, max_size=len(text) + 1))
    inner = "".join(gap + c for gap, c in zip(gaps, written, strict=False)) + gaps[-1]
    return draw(st.sampled_from(["", "'", "‘", '="'])) + inner + draw(st.sampled_from(["", '"']))


@given(st.data(), st.one_of(residents(), old_foreigners(), PASSPORTS))
def test_width_case_and_separators_fold_to_the_same(data: st.DataObject, text: str) -> None:
    assert parsed(data.draw(noisy(text))) == parse_identifier(text, today=TODAY)


# --- no text does harm --------------------------------------------------------------------------


@given(ANYTHING, KINDS)
@example("5.10E+17", None)
@example("\u0661" * 18, None)
@example("ı" * 18, Kind.CREDIT_CODE)
def test_any_text_parses_or_breaks_a_named_rule_without_being_shown(
    text: str, kind: Kind | None
) -> None:
    error = outcome(text, kind)
    if isinstance(error, IdentifierError):
        told = f"{error!r}{error}{error.args}{error.message_zh}{vars(error)}"
        runs = (text[i : i + 4] for i in range(len(text) - 3))
        assert not any(run in told for run in runs if any(c.isdigit() for c in run))
        assert (error.__cause__, error.__context__) == (None, None)


@given(st.lists(ANYTHING, max_size=12), KINDS)
def test_column_gives_what_one_by_one_gives(texts: list[str], kind: Kind | None) -> None:
    column = parse_column(texts, today=TODAY, kind=kind)
    for i, text in enumerate(texts):
        expected, told = outcome(text, kind), column.error(i)
        if isinstance(expected, Identifier):
            assert (column.identifier(i), told) == (expected, None)
        else:
            assert told is not None
            assert (told.rule, told.message_zh) == (expected.rule, expected.message_zh)
            assert (column.kinds[i], column.idns[i]) == (0, b"")
    assert [i for i, _ in column.rejected] == [i for i in range(len(texts)) if not column.kinds[i]]
