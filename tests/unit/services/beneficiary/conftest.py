"""A beneficiary service without its server: store and use cases over a real database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.identifiers import Identifier
from services.beneficiary.app import VERSIONS
from services.beneficiary.entries import ListedItem, PersonStatus
from services.beneficiary.import_sheet import ImportSheet, ImportTerms
from services.beneficiary.lists import ListKind
from services.beneficiary.store import Store
from services.beneficiary.store.lists import ListStore
from services.beneficiary.withdraw import Withdraw
from services.chassis.audit import AuditEntry, entries, verify_trail
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.holder.imports import Imported
from services.holder.store import records
from services.process.store.trail import Trail
from services.rules.catalogue import Catalogue, packaged_catalogue
from services.rules.ruleset import packaged_rulesets
from tests.district import NOW, person

CLERK = Identity("fuling", "clerk", "ben-a", "li")
HEADINGS = (
    *("编号", "姓名", "身份证号码", "项目名称", "资金名称", "金额（元）", "地点", "发放时间"),
    *("承建单位", "统一社会信用代码", "法定代表人", "法定代表人身份证号码", "备注"),
)


def row(
    who: Identifier | None = None, ref: str = "MZ-2026-001", name: str = "李某", **cells: str
) -> dict[str, str]:
    """One row; ``cells`` overrides by heading."""
    values = {
        "编号": ref,
        "姓名": name,
        "身份证号码": (who or person(1)).idn,
        "项目名称": "危房改造",
        "资金名称": "住房补助",
        "金额（元）": "1200.50",
        "地点": "某村",
        "发放时间": "2026-03-01",
    }
    return values | cells


def sheet(*rows: Mapping[str, str], headings: Sequence[str] = HEADINGS) -> bytes:
    """The CSV of ``rows``, UTF-8 with BOM as spreadsheets write it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, headings, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


@dataclass
class Unit:
    """``woken`` counts how often the worker was woken. ``must_sign``: the unit has administrators."""

    database: Database
    kinds: tuple[int, ...] = (1, 2, 3, 4)
    catalogue: Catalogue = field(default_factory=packaged_catalogue)
    must_sign: bool = False
    woken: list[None] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.database)

    @property
    def lists(self) -> ListStore:
        return ListStore(self.database, "ben-a")

    def wake(self) -> None:
        self.woken.append(None)

    def take(self, data: bytes, name: str = "名单.csv", kind: ListKind = ListKind.PRE) -> Imported:
        terms = ImportTerms(self.catalogue, packaged_rulesets(), self.kinds, self.must_sign)
        key = self.store.read_ref_key()
        use_case = ImportSheet(self.lists, key, terms, lambda: NOW, self.wake)
        return use_case.run(CLERK, name, data, kind)

    def withdraw(self, item_ref: str, reason: str = "重复录入") -> int:
        use_case = Withdraw(self.lists, lambda: NOW, self.wake, must_sign=self.must_sign)
        return use_case.run(CLERK, item_ref, reason)[0]

    def listed(self) -> list[ListedItem]:
        return self.store.list_items(Trail(NOW, CLERK, "list-items"))

    def statuses(self) -> dict[tuple[str, str], PersonStatus]:
        """By item number and the person's name."""
        return {
            (listed.item.item_ref, person.name): status
            for listed in self.listed()
            for person, status in listed.persons
        }

    def ref_of(self, name: str) -> bytes:
        return next(p.ref for listed in self.listed() for p, _ in listed.persons if p.name == name)

    def pending(self) -> int:
        """Subjects that are wanted at the matcher."""
        return len(self.database.read(records.read_standing))

    def accept_all(self) -> None:
        """As if the matcher had accepted everything that is entered."""
        statement = sa.text(
            "UPDATE record SET state = 'accepted', epoch = zeroblob(32), seq = 1, "
            "rid = randomblob(16), token = zeroblob(32) WHERE state = 'entered'"
        )
        self.database.run_tx("accept", lambda session: session.execute(statement))

    def count(self, query: str) -> int:
        """The only number that ``query`` gives."""
        return int(self.database.read(lambda session: session.execute(sa.text(query)).scalar_one()))

    def rid_of(self, name: str) -> bytes:
        subject = self.ref_of(name)
        standing = self.database.read(lambda session: records.read_standing(session, [subject]))
        rid = standing[subject].rid
        assert rid is not None
        return rid

    def trail(self) -> list[AuditEntry]:
        self.database.read(verify_trail)
        return list(self.database.read(lambda session: entries(session, limit=1000)))


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    with Database(DatabaseSettings(path=tmp_path / "beneficiary.db")) as database:
        migrate(database, VERSIONS)
        yield Unit(database)
