"""Letters of a unit: to whom, when, how large, and which of others are believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.consistency import (
    Claim,
    Details,
    Route,
    derive_consistency_key,
    pack_claims,
)
from libmatch.errors import ServiceError
from tests.district import person
from tests.letters import make_letter, sign_letter
from tests.unit.services.registry.consistency_bench import (
    LI,
    SIBLING,
    UNIT_B,
    WANG,
    ZHAO,
    Cross,
    bodies,
    hand_over,
    letters,
    li,
    wang,
)
from tests.unit.services.registry.sheets_of_declarations import row


@pytest.fixture
def cross(tmp_path: Path) -> Iterator[Cross]:
    with Cross(tmp_path) as cross:
        yield cross


@pytest.fixture
def found(cross: Cross) -> Cross:
    """reg-a told reg-b of 王某, whom 李某 does not declare."""
    cross["reg-a"].declare(wang())
    cross["reg-b"].declare(li())
    cross.rounds()
    return cross


class TestLetters:
    def test_everybody_gets_one_whatever_there_is_to_tell(self, cross: Cross) -> None:
        cross["reg-a"].declare(wang())
        cross["reg-c"].declare(row(ZHAO, official=person(8), official_name="周某"))
        for unit in cross.units.values():
            unit.office.desk.run(unit.clerk)
        sent = letters(cross)
        assert {(one["sender"], one["recipient"]) for one in sent} == {
            (a, b) for a in cross.units for b in cross.units if a != b
        }

    def test_what_the_matcher_keeps_does_not_depend_on_the_declarations(
        self, tmp_path: Path
    ) -> None:
        kept = []
        for number, count in enumerate((0, 1, 32)):
            (tmp_path / str(number)).mkdir()
            with Cross(tmp_path / str(number)) as cross:
                rows = [
                    row(
                        person(200 + i),
                        f"钱{chr(0x4E00 + i)}",
                        "子女",
                        official=WANG,
                        official_name="王某",
                    )
                    | {"亲属单位": UNIT_B}
                    for i in range(count)
                ]
                cross["reg-a"].declare(row(ZHAO, official=WANG, official_name="王某"), *rows)
                cross["reg-a"].round()
                told = ("sender", "recipient", "seq", "accepted_at", "leaf_index", "size")
                kept.append([[one[name] for name in told] for one in letters(cross)])
        assert kept[0] == kept[1] == kept[2]
        assert len(kept[0]) == 2

    def test_the_matcher_holds_no_plaintext(self, found: Cross) -> None:
        found.matcher.database.close()
        stored = found.matcher.path.read_bytes()
        found.matcher.open()
        for word in ("王某", "李某", "某局", WANG.idn, LI.idn):
            for encoding in ("utf-8", "utf-16-le", "gb18030"):
                assert word.encode(encoding) not in stored
        assert b"log-letter" in stored

    def test_what_was_taken_in_is_gone_from_the_matcher(self, found: Cross) -> None:
        for unit in found.units:
            assert found.matcher.use.letters.fetch(unit, 0, 10) == []

    def test_without_change_letters_are_made_once_a_week_with_it_once_a_day(
        self, cross: Cross
    ) -> None:
        unit = cross["reg-a"]
        unit.declare(wang())
        unit.round()
        unit.declare(wang(), row(ZHAO, official=WANG, official_name="王某"))
        unit.round()
        assert len(letters(cross)) == 2
        cross.clock.moment += timedelta(days=1)
        unit.round()
        assert len(letters(cross)) == 4
        cross.clock.moment += timedelta(days=6, hours=23)
        unit.round()
        assert len(letters(cross)) == 4
        cross.clock.moment += timedelta(hours=1)
        unit.round()
        assert len(letters(cross)) == 6

    def test_a_unit_without_declarations_writes_to_nobody_by_itself(self, cross: Cross) -> None:
        cross.rounds(1)
        assert letters(cross) == []

    def test_what_cannot_be_sent_waits_as_it_was_sealed(self, cross: Cross) -> None:
        unit = cross["reg-a"]
        unit.declare(wang())
        unit.post.down = ServiceError("UNAVAILABLE", "", "no route", "")
        unit.round()
        state = unit.office.desk.state()
        assert (state.waiting, state.last and state.last.letters) == (2, 2)
        waiting = bodies(unit)
        unit.post.down = None
        unit.round()
        assert unit.office.desk.state().waiting == 0
        assert sorted(one["body"] for one in letters(cross)) == sorted(waiting)

    def test_a_forged_or_stale_letter_changes_nothing(self, found: Cross) -> None:
        unit, district = found["reg-b"], found.district
        before = unit.findings(decided=True)
        forged = [
            make_letter(district, "reg-a", "reg-b", 1),  # older than what was heard
            make_letter(district, "reg-a", "reg-b", 1 << 62, signer="reg-c"),
            make_letter(district, "reg-a", "reg-b", 1 << 62),  # does not open
            make_letter(district, "reg-a", "reg-c", 1 << 62),
            sign_letter(
                district,
                replace(make_letter(district, "reg-a", "reg-b", 1 << 62), epoch=bytes(32)),
                "reg-a",
            ),
        ]
        assert hand_over(unit, *forged) == [len(forged)]
        assert unit.findings(decided=True) == before
        found.clock.moment += timedelta(days=7)  # an honest one is still heard afterwards
        found["reg-a"].withdraw("王某", "李某")
        found["reg-a"].round()
        unit.round()
        assert unit.findings() == []

    def test_a_letter_that_another_unit_wrote_in_its_name_is_not_believed(
        self, cross: Cross
    ) -> None:
        """reg-c has the epoch's key and knows 李某; it lacks reg-a's signing key."""
        cross["reg-b"].declare(li())
        district, unit = cross.district, cross["reg-b"]
        for signer, believed in (("reg-c", False), ("reg-a", True)):
            key = derive_consistency_key(district.suite, district.holder("reg-c").key)
            claim = Claim(LI, Details(bytes(32), "王某", "某局", "科长", SIBLING))
            body = pack_claims(district.suite, key, Route("reg-a", "reg-b", 5), [claim])
            letter = make_letter(district, "reg-a", "reg-b", 5, body=body, signer=signer)
            hand_over(unit, letter)
            assert bool(unit.findings()) is believed

    def test_an_old_letter_that_the_matcher_hands_out_again_opens_nothing_anew(
        self, cross: Cross
    ) -> None:
        unit = cross["reg-b"]
        cross["reg-a"].declare(wang())
        unit.declare(li())
        cross["reg-a"].round()
        (old,) = cross.matcher.use.letters.fetch("reg-b", 0, 10)
        unit.round()
        cross["reg-a"].withdraw("王某", "李某")
        cross.clock.moment += timedelta(days=1)
        cross.rounds()
        assert unit.findings() == []
        hand_over(unit, old.letter)
        assert unit.findings() == []

    def test_units_that_keep_silent_are_named(self, found: Cross) -> None:
        assert found["reg-a"].office.desk.state().silent == ("测试单位reg-c",)
        found.clock.moment += timedelta(days=15)
        assert set(found["reg-a"].office.desk.state().silent) == {UNIT_B, "测试单位reg-c"}
