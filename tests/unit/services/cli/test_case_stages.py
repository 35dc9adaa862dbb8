"""How far a case has come, in words that accuse nobody."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from services.cli.case_stages import stages_zh
from services.inspector.peers.desk import CaseLine, StageLine

BEN, REG = "SIDE_BENEFICIARY", "SIDE_REGISTRY"


def case(*stages: StageLine, status: str = "CASE_STATUS_RELEASED") -> CaseLine:
    """A case about nobody, of units of which the roster knows one."""
    blank: dict[str, Any] = {field.name: "" for field in fields(CaseLine)}
    names = {"ben-a": "区丙局"}
    return CaseLine(**{**blank, "status": status, "stages": stages, "unit_names": names})


def line(unit: str, side: str, stage: str) -> StageLine:
    return StageLine(unit, side, f"CASE_STAGE_{stage}", 1)


def test_R38_a_case_that_was_sent_out_waits_for_its_verification() -> None:
    assert stages_zh(case()) == "待核查"
    assert stages_zh(case(line("reg-a", REG, "OBJECTED"))) == "待核查；reg-a有异议"


@pytest.mark.parametrize("status", ["CASE_STATUS_OPENED", "CASE_STATUS_WITHDRAWN"])
def test_a_case_that_was_not_sent_out_waits_for_nobody(status: str) -> None:
    assert stages_zh(case(status=status)) == ""


def test_R40_the_approving_unit_comes_first() -> None:
    stages = (line("reg-a", REG, "POSTED"), line("ben-a", BEN, "COMPLIANT"))
    assert stages_zh(case(*stages)) == "区丙局（ben-a）核查合规；reg-a公示中"
    assert stages_zh(case(line("ben-a", BEN, "NOT_COMPLIANT"))) == "区丙局（ben-a）核查不合规"
    assert stages_zh(case(line("ben-a", BEN, "COMPLETED"))) == "区丙局（ben-a）公示期满"


def test_a_stage_of_a_later_version_is_said_neutrally() -> None:
    assert stages_zh(case(StageLine("ben-a", BEN, "", 1))) == "区丙局（ben-a）已报告"
