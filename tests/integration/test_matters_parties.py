"""Parties that come late or leave, and a new epoch: everybody comes to the same matter, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.cli.exits import Exit
from services.cli.peers.matters import MatterLine
from tests.chassis_pki import Pki
from tests.district import person
from tests.matters_site import CASE, MattersSite

HOTLINES = ("--hotline", "某镇纪委=023-72800000", "--hotline", "某局=12388")
WHO = person(31)
NAMES = {"reg-a": "测试单位reg-a", "reg-b": "测试单位reg-b"}


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Iterator[MattersSite]:
    with MattersSite(tmp_path, pki, registry=("reg-a", "reg-b")) as site:
        site.declare("reg-a", WHO)
        site.list_item("ben-a", WHO, "A-1")
        site.sync()
        site.release()
        site.sync()
        yield site


def shown(site: MattersSite, unit: str) -> MatterLine:
    """Without what is the unit's own: how much it has sent, and its own completions."""
    line = site.client(unit, "li").show(CASE)
    steps = tuple(step for step in line.steps if step.event != "公示期满")
    return replace(line, version=0, steps=steps, item_name="", place="", item_ref="", start="")


def conclude(site: MattersSite) -> None:
    assert site.run("ben-a", "wang", "take", CASE.hex()) == Exit.OK
    grounds = ("--grounds", "对照政策核对")
    assert site.run("ben-a", "li", "outcome", CASE.hex(), "合规", *grounds) == Exit.OK


def join(site: MattersSite) -> None:
    """reg-b declares the same person of the same official, and is notified."""
    site.declare("reg-b", WHO)
    site.sync("reg-b")
    site.release(to=("reg-b",))
    site.sync()
    site.sync()


def test_R10_R36_a_unit_that_declares_later_has_every_earlier_step_once(site: MattersSite) -> None:
    conclude(site)
    assert site.run("ben-a", "li", "post", CASE.hex(), *HOTLINES) == Exit.OK
    site.sync()
    join(site)
    lines = {unit: shown(site, unit) for unit in site.sides}
    assert lines["reg-b"].state == "MATTER_STATE_PUBLISHING"
    assert lines["reg-a"] == lines["ben-a"] == lines["reg-b"]
    assert lines["ben-a"].declaring_units == (NAMES["reg-a"], NAMES["reg-b"])
    refs = {unit: site.client(unit, "li").show(CASE).item_ref for unit in site.sides}
    assert refs == {"reg-a": "", "reg-b": "", "ben-a": "A-1"}  # the approving unit's own number
    reports = len(list(site.listed_reports()))
    site.sync()
    site.sync()
    assert len(list(site.listed_reports())) == reports  # nothing is told twice
    assert (
        site.run("reg-b", "li", "post", CASE.hex(), *HOTLINES) == Exit.SERVICE
    )  # reg-a posts: R43
    assert site.run("reg-a", "li", "post", CASE.hex(), *HOTLINES) == Exit.OK
    site.sync()
    site.clock.moment += timedelta(days=8)
    site.sync()
    assert {shown(site, unit).state for unit in site.sides} == {"MATTER_STATE_PUBLISHED"}
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_CLEAR"


def test_R37_R43_when_the_first_declaring_unit_withdraws_the_next_one_posts(
    site: MattersSite,
) -> None:
    join(site)
    conclude(site)
    site.sync()
    site.withdraw_all("reg-a")
    site.sync()
    assert shown(site, "reg-b").declaring_units == (NAMES["reg-b"],)
    assert shown(site, "ben-a").state == "MATTER_STATE_COMPLIANT"
    for unit in ("ben-a", "reg-b"):
        assert site.run(unit, "li", "post", CASE.hex(), *HOTLINES) == Exit.OK
        site.sync("ben-a", "reg-b")
    site.clock.moment += timedelta(days=8)
    site.sync()
    assert shown(site, "reg-b").state == "MATTER_STATE_PUBLISHED"
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_CLEAR"
    assert shown(site, "ben-a").steps_unsent == 0


def test_R37_a_withdrawn_matter_is_revived_by_a_new_hit_and_verified_anew(
    site: MattersSite,
) -> None:
    conclude(site)
    site.sync()
    site.withdraw_all("reg-a")
    site.sync()
    assert {shown(site, unit).state for unit in ("reg-a", "ben-a")} == {"MATTER_STATE_WITHDRAWN"}
    site.declare("reg-a", WHO)
    site.sync("reg-a")
    site.release()
    site.sync()
    assert {shown(site, unit).state for unit in ("reg-a", "ben-a")} == {"MATTER_STATE_NOTIFIED"}
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_HOLD"
    assert shown(site, "ben-a").steps_unsent == 0


def test_R40_what_an_epoch_left_unsent_or_unread_goes_on_in_the_next_one(site: MattersSite) -> None:
    assert site.run("ben-a", "wang", "take", CASE.hex()) == Exit.OK
    site.sync("ben-a")  # reg-a has not read it when the epoch ends
    site.stop("matcher")
    grounds = ("--grounds", "对照政策核对")
    assert site.run("ben-a", "li", "outcome", CASE.hex(), "合规", *grounds) == Exit.OK  # unsent
    site.turn_epoch()
    site.sync()
    assert shown(site, "ben-a").steps_unsent == 1  # no hit of the new epoch is in the case yet
    site.release()
    site.sync()
    lines = {unit: shown(site, unit) for unit in ("reg-a", "ben-a")}
    assert lines["reg-a"] == lines["ben-a"]
    assert lines["reg-a"].state == "MATTER_STATE_COMPLIANT"
    assert lines["reg-a"].reports_not_believed == lines["ben-a"].steps_unsent == 0
