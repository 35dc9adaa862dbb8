"""Who signs a declaration for whom (R22 to R24), and who signs a list, bound to its content (R25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from libmatch.identifiers import Identifier
from services.rules.accounts import Account
from services.rules.readings import OpinionBox, Signer
from services.rules.reporting import Person, Post, receivers
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.unit_kinds import BELOW_KINDS
from services.rules.units import UnitTree
from services.rules.violation import RuleViolation

DIGEST_BYTES = 32
"""Length of a content's digest; which hash and which encoding is the service's own choice."""

_ROLES: dict[Signer, Role] = {
    Signer.DISCIPLINE_HEAD: Role.DISCIPLINE_HEAD,
    Signer.PARTY_HEAD: Role.PARTY_HEAD,
    Signer.LEADER_IN_CHARGE: Role.LEADER_IN_CHARGE,
    Signer.SUPERIOR_LEADER_IN_CHARGE: Role.LEADER_IN_CHARGE,
    Signer.VILLAGE_LEADER: Role.VILLAGE_LEADER,
}
_NAMES: dict[Signer, str] = {
    Signer.DISCIPLINE_HEAD: "同级纪检组织负责人",
    Signer.PARTY_HEAD: "党组织主要负责人",
    Signer.LEADER_IN_CHARGE: "分管领导",
    Signer.SUPERIOR_LEADER_IN_CHARGE: "上级主管部门分管领导",
    Signer.VILLAGE_LEADER: "驻村领导",
}


@dataclass(frozen=True)
class SigningRight:
    """Who may sign somebody's declaration: as what, with which role, in which units."""

    signer: Signer
    role: Role
    units: frozenset[str]

    @property
    def name_zh(self) -> str:
        """The signer in the words of the notice."""
        return _NAMES[self.signer]


@dataclass(frozen=True, repr=False)
class Opinion:
    """A signed opinion on a declaration (R22): by whom, when, on which content (32 bytes)."""

    account: str
    signed_on: date
    digest: bytes

    def __post_init__(self) -> None:
        require_digest(self.digest)


@dataclass(frozen=True)
class ListSignature:
    """The party head's signature under a list (R25): bound to ``digest`` (32 bytes) of its content."""

    unit: str
    account: str
    signed_on: date
    digest: bytes

    def __post_init__(self) -> None:
        require_digest(self.digest)


def signer_of(person: Person, rules: RuleSet) -> Signer:
    """Who signs for a person in that post (R22, with the readings for whom it is silent about)."""
    return {
        Post.PARTY_HEAD: Signer.DISCIPLINE_HEAD,
        Post.LEADING_MEMBER: Signer.PARTY_HEAD,
        Post.SECTION: Signer.LEADER_IN_CHARGE,
        Post.INSTITUTION_HEAD: rules.signer_of_institution_heads,
        Post.VILLAGE_CADRE: Signer.VILLAGE_LEADER,
        Post.GROUP_HEAD: Signer.VILLAGE_LEADER,
        Post.SUPPORTED: rules.signer_of_supported_village_staff,
    }[person.post]


def signing_right(person: Person, tree: UnitTree, rules: RuleSet, on: date) -> SigningRight:
    """Who may sign for ``person`` on that day (R22). RuleViolation R5, R7, R9 on bad facts.

    A leader of the person's own unit or of one that receives the declaration; for the head of a
    subordinate institution only of one above; for a discipline head also of a group stationed there.
    """
    signer = signer_of(person, rules)
    units = set(receivers(person, tree, rules, on).required)
    above = signer in (Signer.SUPERIOR_LEADER_IN_CHARGE, Signer.VILLAGE_LEADER)
    if not above:
        units.add(person.unit)
    if signer is Signer.SUPERIOR_LEADER_IN_CHARGE:
        chain = tree.chain(person.unit, on)[1:]
        units.update(unit.name for unit in chain if unit.kind in BELOW_KINDS)
    if signer is Signer.DISCIPLINE_HEAD:
        units.update(group.name for unit in tuple(units) for group in tree.groups_in(unit, on))
    return SigningRight(signer, _ROLES[signer], frozenset(units))


def require_not_self(signer: Account, person: Identifier, own: Account | None = None) -> None:
    """Nothing, unless the signer is the person: by identifier, or by his ``own`` account (R24)."""
    same_account = own is not None and (signer.unit, signer.login) == (own.unit, own.login)
    if signer.person == person or same_account:
        raise RuleViolation(
            "R24",
            "nobody signs for himself; the signature of somebody else with the right is needed",
            "不得为本人签署意见，请由其他有权签署的负责人签署",
        )


def require_signer(
    right: SigningRight, signer: Account, person: Identifier, own: Account | None = None
) -> None:
    """Nothing, if ``signer`` may sign for ``person`` (R22), and is not he (R24). RuleViolation.

    ``own``: the account of ``person``, where he has one.
    """
    require_not_self(signer, person, own)
    require_right(right, signer)


def require_right(right: SigningRight, signer: Account) -> None:
    """Nothing, if ``signer`` has the role in one of the units (R22). RuleViolation otherwise."""
    if right.role not in signer.roles or signer.unit not in right.units:
        where = ", ".join(sorted(right.units))
        raise RuleViolation(
            "R22",
            f"this declaration is signed by: {right.signer} of {where}; pass it to that person",
            f"该同志的报告表应由{right.name_zh}签署意见（单位：{where}），请转交",
        )


def require_box(signer: Account, box: Account | None, unit: str, rules: RuleSet) -> None:
    """Nothing, if 责任领导意见 is signed as the rule set reads it (R23).

    ``signer``: who signed by R22. ``box``: the responsible leader who signed beside him, if any.
    """
    if rules.opinion_box is OpinionBox.SIGNER:
        return
    if box is None or Role.RESPONSIBLE_LEADER not in box.roles or box.unit != unit:
        raise RuleViolation(
            "R23",
            "under the rules in force the unit's responsible leader signs the box too",
            "按现行规则，“责任领导意见”栏还须由本单位责任领导签署",
        )
    if box.person == signer.person:
        raise RuleViolation(
            "R23",
            "the box needs a second person beside the signer of R22",
            "“责任领导意见”栏须由签署意见者以外的责任领导签署",
        )


def sign_list(signer: Account, unit: str, digest: bytes, on: date) -> ListSignature:
    """The signature of the head of the unit's party organisation (R25). RuleViolation otherwise."""
    if Role.PARTY_HEAD not in signer.roles or signer.unit != unit:
        raise RuleViolation(
            "R25",
            "a list is signed by the head of the unit's own party organisation",
            "受益人名单须由本单位党组织负责人签署意见",
        )
    return ListSignature(unit, signer.login, on, digest)


def require_signed_list(signature: ListSignature | None, unit: str, digest: bytes) -> None:
    """Nothing, if this content of this unit was signed. RuleViolation R25: not to be matched."""
    require_digest(digest)
    if signature is None:
        raise RuleViolation(
            "R25",
            "the list is not signed; the head of the party organisation signs it first",
            "受益人名单尚未经党组织负责人签署意见，不得比对，请先签署",
        )
    if signature.unit != unit or signature.digest != digest:
        raise RuleViolation(
            "R25",
            "the list was altered after it was signed; have it signed again",
            "受益人名单在签署意见后有改动，不得比对，请重新签署",
        )


def require_digest(digest: bytes) -> None:
    """ValueError unless it has 32 bytes."""
    if len(digest) != DIGEST_BYTES:
        raise ValueError(f"a content digest has {DIGEST_BYTES} bytes")
