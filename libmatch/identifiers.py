"""Texts of a form to normalised identifiers, one by one and by column (docs/spec/identifiers.md).

Nothing is guessed and nothing is repaired beyond width, case and separators: a text is either the
one canonical identifier of its kind or it is refused with the rule that it breaks. No error, repr
or message holds any part of a number. Pure: today's date is passed in, nothing is looked up.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from libmatch.accel.kernels import WORTH_COMPILING, has_numba
from libmatch.check_digits import MOD_11_2_WEIGHTS
from libmatch.errors import IdentifierError, IdentifierRule, InputError
from libmatch.identifier_forms import (
    CENTURY,
    IDN_LENGTH,
    MONTH_DAYS,
    OLDEST,
    RESIDENT_PROVINCES,
    TEXT_LIMIT,
    Kind,
    has_normal_form,
    is_date,
    read,
    visible,
    ymd_of,
)
from libmatch.refusals import Refusal
from libmatch.texts import TextColumn

__all__ = [
    "Identifier",
    "IdentifierColumn",
    "Kind",
    "Sex",
    "check_declared",
    "kind_name",
    "parse_column",
    "parse_identifier",
    "parse_kind",
]


class Sex(StrEnum):
    """Sex as the forms write it."""

    MALE = "男"
    FEMALE = "女"


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """A normalised identifier: ``idn`` is 5 to 18 ASCII digits and capital letters.

    ``parse_identifier`` is the way to make one. The constructor, used where a sealed payload is
    read back, checks the form only (no check digit, no date) and raises ValueError. Neither repr
    nor str shows the number, and it refuses to be pickled: it gets into no log and no cache.
    """

    kind: Kind
    idn: str

    def __post_init__(self) -> None:
        if not has_normal_form(self.kind, self.idn):
            raise ValueError(f"not the normalised form of a {self.kind.name}")

    @property
    def birth_date(self) -> date | None:
        """The birth date in the number; None where the form has none with a century."""
        ymd = _dated(self)
        if ymd is None or not is_date(ymd):
            return None
        return date(ymd // 10000, ymd // 100 % 100, ymd % 100)

    @property
    def sex(self) -> Sex | None:
        """The sex in the number, male where position 17 is odd; None where the form has none."""
        if _dated(self) is None:
            return None
        return Sex.MALE if int(self.idn[16]) % 2 else Sex.FEMALE

    def __repr__(self) -> str:
        return f"<Identifier {self.kind.name}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Identifier is not pickled; pass its kind and idn on purpose")

    def __copy__(self) -> Identifier:
        return self

    def __deepcopy__(self, memo: object) -> Identifier:
        return self


def _dated(identifier: Identifier) -> int | None:
    """The birth date YYYYMMDD at positions 7 to 14, of the two forms that have it there."""
    person = identifier.kind in (Kind.RESIDENT_ID, Kind.FOREIGN_PERMANENT_RESIDENT)
    return int(identifier.idn[6:14]) if person and len(identifier.idn) == IDN_LENGTH else None


def parse_identifier(text: str, *, today: date, kind: Kind | None = None) -> Identifier:
    """The identifier in ``text``, normalised. Raises IdentifierError naming the rule it breaks.

    Without ``kind`` the form decides, and what could be two kinds is refused (rule KIND). A
    mistyped resident id never becomes another kind. TypeError for anything but str: a number out
    of a spreadsheet may already have lost its last digits.
    """
    if not isinstance(text, str):
        raise TypeError("an identifier is text")
    refusal, found, idn = read(text, ymd_of(today), kind)
    if found is None:
        raise refusal.error()
    return Identifier(found, idn)


def check_declared(
    identifier: Identifier, *, sex: Sex | None = None, birth_date: date | None = None
) -> None:
    """Nothing, where the form's sex and birth date agree with the number, or it holds none.

    Raises IdentifierError with rule SEX_MISMATCH or BIRTH_MISMATCH. The 15-character form of a
    foreign permanent resident holds the birth date without its century: that much is compared.
    """
    if sex is not None and identifier.sex not in (None, sex):
        raise IdentifierError(
            IdentifierRule.SEX_MISMATCH,
            "the declared sex differs from the one in the identifier",
            "填写的性别与证件号码不一致（号码第17位单数为男、双数为女），请核对",
        )
    if birth_date is not None and not _may_be_born(identifier, birth_date):
        raise IdentifierError(
            IdentifierRule.BIRTH_MISMATCH,
            "the declared birth date differs from the one in the identifier",
            "填写的出生日期与证件号码不一致，请核对",
        )


def _may_be_born(identifier: Identifier, declared: date) -> bool:
    ymd = _dated(identifier)
    if ymd is not None:
        return ymd == ymd_of(declared)
    if identifier.kind is Kind.FOREIGN_PERMANENT_RESIDENT:
        return int(identifier.idn[7:13]) == ymd_of(declared) % CENTURY
    return True


_KIND_NAMES: dict[Kind, tuple[str, ...]] = {
    Kind.RESIDENT_ID: (
        "居民身份证",
        "身份证",
        "公民身份",
        "二代身份证",
        "港澳台居民居住证",
        "港澳居民居住证",
        "台湾居民居住证",
    ),
    Kind.FOREIGN_PERMANENT_RESIDENT: (
        "外国人永久居留身份证",
        "外国人永久居留证",
        "永久居留身份证",
        "永居证",
    ),
    Kind.PASSPORT: ("护照", "中国护照", "外国护照", "普通护照"),
    Kind.CREDIT_CODE: ("统一社会信用代码", "社会信用代码", "信用代码", "营业执照"),
}
_KIND_BY_NAME = {name: kind for kind, names in _KIND_NAMES.items() for name in names}


def kind_name(kind: Kind) -> str:
    """The Chinese name of the kind, as a form shows it; ``parse_kind`` takes it back."""
    return _KIND_NAMES[kind][0]


def parse_kind(text: str) -> Kind:
    """The kind that a cell 证件类型 names. Raises InputError for any other word."""
    name = visible(unicodedata.normalize("NFKC", text[:TEXT_LIMIT]))
    kind = _KIND_BY_NAME.get(name.removesuffix("码").removesuffix("号"), _KIND_BY_NAME.get(name))
    if kind is None:
        choices = "、".join(map(kind_name, Kind))
        raise InputError(
            "not a kind of identifier that can be matched",
            f"证件类型只能填：{choices}（港澳台居民居住证按居民身份证填写）",
        )
    return kind


# --- by column ----------------------------------------------------------------------------------

_IDNS = np.dtype(f"S{IDN_LENGTH}")


@dataclass(frozen=True, repr=False, eq=False)
class IdentifierColumn:
    """A parsed column of n texts, as three arrays that a kernel can fill.

    ``kinds`` uint8[n]: the Kind, 0 where refused; ``idns`` S18[n]: ASCII, empty where refused;
    ``refusals`` uint8[n]: a ``Refusal``, 0 where accepted. Raises ValueError for other shapes.
    """

    kinds: npt.NDArray[np.uint8]
    idns: npt.NDArray[np.bytes_]
    refusals: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        types = [array.dtype for array in (self.kinds, self.idns, self.refusals)]
        if types != [np.dtype(np.uint8), _IDNS, np.dtype(np.uint8)]:
            raise ValueError("a column of identifiers is uint8, S18, uint8")
        if {array.shape for array in (self.kinds, self.idns, self.refusals)} != {(len(self),)}:
            raise ValueError("the three arrays of a column are flat and of one length")

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def rejected(self) -> list[tuple[int, IdentifierRule]]:
        """Position and rule of each refused text, in order."""
        positions = np.flatnonzero(self.refusals).tolist()
        return [(i, Refusal(self.refusals[i]).rule) for i in positions]

    def error(self, position: int) -> IdentifierError | None:
        """The error that ``parse_identifier`` raises for this text; None where it is accepted."""
        refusal = Refusal(self.refusals[position])
        return refusal.error() if refusal else None

    def identifier(self, position: int) -> Identifier:
        """The identifier at ``position``. Raises its IdentifierError where it was refused."""
        refusal = Refusal(self.refusals[position])
        if refusal:
            raise refusal.error()
        return Identifier(Kind(self.kinds[position]), self.idns[position].decode("ascii"))

    def __repr__(self) -> str:
        return f"<IdentifierColumn of {len(self)}, {np.count_nonzero(self.refusals)} refused>"


def parse_column(
    texts: Sequence[str] | TextColumn, *, today: date, kind: Kind | None = None
) -> IdentifierColumn:
    """What ``parse_identifier`` gives for each text, in order, as arrays.

    Plain 18-digit resident ids, nearly all of a real column, are read together, in compiled code
    where that is worth it; every other text goes the one-by-one way. TypeError for anything but str.
    """
    column = texts if isinstance(texts, TextColumn) else TextColumn.from_strings(texts)
    n, now = len(column), ymd_of(today)
    kinds, idns, refusals = np.zeros(n, np.uint8), np.zeros(n, _IDNS), np.zeros(n, np.uint8)
    if kind in (None, Kind.RESIDENT_ID):
        _read_residents(column, now, kinds, idns)
    for i in np.flatnonzero(kinds == 0).tolist():
        refusal, found, idn = read(column.text(i), now, kind)
        refusals[i], kinds[i], idns[i] = refusal, found or 0, idn.encode("ascii")
    return IdentifierColumn(kinds, idns, refusals)


def _read_residents(
    column: TextColumn,
    today: int,
    kinds: npt.NDArray[np.uint8],
    idns: npt.NDArray[np.bytes_],
) -> None:
    """Fills in the texts that are valid resident ids as they stand."""
    if len(column) >= WORTH_COMPILING and has_numba():
        from libmatch.accel.residents import find_residents

        names = idns.view(np.uint8).reshape(-1, IDN_LENGTH)
        offsets, data = map(np.ascontiguousarray, (column.offsets, column.data))
        find_residents(offsets, data, today, kinds, names)
        return
    positions, residents = _plain_residents(column, today)
    kinds[positions], idns[positions] = Kind.RESIDENT_ID, residents


_RESIDENT_PROVINCE = np.array([f"{code:02d}" in RESIDENT_PROVINCES for code in range(100)])
_CHECK_WEIGHTS = np.array([*MOD_11_2_WEIGHTS, 1], np.int32)  # of all 18: the sum is 1 mod 11
_CHECK_LIMITS = np.array([9] * 17 + [10], np.int32)
_DATE_WEIGHTS = np.array([10**i for i in range(7, -1, -1)], np.int32)
_MONTH_DAYS = np.array(MONTH_DAYS, np.int32)


def _plain_residents(
    column: TextColumn, today: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bytes_]]:
    """Positions and S18 bytes of the texts that are valid resident ids as they stand."""
    picked = np.flatnonzero(np.diff(column.offsets) == IDN_LENGTH)
    chars = column.data[column.offsets[picked, np.newaxis] + np.arange(IDN_LENGTH)]
    chars[chars[:, 17] == ord("x"), 17] = ord("X")
    digits = chars.astype(np.int32) - ord("0")
    digits[chars[:, 17] == ord(":"), 17] = -1  # would pass for 10
    digits[chars[:, 17] == ord("X"), 17] = 10
    numeric = ((digits >= 0) & (digits <= _CHECK_LIMITS)).all(axis=1)
    digits[~numeric] = 0
    ymd = digits[:, 6:14] @ _DATE_WEIGHTS
    valid = numeric & _RESIDENT_PROVINCE[digits[:, 0] * 10 + digits[:, 1]] & _are_dates(ymd)
    valid &= (ymd <= today) & (ymd >= today - OLDEST) & (digits @ _CHECK_WEIGHTS % 11 == 1)
    return picked[valid], np.ascontiguousarray(chars[valid]).view(_IDNS).ravel()


def _are_dates(ymd: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """``is_date`` by column."""
    year, month, day = ymd // 10000, ymd // 100 % 100, ymd % 100
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days = _MONTH_DAYS[np.minimum(month, 12)] + ((month == 2) & leap)
    result: npt.NDArray[np.bool_] = (
        (year > 0) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= days)
    )
    return result
