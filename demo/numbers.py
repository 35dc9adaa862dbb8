"""Identity, company and phone numbers of the synthetic district; each is issued once.

Written from the standards and independently of :mod:`libmatch.identifiers`, so that the district
and the library that reads it cannot share a mistake: GB 11643-1999 (resident ID, ISO 7064
MOD 11-2), GB 32100-2015 and GB 11714-1997 (company code), ICAO 9303 weights (old permit of
foreigners).
"""

from __future__ import annotations

from datetime import date
from random import Random

# Places and the region codes their IDs carry: before 1995 the county codes of the former Fuling
# prefecture (abolished, still on every older ID), since 1997 those of Chongqing.
_REGIONS_BEFORE_1995 = (("512301", 88), ("512324", 5), ("512326", 4), ("512323", 3))
_REGIONS_SINCE_1995 = (("500102", 90), ("500230", 5), ("500232", 3), ("500119", 2))
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z
_PERMIT_COUNTRIES = (("CAN", "124"), ("DEU", "276"), ("RUS", "643"), ("VNM", "704"))


class NumberIssuer:
    """Issues numbers for one run; no number twice, the same ``rng`` state gives the same ones."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._issued: set[str] = set()
        self._phones: set[str] = set()

    def region(self, birth: date) -> str:
        """A region code of the time of that birth."""
        table = _REGIONS_BEFORE_1995 if birth.year < 1995 else _REGIONS_SINCE_1995
        mark = self._rng.random() * 100
        for code, share in table:
            mark -= share
            if mark < 0:
                return code
        return table[0][0]

    def resident(self, birth: date, male: bool, region: str | None = None) -> str:
        """An 18-digit resident ID. ``region`` 81/82/830000 makes it a 港澳台居民居住证."""
        head = (region or self.region(birth)) + birth.strftime("%Y%m%d")
        while True:
            # 996 to 999 were kept for centenarians in the 15-digit numbers: never used here.
            sequence = 2 * int(self._rng.random() * 497) + (1 if male else 2)
            number = _with_check_digit(f"{head}{sequence:03d}")
            if self._claim(number):
                return number

    def neighbour(self, number: str) -> str:
        """A resident ID of the same region, birth date and sex that differs only at its end."""
        for step in range(2, 994, 2):
            sequence = (int(number[14:17]) + step - 1) % 994 + 1
            candidate = _with_check_digit(f"{number[:14]}{sequence:03d}")
            if self._claim(candidate):
                return candidate
        raise ValueError("every number of that day, region and sex is taken")

    def foreign_permit_old(self, birth: date) -> str:
        """A 外国人永久居留身份证 of the old form: 3 letters and 12 digits, the last a check digit."""
        while True:
            country, _ = self._rng.choice(_PERMIT_COUNTRIES)
            body = f"{country}5000{birth:%y%m%d}{self._rng.randrange(10)}"
            number = body + _icao_check_digit(body)
            if self._claim(number):
                return number

    def foreign_permit(self, birth: date, male: bool) -> str:
        """A 外国人永久居留身份证 of the form since 2023: 18 digits that begin with 9.

        One in 341 would be a valid company code as well; a sheet without a column 证件类型 cannot
        tell such a number from one, so none is issued.
        """
        while True:
            _, country = self._rng.choice(_PERMIT_COUNTRIES)
            sequence = 2 * self._rng.randrange(497) + (1 if male else 2)
            number = _with_check_digit(f"950{country}{birth:%Y%m%d}{sequence:03d}")
            if not _is_credit_code(number) and self._claim(number):
                return number

    def passport(self) -> str:
        """A passport number: one or two letters and digits, nine in all."""
        while True:
            letters = self._rng.choice(("E", "G", "PA", "AB", "K"))
            digits = 9 - len(letters)
            number = f"{letters}{self._rng.randrange(10**digits):0{digits}d}"
            if self._claim(number):
                return number

    def credit_code(self) -> str:
        """A 统一社会信用代码 of a company of the district."""
        while True:
            core = f"{self._rng.randrange(10**8):08d}"
            number = credit_code_of(f"91500102{core}{_organisation_check(core)}")
            if self._claim(number):
                return number

    def phone(self) -> str:
        """A mobile number of 11 digits."""
        while True:
            draw = self._rng.random
            number = f"1{'35789'[int(draw() * 5)]}{int(draw() * 10**9):09d}"
            if number not in self._phones:
                self._phones.add(number)
                return number

    def _claim(self, number: str) -> bool:
        if number in self._issued:
            return False
        self._issued.add(number)
        return True


def short_form(number: str) -> str:
    """The 15-digit form of an 18-digit resident ID of somebody born in the 1900s."""
    if len(number) != 18 or number[6:8] != "19":
        raise ValueError("only 18-digit numbers of births from 1900 to 1999 have a 15-digit form")
    return number[:6] + number[8:17]


def wrong_check_digit(number: str) -> str:
    """The same number with a check character that is certainly not the right one."""
    last = number[-1]
    return number[:-1] + ("0" if last == "X" else str((int(last) + 1) % 10))


def credit_code_of(body: str) -> str:
    """``body`` (17 characters) with its GB 32100 check character."""
    total = sum(_CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _CREDIT_ALPHABET[-total % 31]


def _is_credit_code(number: str) -> bool:
    organisation = number[16] == _organisation_check(number[8:16])
    return organisation and credit_code_of(number[:17]) == number


def _with_check_digit(body: str) -> str:
    # ISO 7064 MOD 11-2 as the running form: double, add, so that no weight table is needed.
    total = 0
    for digit in body:
        total = (total + ord(digit) - 48) * 2
    return body + "10X98765432"[total % 11]


def _organisation_check(core: str) -> str:
    # GB 11714: weights of the eight characters, 11 minus the rest, X for ten and 0 for eleven.
    total = sum(int(c) * w for c, w in zip(core, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return "0123456789X0"[11 - total % 11]


def _icao_check_digit(body: str) -> str:
    values = (int(c, 36) for c in body)
    return str(sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(values)) % 10)
