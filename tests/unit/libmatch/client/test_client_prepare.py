"""libmatch.client.Client.prepare: rows become records once, corrections replace them, refusals are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from libmatch.check_digits import resident_check
from libmatch.client import Client, ClientSettings, Row
from libmatch.errors import (
    BatchError,
    EpochError,
)
from libmatch.records import Side
from tests.district import NOW, District, person
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.libmatch.client.client_rows import CLEAR, item, relative


def test_same_rows_again_change_nothing(client: Client, matcher: MemoryMatcher) -> None:
    rows: list[Row] = [item(), item(number=2), relative()]
    assert client.prepare(rows).sealed == 3
    client.submit()
    again = client.prepare(reversed(rows))
    assert (again.sealed, again.unchanged, again.withdrawn) == (0, 3, 0)
    assert client.submit() == []
    assert matcher.received == [(Side.REGISTRY, 1), (Side.BENEFICIARY, 1)]


def test_mapping_is_as_good_as_a_row(client: Client) -> None:
    client.prepare([item(start=date(2018, 6, 30))])
    values = {"ref": "Ｘ-1", "person": person(1).idn, "name": " 甲某 ", "programme": "改厕补助"}
    again = client.prepare([{**values, "amount_fen": 120000, "start": "2018-06-30"}])
    assert (again.sealed, again.unchanged) == (0, 1)


def test_correction_submits_the_new_record_before_it_withdraws_the_old(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item()])
    client.submit()
    corrected = client.prepare([item(amount_fen=130000)])
    assert (corrected.sealed, corrected.withdrawn) == (1, 1)
    assert [receipt.seq for receipt in client.submit()] == [2, 3]
    assert matcher.committed == ["batch", "batch", "withdrawal"]
    assert len(matcher.live) == 1
    assert client.clearance(["X-1"])["X-1"].status is CLEAR


def test_person_no_longer_named_under_a_reference_is_withdrawn(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item(), item(number=2)])
    changed = client.prepare([item()])
    assert (changed.unchanged, changed.withdrawn) == (1, 1)
    client.submit()
    assert len(matcher.live) == 1


def test_other_references_stay_as_they_are(client: Client) -> None:
    client.prepare([item("X-1"), item("X-2")])
    assert client.prepare([item("X-2")]).withdrawn == 0


def test_refused_row_keeps_what_its_reference_had(client: Client) -> None:
    client.prepare([item(), item(number=2)])
    refused = client.prepare([item(), item(person="510102199001010000")])
    assert (refused.unchanged, refused.withdrawn, len(refused.rejected)) == (1, 0, 1)


def test_refused_row_is_told_in_both_languages_and_good_ones_are_kept(client: Client) -> None:
    wrong = person(1).idn[:-1] + ("0" if person(1).idn[-1] != "0" else "1")
    prepared = client.prepare([item(), item("X-2", person=wrong)])
    (row,) = prepared.rejected
    assert (prepared.sealed, row.position, row.ref) == (1, 1, "X-2")
    assert "证件号码" in row.message_zh
    assert row.message.isascii()
    assert wrong not in repr(prepared)


def test_row_of_a_side_that_the_client_is_not_set_up_for_is_refused_as_a_whole(
    settings: ClientSettings, matcher: MemoryMatcher
) -> None:
    only = replace(settings, sides=frozenset({Side.BENEFICIARY}))
    with Client.open(only, now=lambda: NOW) as client:
        with pytest.raises(BatchError):
            client.prepare([item(), relative()])
        with pytest.raises(BatchError):
            client.withdraw(["X-1"], Side.REGISTRY)
        assert client.waiting == 0


def test_nothing_is_prepared_after_the_epochs_end(
    settings: ClientSettings, district: District, reopen: Callable[..., Client]
) -> None:
    client = reopen()
    client._now = lambda: district.manifest.not_after
    with pytest.raises(EpochError):
        client.prepare([item()])


def test_person_born_today_in_china_is_not_born_in_the_future(
    reopen: Callable[..., Client],
) -> None:
    client = reopen()
    client._now = lambda: NOW.replace(hour=17)  # UTC; already tomorrow in China
    body = f"500102{NOW.date() + timedelta(days=1):%Y%m%d}001"
    assert client.prepare([item(person=body + resident_check(body))]).sealed == 1


def test_more_rows_than_a_batch_takes_become_several(client: Client) -> None:
    rows = [item(f"X-{i // 2}", i) for i in range(2049)]
    assert client.prepare(rows).sealed == 2049
    assert client.waiting == 2
