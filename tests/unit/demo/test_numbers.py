from __future__ import annotations

from datetime import date
from random import Random

import pytest
from stdnum.cn import ric, uscc

from demo.numbers import NumberIssuer, credit_code_of, short_form, wrong_check_digit


@pytest.fixture
def issuer() -> NumberIssuer:
    return NumberIssuer(Random(1))


def births() -> list[date]:
    return [date(1930 + i % 90, 1 + i % 12, 1 + i % 28) for i in range(300)]


def test_resident_ids_have_the_check_digit_of_the_standard(issuer: NumberIssuer) -> None:
    for birth in births():
        number = issuer.resident(birth, male=birth.day % 2 == 0)
        assert ric.calc_check_digit(number) == number[17]


def test_every_check_character_occurs(issuer: NumberIssuer) -> None:
    seen = {issuer.resident(birth, male=True)[17] for birth in births()}
    assert seen == set("0123456789X")


def test_the_published_example_of_the_standard_comes_out() -> None:
    assert ric.calc_check_digit("11010519491231002X") == "X"
    assert wrong_check_digit("11010519491231002X") == "110105194912310020"


def test_regions_fit_the_time_of_birth(issuer: NumberIssuer) -> None:
    assert issuer.region(date(1960, 1, 1)).startswith("5123")
    assert issuer.region(date(2005, 1, 1)).startswith("500")


def test_a_neighbour_differs_in_sequence_and_check_digit_only(issuer: NumberIssuer) -> None:
    number = issuer.resident(date(1970, 5, 6), male=True)
    other = issuer.neighbour(number)
    assert other != number
    assert other[:14] == number[:14]
    assert int(other[16]) % 2 == int(number[16]) % 2
    assert ric.calc_check_digit(other) == other[17]


def test_credit_codes_are_valid(issuer: NumberIssuer) -> None:
    assert all(uscc.is_valid(issuer.credit_code()) for _ in range(200))
    assert credit_code_of("91110000600037341") == "91110000600037341L"


def test_no_number_is_issued_twice(issuer: NumberIssuer) -> None:
    numbers = [issuer.resident(date(1980, 1, 1), male=True, region="500102") for _ in range(400)]
    assert len(set(numbers)) == 400


def test_a_short_form_leaves_out_century_and_check_digit() -> None:
    assert short_form("110105194912310021"[:17] + "X") == "110105491231002"


def test_a_birth_after_1999_has_no_short_form(issuer: NumberIssuer) -> None:
    with pytest.raises(ValueError, match="1900 to 1999"):
        short_form(issuer.resident(date(2001, 1, 1), male=True))


def test_the_new_foreign_permit_carries_birth_sex_and_check_digit(issuer: NumberIssuer) -> None:
    number = issuer.foreign_permit(date(1981, 8, 3), male=False)
    assert (number[0], number[6:14], int(number[16]) % 2) == ("9", "19810803", 0)
    assert ric.calc_check_digit(number) == number[17]
