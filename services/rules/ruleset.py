"""Every reading of an ambiguous phrase, and every number that the notice leaves open, by version.

A department that reads a phrase otherwise adds a version; code never changes for it. A matter keeps
the version under which it was made (R62). Knows no identifier and no relation: the matcher may
import it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from services.rules.data_file import Entry, packaged_text, parse_entries
from services.rules.readings import (
    DistrictCheckScope,
    HostReading,
    MatchScope,
    ObjectionReading,
    OpinionBox,
    OutpostedReceiver,
    Signer,
    UnitCheckScope,
)
from services.rules.violation import RuleDataError, RuleViolation

_MOST_DAYS = 36_525  # a hundred years: catches a number of days that was meant as a year


@dataclass(frozen=True)
class Says:
    """Which rule a setting reads, and what it means, in Chinese."""

    rule: str
    meaning_zh: str


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """One version of all readings (R62). Days are calendar days in China; percentages are of 100.

    The defaults are the readings of the rules' list. ValueError for a value out of its range.
    """

    version: str = "2018-14"
    effective_from: date = date(2018, 1, 1)

    # who reports, and where
    enterprise_all_party_members: Annotated[
        bool, Says("R3", "国有企业的党员不论职务均须申报（否：仅中层以上的党员和干部）")
    ] = True
    city_managed_exempt: Annotated[bool, Says("R6", "市管领导干部暂不纳入申报")] = True
    exempt_outside_annex_1: Annotated[
        bool, Says("R6", "附件1以外单位（乡镇街道）的市管领导干部也不纳入申报")
    ] = False
    exemption_longest_days: Annotated[int, Says("R6", "一次免予申报最长的天数，到期须重新确认")] = (
        366
    )
    outposted_first_receiver: Annotated[
        OutpostedReceiver, Says("R10", "派出机构人员除乡镇街道外，另一个受理单位")
    ] = OutpostedReceiver.DEPARTMENT
    stationed_hosts: Annotated[
        HostReading, Says("R11", "综合派驻的，由主要驻在单位受理、其他驻在单位得抄送")
    ] = HostReading.PRINCIPAL

    # what is declared, and who signs
    match_officials_themselves: Annotated[bool, Says("R16", "党员干部本人也参加比对")] = True
    unknown_id_days: Annotated[int, Says("R18", "亲属证件号码不详的，补报期限（天）")] = 30
    change_report_days: Annotated[int, Says("R20", "亲属关系或岗位变化后的报告期限（天）")] = 30
    confirmation_days: Annotated[int, Says("R20", "每隔多少天由本人确认一次有无变化")] = 365
    signer_of_supported_village_staff: Annotated[
        Signer, Says("R22", "财政补助、供养的其他人员由谁签署意见")
    ] = Signer.VILLAGE_LEADER
    signer_of_institution_heads: Annotated[
        Signer, Says("R22", "下属事业单位负责人由谁签署意见")
    ] = Signer.SUPERIOR_LEADER_IN_CHARGE
    opinion_box: Annotated[OpinionBox, Says("R23", "“责任领导意见”栏由谁签署")] = OpinionBox.SIGNER

    # items
    items_from: Annotated[date, Says("R29", "第一批：此日及以后开始的事项")] = date(2018, 1, 1)
    unfinished_at: Annotated[date, Says("R29", "第一批：更早开始、到此日尚未完成的事项也在内")] = (
        date(2018, 6, 22)
    )
    leader_outside_discipline: Annotated[
        bool, Says("R30", "责任领导也须是从事纪检监察工作以外的人员（否：仅工作人员）")
    ] = True

    # match and verify
    match_scope: Annotated[MatchScope, Says("R35", "受益人与哪些申报比对")] = MatchScope.DISTRICT
    verification_days: Annotated[int, Says("R39", "比中送达后的核查期限（天）")] = 15
    measure_days: Annotated[int, Says("R41", "核查不合规后作出取消、停发等处理的期限（天）")] = 15

    # publish, and the gate
    posting_days: Annotated[int, Says("R43", "核查合规后在两处张贴公示的期限（天）")] = 15
    mask_below_age: Annotated[int, Says("R44", "未满此年龄的受益人姓名隐去")] = 14
    publication_days: Annotated[int, Says("R45", "公示期（整天）")] = 7
    posting_day_counts: Annotated[bool, Says("R45", "张贴当日计入公示期")] = False
    export_days_after_end: Annotated[int, Says("R46", "公示期满后网上公示再保留的天数")] = 0
    certificate_days: Annotated[int, Says("R47", "无比中证明的有效期（天）")] = 30
    objection_days_after_end: Annotated[int, Says("R48", "公示期满后仍受理异议的天数")] = 0
    objection_verification_days: Annotated[int, Says("R48", "异议的核查期限（天）")] = 15
    objection_not_upheld: Annotated[ObjectionReading, Says("R48", "异议不成立时公示期如何继续")] = (
        ObjectionReading.RESUME
    )

    # explain, and supervise
    statement_days_after_year: Annotated[
        int, Says("R49", "年度说明情况在次年登记的期限（年度结束后的天数）")
    ] = 90
    unit_check_percent: Annotated[int, Says("R51", "单位纪检组织抽查的最低比例（%）")] = 30
    unit_check_scope: Annotated[
        UnitCheckScope, Says("R51", "申报和涉权事项分别计算，还是合并计算")
    ] = UnitCheckScope.EACH
    check_days_after_year: Annotated[
        int, Says("R51", "年度抽查结果（R51、R52）登记的期限（年度结束后的天数）")
    ] = 90
    district_check_percent: Annotated[int, Says("R52", "区纪委随机抽查的最低比例（%）")] = 10
    district_check_scope: Annotated[
        DistrictCheckScope, Says("R52", "按全区比中事项计算，还是按每个单位计算")
    ] = DistrictCheckScope.DISTRICT
    lead_days: Annotated[int, Says("R53", "问题线索处置结果登记的期限（天）")] = 90

    # deadlines, and keeping
    deadline_day_counts: Annotated[bool, Says("R57", "“某日前”包括当日（R57至R60）")] = True
    pre_required: Annotated[bool, Says("R61", "审批前录入拟受益人（事前名单）")] = True
    post_required: Annotated[bool, Says("R61", "实施后录入实际受益人（事后名单）并核对")] = True
    post_days: Annotated[int, Says("R61", "“实施后及时录入”的期限（天）")] = 30
    access_log_days: Annotated[int, Says("R63", "查询记录最少保存的天数")] = 1_096
    unmatched_declared_days: Annotated[
        int, Says("R65", "未比中的亲属信息失效（更正、离任）后保存的天数")
    ] = 365
    unmatched_item_days: Annotated[int, Says("R65", "未比中的受益人信息在事项完成后保存的天数")] = (
        1_096
    )
    request_days: Annotated[int, Says("R65", "答复个人查询、更正请求的期限（天）")] = 30

    def __post_init__(self) -> None:
        if not self.version or len(self.version) > 64 or not self.version.isprintable():
            raise ValueError("version has 1 to 64 printable characters")
        for reading in self.readings():
            _check_range(reading)
        if not (self.pre_required or self.post_required):
            raise ValueError("pre_required or post_required (R61)")

    def readings(self) -> tuple[Reading, ...]:
        """All readings, in the order of the rules, for the rules' document and for people to read."""
        hints = get_type_hints(RuleSet, include_extras=True)
        said = {name: hint.__metadata__[0] for name, hint in hints.items() if _is_reading(hint)}
        return tuple(
            Reading(says.rule, name, getattr(self, name), says.meaning_zh)
            for name, says in said.items()
        )


@dataclass(frozen=True)
class Reading:
    """One setting of a rule set: its rule, its field, its value and what it means in Chinese."""

    rule: str
    name: str
    value: bool | int | date | StrEnum
    meaning_zh: str


@dataclass(frozen=True)
class RuleSets:
    """All versions, oldest first (R62). ValueError where two share a version or a first day."""

    versions: tuple[RuleSet, ...]

    def __post_init__(self) -> None:
        starts = [rules.effective_from for rules in self.versions]
        names = {rules.version for rules in self.versions}
        if not starts or starts != sorted(set(starts)) or len(names) != len(starts):
            raise ValueError("versions are in order, each with a name and a first day of its own")

    def on(self, day: date) -> RuleSet:
        """The version in force on ``day`` (R62). RuleViolation where none is yet."""
        in_force = [rules for rules in self.versions if rules.effective_from <= day]
        if not in_force:
            raise RuleViolation(
                "R62",
                f"no rule set is in force on {day}; the first begins on "
                f"{self.versions[0].effective_from}",
                f"{day}尚无生效的规则版本，最早的版本自{self.versions[0].effective_from}起生效",
            )
        return in_force[-1]

    def get(self, version: str) -> RuleSet:
        """The version that a matter kept (R62). RuleViolation where it is not among the data."""
        for rules in self.versions:
            if rules.version == version:
                return rules
        raise RuleViolation(
            "R62",
            "a matter keeps a version of the rules that the data file lacks; versions are added, "
            "never removed",
            "该事项所依据的规则版本不在规则数据中；规则版本只能增加，不能删除，请恢复该版本",
        )


def load_rulesets(text: str) -> RuleSets:
    """The versions in a TOML text of ``[[ruleset]]`` tables. Raises RuleDataError naming the key.

    Every reading must be written out: a default that changes in the code must not change what an
    old version says.
    """
    entries = parse_entries(text, "ruleset", "version")
    try:
        return RuleSets(tuple(_ruleset(entry) for entry in entries))
    except ValueError as error:
        raise RuleDataError(f"ruleset: {error}", f"规则版本的顺序或名称有误：{error}") from None


def packaged_rulesets() -> RuleSets:
    """The versions shipped with this release."""
    return load_rulesets(packaged_text("ruleset.toml"))


def _ruleset(entry: Entry) -> RuleSet:
    hints = get_type_hints(RuleSet)
    entry.allow(f.name for f in fields(RuleSet))
    values: dict[str, Any] = {f.name: _value(entry, f.name, hints[f.name]) for f in fields(RuleSet)}
    try:
        return RuleSet(**values)
    except ValueError as error:
        raise entry.refuse(str(error), f"取值超出范围：{error}") from None


def _value(entry: Entry, key: str, kind: type) -> object:
    if issubclass(kind, bool):
        return entry.flag(key)
    if issubclass(kind, int):
        return entry.whole(key)
    if issubclass(kind, date):
        return entry.day(key)
    return entry.word(key, kind) if issubclass(kind, StrEnum) else entry.text(key)


def _is_reading(hint: object) -> bool:
    return get_origin(hint) is Annotated and isinstance(get_args(hint)[1], Says)


def _check_range(reading: Reading) -> None:
    if isinstance(reading.value, bool) or not isinstance(reading.value, int):
        return
    least, most = _RANGES.get(reading.name, (1, _MOST_DAYS))
    if not least <= reading.value <= most:
        raise ValueError(f"{reading.name} is {least} to {most} ({reading.rule})")


_RANGES: dict[str, tuple[int, int]] = {
    "mask_below_age": (14, 18),  # the notice's guard may be stricter, never looser
    "publication_days": (7, 365),  # 「公示期7天」
    "export_days_after_end": (0, 365),
    "objection_days_after_end": (0, 365),
    "unit_check_percent": (30, 100),  # 「不低于30%」
    "district_check_percent": (10, 100),  # 「不低于10%」
    "change_report_days": (1, 30),  # 「应在变化后30日内」
}
