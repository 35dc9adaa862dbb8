"""What a declaration says: the official, the relatives, the pledge (R17 to R19). Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from libmatch.identifiers import Identifier, Sex
from libmatch.relations import Relation
from services.chassis.sheets import Position
from services.rules.reporting import Post


@dataclass(frozen=True, slots=True, repr=False)
class Official:
    """The reporter with the fields of R17. Blank texts are ""; ``position`` is where it was read.

    ``category``: the post as R22 tells posts apart, ``signed_on``: the day below the paper form's pledge;
    None where the sheet does not say.
    """

    identifier: Identifier
    name: str
    sex: Sex | None
    political: str
    unit: str
    post: str
    rank: str
    work: str
    discipline: bool | None
    household: str
    phone: str
    position: Position
    category: Post | None = None
    signed_on: date | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("an official has a name")

    @property
    def missing(self) -> tuple[str, ...]:
        """The Chinese names of the fields of R17 that are blank."""
        values = {
            "性别": self.sex,
            "政治面貌": self.political,
            "单位": self.unit,
            "职务": self.post,
            "职级": self.rank,
            "具体工作": self.work,
            "是否纪检干部": self.discipline,
            "户籍地址": self.household,
            "手机号码": self.phone,
        }
        return tuple(name for name, value in values.items() if value is None or value == "")

    def __repr__(self) -> str:
        return f"<Official at {self.position.sheet!r} row {self.position.row}>"


@dataclass(frozen=True, slots=True, repr=False)
class Relative:
    """A declared relative with the fields of R18.

    ``identifier`` None: not known; ``remark`` then holds the reason, and nobody may match the
    relative by name alone.
    """

    identifier: Identifier | None
    name: str
    sex: Sex | None
    relation: Relation
    political: str
    unit: str
    post: str
    phone: str
    household: str
    remark: str
    position: Position

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a relative has a name")
        if self.identifier is None and not self.remark:
            raise ValueError("a relative without an identifier has a reason in the remark")

    def __repr__(self) -> str:
        return f"<Relative at {self.position.sheet!r} row {self.position.row}>"


@dataclass(frozen=True, slots=True, repr=False)
class Pledge:
    """The signature below the truth pledge (R19) as the form shows it."""

    signer: str
    signed_on: date | None

    @property
    def complete(self) -> bool:
        """Whether it is signed and dated; without both a declaration cannot move on."""
        return bool(self.signer) and self.signed_on is not None

    def __repr__(self) -> str:
        return f"<Pledge {'complete' if self.complete else 'incomplete'}>"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One official with all relatives that a file declares for him.

    The official himself is never among ``relatives``. ``pledge`` None: the sheet has no place for
    one (flat table). ``opinion``: what stands in 责任领导意见 (R23). ``refused``: how many of his rows
    were not taken, so that what is here is not yet all that he declares.
    """

    official: Official
    relatives: tuple[Relative, ...]
    pledge: Pledge | None
    opinion: str
    position: Position
    refused: int = 0
