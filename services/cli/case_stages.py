"""How far a case has come, in neutral words for officers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.inspector.peers.desk import CaseLine

_APPROVER = "SIDE_BENEFICIARY"
_STAGE_ZH = {
    "CASE_STAGE_COMPLIANT": "核查合规",
    "CASE_STAGE_NOT_COMPLIANT": "核查不合规",
    "CASE_STAGE_POSTED": "公示中",
    "CASE_STAGE_COMPLETED": "公示期满",
    "CASE_STAGE_TAKEN_DOWN": "公示已撤下",
    "CASE_STAGE_OBJECTED": "有异议",
    "CASE_STAGE_OBJECTION_CLOSED": "异议已办结",
}


def stages_zh(case: CaseLine) -> str:
    """What each unit reported last, the approving unit first; empty where nothing is to be done yet.

    As long as the approving unit reported nothing, a case that was sent out waits for its verification.
    """
    if case.status != "CASE_STATUS_RELEASED" and not case.stages:
        return ""
    ordered = sorted(case.stages, key=lambda line: line.side != _APPROVER)
    told = [f"{case.show_unit(line.unit)}{_STAGE_ZH.get(line.stage, '已报告')}" for line in ordered]
    if not any(line.side == _APPROVER for line in case.stages):
        told.insert(0, "待核查")
    return "；".join(told)
