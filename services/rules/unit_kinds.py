"""Kinds of units in the words of the notice, and which kind may stand below which."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class UnitKind(StrEnum):
    """What a unit is in the words of the notice; values go into the data file."""

    PARTY_COMMITTEE_BODY = "party-committee-body"  # 区委各部委
    DEPARTMENT = "department"  # 区级国家机关各部门
    DEMOCRATIC_PARTY = "democratic-party"  # 民主党派区委
    PEOPLES_ORGANISATION = "peoples-organisation"  # 人民团体
    RELEVANT_UNIT = "relevant-unit"  # 有关单位
    PUBLIC_INSTITUTION = "public-institution"  # 区属事业单位
    PARK = "park"  # 园区、新城区、旅游区
    ENTERPRISE = "enterprise"  # 区属国有企业
    TOWNSHIP = "township"  # 乡、镇
    STREET = "street"  # 街道
    SUBORDINATE_INSTITUTION = "subordinate-institution"  # 下属事业单位
    SCHOOL = "school"
    HOSPITAL = "hospital"
    SUBSIDIARY_ENTERPRISE = "subsidiary-enterprise"  # 下属企业
    OUTPOSTED_BODY = "outposted-body"  # 区级部门派出机构
    STATIONED_DISCIPLINE_GROUP = "stationed-discipline-group"  # 区纪委派驻纪检组
    VILLAGE = "village"
    COMMUNITY = "community"


TOWNSHIP_KINDS = frozenset({UnitKind.TOWNSHIP, UnitKind.STREET})
VILLAGE_KINDS = frozenset({UnitKind.VILLAGE, UnitKind.COMMUNITY})
ENTERPRISE_KINDS = frozenset({UnitKind.ENTERPRISE, UnitKind.SUBSIDIARY_ENTERPRISE})
MANAGERS_ONLY_KINDS = frozenset({UnitKind.SCHOOL, UnitKind.HOSPITAL})  # R2
BELOW_KINDS = frozenset(
    {
        UnitKind.SUBORDINATE_INSTITUTION,
        UnitKind.SCHOOL,
        UnitKind.HOSPITAL,
        UnitKind.SUBSIDIARY_ENTERPRISE,
    }
)
"""Kinds whose people report to the superior (R9; schools, hospitals, 下属企业: 「含」 in annex 1)."""

_ABROAD_KINDS = frozenset({UnitKind.OUTPOSTED_BODY, UnitKind.STATIONED_DISCIPLINE_GROUP})
RECEIVING_KINDS = frozenset(UnitKind) - BELOW_KINDS - VILLAGE_KINDS - _ABROAD_KINDS
"""Kinds that keep a database of their own (R7, R13): annex 1, townships and streets."""


@dataclass(frozen=True)
class Wanted:
    """Of which kinds a unit must be that another one refers to, and how to say so."""

    kinds: frozenset[UnitKind]
    en: str
    zh: str


_SUPERIOR = Wanted(
    (RECEIVING_KINDS | BELOW_KINDS) - ENTERPRISE_KINDS,
    "a department, an institution, a township or a street",
    "部门、事业单位或乡镇街道",
)
_TOWNSHIP = Wanted(TOWNSHIP_KINDS, "a township or street", "乡镇街道")

PARENTS: dict[UnitKind, Wanted] = {
    UnitKind.SUBORDINATE_INSTITUTION: _SUPERIOR,
    UnitKind.SCHOOL: _SUPERIOR,
    UnitKind.HOSPITAL: _SUPERIOR,
    UnitKind.SUBSIDIARY_ENTERPRISE: Wanted(ENTERPRISE_KINDS, "an enterprise", "企业"),
    UnitKind.OUTPOSTED_BODY: Wanted(
        RECEIVING_KINDS - TOWNSHIP_KINDS - ENTERPRISE_KINDS,
        "the department that sends it out",
        "派出它的区级部门",
    ),
    UnitKind.VILLAGE: _TOWNSHIP,
    UnitKind.COMMUNITY: _TOWNSHIP,
}
"""What the parent of each kind is that must have one."""

ANY_PARENT = Wanted(frozenset(UnitKind), "a unit", "单位")
SEAT = _TOWNSHIP
HOST = Wanted(RECEIVING_KINDS, "a unit that takes declarations", "受理申报的单位")
