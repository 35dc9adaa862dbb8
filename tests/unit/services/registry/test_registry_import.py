"""Importing declarations: what is new, changed, unchanged; what is told; all or nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from libmatch.relations import Relation
from services.chassis.sheets import Position, SheetError
from services.holder.imports import Imported
from services.holder.references import new_ref
from services.process.store.trail import Trail
from services.registry.declaration_records import Declaration, Official, Pledge, Relative
from services.registry.entries import ImportPlan, RelativeStatus
from services.registry.import_plan import plan_import
from services.registry.store import Store
from tests.district import NOW, person
from tests.unit.services.registry.conftest import CLERK, Registry
from tests.unit.services.registry.sheets_of_declarations import OFFICIAL, row, sheet

Done = Imported | ImportPlan


def counts(done: Done) -> tuple[int, int, int]:
    return (done.new, done.changed, done.unchanged)


def told(done: Done, part: str) -> list[int]:
    """The rows whose notices contain ``part``."""
    return [notice.row for notice in done.notices if part in notice.text]


def test_official_and_relatives_are_entered_and_the_worker_is_woken(registry: Registry) -> None:
    done = registry.take(sheet(row(person(1)), row(person(2), "李小某", "子女")))
    assert counts(done) == (3, 0, 0)
    assert registry.statuses() == dict.fromkeys(("王某", "李某", "李小某"), RelativeStatus.ENTERED)
    assert registry.listed()[0].relatives[0][0].relation is Relation.SELF
    assert len(registry.woken) == 1


def test_same_file_again_changes_nothing(registry: Registry) -> None:
    data = sheet(row(person(1)), row(None, "张某", "子女"))
    registry.take(data)
    before = registry.listed()
    again = registry.take(data)
    assert counts(again) == (0, 0, 3)
    assert [o.relatives for o in registry.listed()] == [o.relatives for o in before]
    assert registry.pending() == 2


def test_refused_rows_do_not_keep_good_rows_out(registry: Registry) -> None:
    done = registry.take(sheet(row(person(1)), row(person(2), "表亲", "侄子")))
    assert done.report.tally.refused == 1
    assert set(registry.statuses()) == {"王某", "李某"}


def test_relative_without_a_number_is_kept_and_never_sealed(registry: Registry) -> None:
    registry.take(sheet(row(None)))
    assert registry.statuses()["李某"] is RelativeStatus.ID_UNKNOWN
    assert registry.pending() == 1  # the official


def test_number_that_arrives_later_completes_the_same_relative(registry: Registry) -> None:
    registry.take(sheet(row(None)))
    ref = registry.ref_of("李某")
    assert counts(registry.take(sheet(row(person(1))))) == (0, 1, 1)
    assert registry.ref_of("李某") == ref
    assert registry.statuses()["李某"] is RelativeStatus.ENTERED
    assert registry.pending() == 2


def test_known_number_is_not_lost_to_a_later_blank(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    done = registry.take(sheet(row(None)))
    assert done.new == 0
    assert registry.statuses()["李某"] is RelativeStatus.ENTERED


def test_other_number_of_the_same_name_and_relation_is_a_new_relative_and_told(
    registry: Registry,
) -> None:
    registry.take(sheet(row(person(1))))
    done = registry.take(sheet(row(person(2))))
    assert done.new == 1
    assert told(done, "另一证件号码") == [2]
    assert told(done, "1名不在本表中") == [2]
    assert registry.pending() == 3


def test_other_relation_of_the_same_person_is_a_new_relative_and_told(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    done = registry.take(sheet(row(person(1), relation="本人的兄弟姐妹")))
    assert done.new == 1
    assert told(done, "另一亲属关系") == [2]


def test_relative_missing_from_a_later_file_stays_and_is_told(registry: Registry) -> None:
    registry.take(sheet(row(person(1)), row(person(2), "李小某", "子女")))
    done = registry.take(sheet(row(person(1))))
    assert told(done, "1名不在本表中") == [2]
    assert registry.statuses()["李小某"] is RelativeStatus.ENTERED


def test_blank_cells_never_erase_what_was_declared(registry: Registry) -> None:
    registry.take(sheet(row(person(1), 亲属手机号码="13983000000")))
    assert counts(registry.take(sheet(row(person(1), 报告人职务="")))) == (0, 0, 2)
    (official,) = registry.listed()
    assert official.official.post == "科长"
    assert official.relatives[1][0].phone == "13983000000"


def test_unsealed_field_is_updated_without_a_new_record(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    registry.accept_all()
    done = registry.take(sheet(row(person(1), 亲属单位="某公司")))
    assert counts(done) == (0, 1, 1)
    assert registry.statuses()["李某"] is RelativeStatus.ACCEPTED


def test_changed_name_of_a_relative_is_a_correction(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    registry.accept_all()
    assert counts(registry.take(sheet(row(person(1), "李某某")))) == (0, 1, 1)
    assert registry.statuses()["李某某"] is RelativeStatus.ENTERED
    assert registry.statuses()["王某"] is RelativeStatus.ACCEPTED


def test_changed_post_of_the_official_corrects_every_record_of_his(registry: Registry) -> None:
    registry.take(sheet(row(person(1)), row(person(2), "李小某", "子女")))
    registry.accept_all()
    done = registry.take(sheet(row(person(1), 报告人职务="副局长")))
    assert done.changed == 3  # also the relative whom this file leaves out
    assert set(registry.statuses().values()) == {RelativeStatus.ENTERED}


def test_changed_phone_of_the_official_is_counted_and_corrects_nothing(
    registry: Registry,
) -> None:
    registry.take(sheet(row(person(1))))
    registry.accept_all()
    assert counts(registry.take(sheet(row(person(1), 报告人手机号码="13983000001")))) == (0, 1, 1)
    assert set(registry.statuses().values()) == {RelativeStatus.ACCEPTED}


def test_new_official_with_the_name_of_another_is_told(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    done = registry.take(sheet(row(person(2), official=person(900_002))))
    assert told(done, "同名报告人") == [2]
    assert len(registry.listed()) == 2


def test_one_person_declared_by_two_officials_is_two_records(registry: Registry) -> None:
    data = sheet(row(person(1)), row(person(1), official=person(900_002), official_name="赵某"))
    assert registry.take(data).new == 4


def test_kind_outside_the_epoch_is_kept_and_told(registry: Registry) -> None:
    registry.kinds = (1,)
    headings = {"亲属身份证号码": "E12345678", "亲属证件类型": "护照"}
    data = sheet(row(person(1)) | headings, headings=(*row(None), "亲属证件类型"))
    done = registry.take(data)
    assert done.report.problems == ()
    assert told(done, "证件类型不在本期比对范围") == [0]


def test_file_that_cannot_be_used_leaves_only_its_trail(registry: Registry) -> None:
    with pytest.raises(SheetError):
        registry.take(b"<html>not a sheet</html>", "a.xls")
    assert registry.listed() == []
    assert registry.trail()[0].outcome == "file refused"
    assert registry.woken == []


def test_import_that_fails_at_its_end_keeps_nothing(registry: Registry) -> None:
    def fail(_: object) -> str:
        raise RuntimeError("the disk went away")

    declaration = make_declaration(Pledge("王某", date(2026, 3, 1)))
    with pytest.raises(RuntimeError):
        Store(registry.database).run_import(
            [OFFICIAL],
            ["王某"],
            lambda known: plan_import([declaration], known, new_ref),
            Trail(NOW, CLERK, "import-declarations"),
            fail,
        )
    assert registry.listed() == []
    assert registry.pending() == 0


def test_trail_names_clerk_and_counts_and_nobody(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    entry = registry.trail()[0]
    assert entry.actor == "spiffe://fuling/clerk/reg-a/li"
    assert entry.outcome == "new 2, changed 0, unchanged 0; rows taken 1, refused 0"
    everything = "".join(map(str, vars(entry).values()))
    assert "王某" not in everything
    assert "申报表" not in everything


# --- pledge (R19) ---------------------------------------------------------------------------------


def make_declaration(pledge: Pledge | None, relative_name: str = "李某") -> Declaration:
    place = Position("表", 3)
    texts: dict[str, Any] = {
        "political": "",
        "unit": "某局",
        "post": "科长",
        "household": "",
        "phone": "",
    }
    official = Official(
        identifier=OFFICIAL, name="王某", sex=None, rank="", work="", discipline=None,
        position=place, **texts,
    )  # fmt: skip
    relative = Relative(
        identifier=person(1), name=relative_name, sex=None, relation=Relation.SPOUSE,
        remark="", position=place, **texts,
    )  # fmt: skip
    return Declaration(official, (relative,), pledge, "", place)


SIGNED = Pledge("王某", date(2026, 3, 1))
UNSIGNED = Pledge("", None)


def take(registry: Registry, declaration: Declaration) -> ImportPlan:
    return registry.store.run_import(
        [declaration.official.identifier],
        [declaration.official.name],
        lambda known: plan_import([declaration], known, new_ref),
        Trail(NOW, CLERK, "import-declarations"),
        lambda _: "ok",
    )


def test_unsigned_declaration_is_kept_and_not_sealed(registry: Registry) -> None:
    take(registry, make_declaration(UNSIGNED))
    assert registry.pending() == 0
    assert registry.statuses()["李某"] is RelativeStatus.ENTERED


def test_change_of_an_unsigned_declaration_is_kept_and_not_sealed(registry: Registry) -> None:
    take(registry, make_declaration(UNSIGNED))
    take(registry, make_declaration(UNSIGNED, "李改名"))
    assert "李改名" in registry.statuses()
    assert registry.pending() == 0


def test_signature_that_arrives_later_lets_everything_be_sealed(registry: Registry) -> None:
    take(registry, make_declaration(UNSIGNED))
    take(registry, make_declaration(None))  # a flat table has no place for a pledge
    assert registry.pending() == 0
    assert counts(take(registry, make_declaration(SIGNED))) == (0, 2, 0)
    assert registry.pending() == 2


def test_unsigned_change_of_a_signed_declaration_is_not_taken(registry: Registry) -> None:
    take(registry, make_declaration(SIGNED))
    done = take(registry, make_declaration(UNSIGNED, "李改名"))
    assert counts(done) == (0, 0, 2)
    assert told(done, "没有签字") == [3]
    assert "李改名" not in registry.statuses()
