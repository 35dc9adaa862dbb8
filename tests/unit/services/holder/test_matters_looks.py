"""Looks at matters: who, why, in the trail also where they are refused; and what a round has to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session, select

from services.chassis.audit import entries
from services.chassis.identity import Identity
from services.chassis.refusals import NotFound
from services.holder.matters.looking import Looks
from services.holder.matters.posted import ExportNotices, Form
from services.holder.matters.showing import ShowMatters
from services.holder.store import matters as store
from services.holder.tables import EntryRow, MatterRow
from services.process.entries import Entry, decode_body
from services.rules.matter_facts import Actor, State
from services.rules.roles import Action, require
from services.rules.ruleset import packaged_rulesets
from services.rules.violation import RuleViolation
from tests.chassis_pki import Pki
from tests.district import District
from tests.unit.services.holder.bench import make_material
from tests.unit.services.holder.matters_bench import (
    CASE,
    FACTS,
    ROLES,
    Office,
    Scene,
    opened,
    post,
    verify,
)

RULES = packaged_rulesets()


@pytest.fixture
def scene(tmp_path: Path, pki: Pki, district: District) -> Iterator[Scene]:
    with opened(Scene(tmp_path, pki, district)) as scene:
        yield scene


def publish(scene: Scene) -> None:
    verify(scene)
    post(scene, scene.approver)
    post(scene, scene.declarer)
    scene.pass_days(8)
    scene.round()
    assert scene.states() == (State.PUBLISHED, State.PUBLISHED)


def strict(scene: Scene) -> Looks:
    """As where administrators are configured: accounts, and a reason for every look."""

    def actor_of(identity: Identity, action: Action) -> Actor:
        require({ROLES[identity.login]} if identity.login in ROLES else (), action)
        return Actor(identity.login, "", identity.name, ROLES[identity.login])

    def look_reason(reason: str) -> str:
        if not reason:
            raise RuleViolation("R63", "state why", "请填写理由")
        return reason

    return Looks(scene.declarer.database, actor_of, look_reason)


def trail(office: Office) -> list[tuple[str, str, str, str]]:
    found = office.database.read(lambda session: list(entries(session)))
    return [(one.action, one.subject, one.reason, one.outcome) for one in found]


def test_R63_every_look_leaves_a_line_also_one_that_is_refused(
    scene: Scene, district: District
) -> None:
    material, looks, unit = make_material(district), strict(scene), scene.declarer
    show = ShowMatters(unit.database, material, RULES, looks, lambda *_: FACTS, scene.now)
    export = ExportNotices(looks, material, RULES, scene.now)
    begun = len(trail(unit))
    assert show.get(unit.who("li"), CASE, "核对办理情况").matter.matter_id == CASE
    refused: list[tuple[type[Exception], Callable[[], object]]] = [
        (RuleViolation, lambda: show.get(unit.who("nobody"), CASE, "好奇")),
        (RuleViolation, lambda: show.list(unit.who("li"), [], overdue=False)),
        (NotFound, lambda: show.get(unit.who("li"), bytes(16), "核对办理情况")),
        (RuleViolation, lambda: export.run_all(unit.who("nobody"), Form.HTML, "好奇")),
    ]
    for error, look in refused:
        with pytest.raises(error):
            look()
    assert trail(unit)[begun:] == [
        ("show-matter", CASE.hex(), "核对办理情况", "ok"),
        ("show-matter", CASE.hex(), "", "refused R35"),
        ("list-matters", "", "", "refused R63"),
        ("show-matter", bytes(16).hex(), "", "refused NOT_FOUND"),
        ("export-notices", "", "", "refused R35"),
    ]


def test_R46_R65_public_copies_go_when_their_time_is_over(scene: Scene) -> None:
    verify(scene)
    post(scene, scene.approver)
    post(scene, scene.declarer)
    unit = scene.declarer
    export, li = unit.office.export, unit.who("li")
    assert "乙某" in export.run(li, Form.HTML, CASE)
    assert len(export.run_all(li, Form.JSON)) == 1
    scene.pass_days(8)
    scene.round()
    assert export.run_all(li, Form.JSON) == {}
    with pytest.raises(RuleViolation) as expired:
        export.run(li, Form.HTML, CASE)
    assert expired.value.rule == "R46"
    assert contents(unit) != [""]  # an objection may still come
    scene.pass_days(7)
    scene.round()
    assert contents(unit) == contents(scene.approver) == [""]
    assert "deleted-entry" in export.run(li, Form.ATOM, b"")
    scene.pass_days(31)
    assert "deleted-entry" not in export.run(li, Form.ATOM, b"")
    assert unit.matter.postings[0].digest  # that it was posted stays


def contents(office: Office) -> list[str]:
    return [row[0] for row in rows(office, "SELECT content FROM public_notice")]


def rows(office: Office, sql: str) -> list[tuple[Any, ...]]:
    return office.database.read(lambda session: [tuple(r) for r in session.execute(sa.text(sql))])


class Reading:
    """What was asked of the database."""

    statements = 0
    entries = 0


@contextmanager
def counted() -> Iterator[Reading]:
    reading = Reading()

    def statement(*_: object) -> None:
        reading.statements += 1

    def entry(*_: object) -> None:
        reading.entries += 1

    sa.event.listen(Engine, "before_cursor_execute", statement)
    sa.event.listen(EntryRow, "load", entry)
    try:
        yield reading
    finally:
        sa.event.remove(Engine, "before_cursor_execute", statement)
        sa.event.remove(EntryRow, "load", entry)


def copy_closed(office: Office, count: int) -> None:
    """``count`` more cases like the published one."""

    def run(session: Session) -> None:
        row = session.get_one(MatterRow, CASE).model_dump()
        bodies = [decode_body(one.body) for one in session.exec(select(EntryRow))]
        made = [one for one in bodies if isinstance(one, Entry)]
        for number in range(count):
            case_id = number.to_bytes(16, "big")
            session.add(MatterRow(**row | {"case_id": case_id}))
            for entry in made:
                copy = replace(entry, case_id=case_id)
                session.add(
                    EntryRow(
                        case_id=case_id,
                        unit=copy.unit,
                        side=int(copy.side),
                        seq=copy.seq,
                        at=copy.at,
                        body=copy.encode(),
                    )
                )
        session.flush()
        store.refresh_state(session, case_id, RULES)

    office.database.run_tx("copy", run)


def test_R39_what_a_round_and_a_list_read_does_not_grow_with_closed_matters(scene: Scene) -> None:
    publish(scene)
    unit = scene.approver
    scene.time += timedelta(days=8)
    scene.round()

    def read() -> tuple[int, int]:
        with counted() as reading:
            unit.sync.run_in_background()
            unit.office.show.list(unit.who("li"), [State.NOTIFIED, State.VERIFYING], overdue=False)
        return reading.statements, reading.entries

    few = read()
    copy_closed(unit, 300)
    assert rows(unit, "SELECT count(*) FROM matter WHERE state = 'PUBLISHED'") == [(301,)]
    assert read() == few
    assert few[1] == 0
