"""The alternatives among which a reading of an ambiguous phrase chooses. Values go into TOML."""

from __future__ import annotations

from enum import StrEnum


class OutpostedReceiver(StrEnum):
    """R10 「其派出机构」: who is meant beside the township or street."""

    DEPARTMENT = "department"  # the department that sent the body out
    BODY = "body"  # the body itself, which then keeps a database of its own


class HostReading(StrEnum):
    """R11 「驻在单位（含综合派驻单位）」: where a group with several hosts reports."""

    PRINCIPAL = "principal"  # one receives, the others get a copy
    ALL = "all"  # complete only when every host has it


class Signer(StrEnum):
    """R22: who signs the opinion on a declaration."""

    DISCIPLINE_HEAD = "discipline-head"  # 同级纪检组织负责人
    PARTY_HEAD = "party-head"  # 党组织主要负责人
    LEADER_IN_CHARGE = "leader-in-charge"  # 分管领导
    SUPERIOR_LEADER_IN_CHARGE = "superior-leader-in-charge"  # 上级主管部门分管领导
    VILLAGE_LEADER = "village-leader"  # 驻村领导


class OpinionBox(StrEnum):
    """R23 「责任领导意见」: whose opinion stands in the box of annex 2."""

    SIGNER = "signer"  # the one of R22; the unit's responsible leader reviews the entry
    RESPONSIBLE_LEADER = "responsible-leader"  # a second signature beside the one of R22


class MatchScope(StrEnum):
    """R35 「与本单位党员干部亲属信息开展比对」: against whose declarations an item is matched."""

    DISTRICT = "district"
    OWN_UNIT = "own-unit"


class UnitCheckScope(StrEnum):
    """R51 「亲属关系情况、涉权事项情况等…不低于30%」: 30 % of what."""

    EACH = "each"  # of the declarations and of the matters, each by itself
    TOGETHER = "together"  # of both in one


class DistrictCheckScope(StrEnum):
    """R52 「全区…涉权事项情况」: over what 10 % is counted. Always flagged matters only."""

    DISTRICT = "district"  # of all matters of the district
    EACH_UNIT = "each-unit"  # of every unit's matters, so that no unit goes unchecked


class ObjectionReading(StrEnum):
    """R48: what becomes of the seven days when an objection was looked into and found groundless."""

    RESUME = "resume"  # the days that were left
    RESTART = "restart"  # seven new days
