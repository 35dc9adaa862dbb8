"""Writes that wait at the same moment: one commit for all, and none harms another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from libmatch.errors import BatchError
from services.chassis import deadline
from services.chassis.db import Database
from services.chassis.refusals import DeadlinePassed
from services.matcher.store.groups import Groups, Ticket

Work = Callable[[Session], int]
_INSERT = sa.text("INSERT INTO number VALUES (:number)")


class Counted(Database):
    """Counts its writing transactions."""

    committed = 0

    def run_tx(self, name: str, fn: Callable[[Session], object]) -> object:  # type: ignore[override]
        result = super().run_tx(name, fn)
        self.committed += 1
        return result


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Counted]:
    with Counted(f"sqlite:///{tmp_path / 'test.db'}") as database:
        create = sa.text("CREATE TABLE number (number INTEGER PRIMARY KEY) STRICT")
        database.run_tx("create", lambda session: session.execute(create))
        database.committed = 0
        yield database


def keep(number: int) -> Work:
    def work(session: Session) -> int:
        session.execute(_INSERT, {"number": number})
        return number

    return work


def refuse(number: int) -> Work:
    def work(session: Session) -> int:
        session.execute(_INSERT, {"number": number})
        raise BatchError("refused after it had written")

    return work


def kept(database: Database) -> list[int]:
    query = sa.text("SELECT number FROM number ORDER BY number")
    return database.read(lambda session: list(session.scalars(query)))


def outcomes(tickets: list[Ticket[int]]) -> list[int | type[BaseException]]:
    """What each got, asked from a thread of its own."""

    def ask(ticket: Ticket[int]) -> int | type[BaseException]:
        try:
            return ticket.result()
        except Exception as error:  # noqa: BLE001  # whatever it is, is the outcome
            return type(error)

    with ThreadPoolExecutor(len(tickets)) as pool:
        return list(pool.map(ask, tickets))


def test_what_waits_together_is_committed_once(database: Counted) -> None:
    groups: Groups[int] = Groups(database, "test", limit=8)
    tickets = [groups.offer(keep(number)) for number in range(5)]
    assert outcomes(tickets) == [0, 1, 2, 3, 4]
    assert kept(database) == [0, 1, 2, 3, 4]
    assert database.committed == 1


def test_a_group_has_its_limit(database: Counted) -> None:
    groups: Groups[int] = Groups(database, "test", limit=2)
    assert outcomes([groups.offer(keep(number)) for number in range(5)]) == [0, 1, 2, 3, 4]
    assert database.committed == 3


def test_a_refused_piece_of_work_leaves_nothing_and_harms_no_other(database: Counted) -> None:
    groups: Groups[int] = Groups(database, "test", limit=8)
    tickets = [groups.offer(work) for work in (keep(1), refuse(2), keep(3))]
    assert outcomes(tickets) == [1, BatchError, 3]
    assert kept(database) == [1, 3]
    assert database.committed == 1


def test_without_savepoints_a_refused_one_takes_its_group_apart_and_harms_no_other(
    database: Counted,
) -> None:
    groups: Groups[int] = Groups(database, "test", limit=8, savepoints=False)
    tickets = [groups.offer(work) for work in (keep(1), refuse(2), keep(3))]
    assert outcomes(tickets) == [1, BatchError, 3]
    assert kept(database) == [1, 3]


def test_a_mistake_in_one_is_not_the_others_failure(database: Counted) -> None:
    def mistaken(session: Session) -> int:
        session.execute(_INSERT, {"number": 2})
        raise KeyError("a mistake in the program")

    groups: Groups[int] = Groups(database, "test", limit=8)
    tickets = [groups.offer(work) for work in (keep(1), mistaken, keep(3))]
    assert outcomes(tickets) == [1, KeyError, 3]
    assert kept(database) == [1, 3]


def test_work_runs_in_the_order_in_which_it_was_offered(database: Counted) -> None:
    order: list[int] = []

    def note(number: int) -> Work:
        def work(session: Session) -> int:
            order.append(number)
            return keep(number)(session)

        return work

    groups: Groups[int] = Groups(database, "test", limit=8)
    outcomes([groups.offer(note(number)) for number in (3, 1, 2)])
    assert order == [3, 1, 2]


def test_whoever_asks_first_the_longest_waiting_are_served_first(database: Counted) -> None:
    order: list[int] = []

    def note(number: int) -> Work:
        def work(session: Session) -> int:
            order.append(number)
            return keep(number)(session)

        return work

    groups: Groups[int] = Groups(database, "test", limit=2)
    tickets = [groups.offer(note(number)) for number in range(5)]
    assert [tickets[at].result() for at in (4, 0, 3, 1, 2)] == [4, 0, 3, 1, 2]
    assert order == [0, 1, 2, 3, 4]
    assert database.committed == 3


def test_a_group_that_fails_is_no_failure_of_one_behind_it(database: Counted) -> None:
    def mistaken(session: Session) -> int:
        raise KeyError("a mistake in the program")

    groups: Groups[int] = Groups(database, "test", limit=1)
    first, last = groups.offer(mistaken), groups.offer(keep(2))
    assert last.result() == 2
    with pytest.raises(KeyError):
        first.result()
    assert kept(database) == [2]


def test_nobody_hears_of_a_result_before_the_commit(
    database: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: Groups[int] = Groups(database, "test", limit=8)
    written, go_on = threading.Event(), threading.Event()
    commit = Session.commit

    def slow_commit(session: Session) -> None:
        written.set()
        assert go_on.wait(timeout=30)
        commit(session)

    monkeypatch.setattr(Session, "commit", slow_commit)
    tickets = [groups.offer(keep(number)) for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ticket.result) for ticket in tickets]
        assert written.wait(timeout=30)
        assert not any(one.done() for one in asked)
        go_on.set()
        assert [one.result() for one in asked] == [0, 1]


def test_who_has_no_time_left_gives_up_and_keeps_nothing(database: Counted) -> None:
    groups: Groups[int] = Groups(database, "test", limit=8)
    held, go_on = threading.Event(), threading.Event()

    def hold(session: Session) -> int:
        held.set()
        assert go_on.wait(timeout=30)
        return keep(1)(session)

    def impatient(ticket: Ticket[int]) -> int:
        deadline.set_remaining(0.05)
        return ticket.result()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(groups.offer(hold).result)
        assert held.wait(timeout=30)
        second = pool.submit(impatient, groups.offer(keep(2)))
        with pytest.raises(DeadlinePassed):
            second.result(timeout=30)
        go_on.set()
        assert first.result(timeout=30) == 1
    assert groups.offer(keep(3)).result() == 3
    assert kept(database) == [1, 3]
