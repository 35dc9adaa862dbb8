"""libmatch.client.Client: durable, repeatable, and never CLEAR without proof."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from libmatch.auditlog import LogSigner, log_origin, receipt_bytes
from libmatch.channel import TlsFiles, open_channel
from libmatch.check_digits import resident_check
from libmatch.clearances import ClearanceStatus, HoldReason
from libmatch.client import Client, ClientSettings, ItemRow, RelativeRow, Row
from libmatch.client.state import State, Transaction
from libmatch.errors import (
    BatchError,
    ConflictError,
    EpochError,
    KeyFileError,
    LogError,
    ServiceError,
    StateError,
)
from libmatch.identity import Identity, server_dns_name
from libmatch.keys import SigningKey
from libmatch.notices import ItemNotice, OfficialNotice
from libmatch.records import Receipt, Side
from libmatch.release import verify_acknowledgement
from libmatch.tokens import derive_token
from tests.chassis_pki import Pki
from tests.district import NOW, PASSPHRASE, District, make_district, person
from tests.matcher_in_memory import MemoryMatcher, serving

MATCHER = "spiffe://fuling/matcher"
UNIT = "minzheng"  # submits on both sides in these tests
CLEAR, HOLD = ClearanceStatus.CLEAR, ClearanceStatus.HOLD
NOT_SUBMITTED = ClearanceStatus.NOT_SUBMITTED
HIT = bytes(range(32))


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=("reg-a",), beneficiary=(), both=(UNIT,))


@pytest.fixture(scope="module")
def kit(district: District, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit")
    district.write_kit(folder, UNIT)
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tls(pki: Pki) -> TlsFiles:
    files = pki.issue(f"spiffe://fuling/unit/{UNIT}")
    return TlsFiles(files.certificate, files.private_key, files.ca)


@pytest.fixture(scope="module")
def server(district: District, pki: Pki) -> Iterator[tuple[MemoryMatcher, str]]:
    with serving(MemoryMatcher(district), pki.issue(MATCHER)) as running:
        yield running


@pytest.fixture
def matcher(server: tuple[MemoryMatcher, str], district: District) -> MemoryMatcher:
    """The one running matcher, as new."""
    server[0].__init__(district)  # type: ignore[misc]
    return server[0]


@pytest.fixture
def settings(
    kit: Path, tls: TlsFiles, server: tuple[MemoryMatcher, str], tmp_path: Path
) -> ClientSettings:
    return ClientSettings(
        unit=UNIT,
        sides=frozenset(Side),
        kit=kit,
        passphrase=kit / "passphrase",
        state=tmp_path / "client.db",
        address=server[1],
        matcher=Identity.parse(MATCHER),
        tls=tls,
    )


@pytest.fixture
def client(settings: ClientSettings, matcher: MemoryMatcher) -> Iterator[Client]:
    with Client.open(settings, now=lambda: NOW) as client:
        yield client


@pytest.fixture
def reopen(
    district: District, settings: ClientSettings, matcher: MemoryMatcher
) -> Iterator[Callable[..., Client]]:
    """Another client on the same (or another) state file, without reading the kit again."""
    with ExitStack() as stack:

        def make(state: State | None = None, of: District = district) -> Client:
            name = server_dns_name(settings.matcher)
            channel = stack.enter_context(open_channel(settings.address, name, settings.tls))
            keys = of.keys(UNIT)
            holder, origin = of.holder(UNIT), log_origin("fuling")
            own = state or State(settings.state)
            return Client(holder, keys, settings.sides, own, channel, origin, lambda: NOW)

        yield make


def item(ref: str = "X-1", number: int = 1, **more: Any) -> ItemRow:
    row = ItemRow(ref, person(number).idn, "甲某", programme="改厕补助", amount_fen=120000)
    return replace(row, **more)


def relative(number: int = 1, ref: str = "D-1") -> RelativeRow:
    official = person(900).idn
    return RelativeRow(ref, person(number).idn, "甲某", "配偶", official, "乙某", "某局", "科长")


# --- prepare --------------------------------------------------------------------------------------


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


# --- crashes --------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class DyingState(State):
    """A state file whose process dies in the ``life``-th transaction, before or after its commit."""

    def __init__(self, path: Path, life: int, *, after_commit: bool) -> None:
        self.left, self.after_commit = life, after_commit
        super().__init__(path)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self.left -= 1
        with super().transaction() as tx:
            yield tx
            if self.left == 0 and not self.after_commit:
                raise Killed
        if self.left == 0:
            raise Killed


@pytest.mark.parametrize("after_commit", [False, True])
def test_client_killed_in_any_transaction_goes_on_where_it_was(
    reopen: Callable[..., Client],
    settings: ClientSettings,
    matcher: MemoryMatcher,
    district: District,
    after_commit: bool,
) -> None:
    corrected = [item("X-1", amount_fen=1), item("X-2", 2)]

    def work(client: Client) -> None:
        client.prepare([item("X-1"), item("X-2", 2)])
        client.submit()
        client.prepare(corrected)
        client.submit()

    life, died = 1, True
    while died:
        matcher.__init__(district)  # type: ignore[misc]
        settings.state.unlink(missing_ok=True)
        try:
            work(reopen(DyingState(settings.state, life, after_commit=after_commit)))
            died = False
        except Killed:
            work(reopen())
        assert reopen().prepare(corrected).unchanged == 2
        assert len(matcher.live) == 2
        # What was sent twice was the same, and no number was left out.
        numbers = sorted(seq for _, _, seq in matcher.receipts)
        assert numbers == list(range(1, len(numbers) + 1))
        life += 1
    assert life > 15


def test_lost_answer_gets_the_identical_receipt(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([item()])
    matcher.fail_after_commit = 1
    with pytest.raises(ServiceError):
        client.submit()
    assert client.waiting == 1
    (receipt,) = client.submit()
    assert receipt == matcher.receipts[UNIT, Side.BENEFICIARY, 1]
    assert matcher.received == [(Side.BENEFICIARY, 1)] * 2
    assert len(matcher.leaves) == 1


def test_what_waits_is_sent_by_the_next_process(
    client: Client, reopen: Callable[..., Client], matcher: MemoryMatcher
) -> None:
    client.prepare([item()])
    matcher.fail_before_commit = 1
    with pytest.raises(ServiceError):
        client.submit()
    assert len(reopen().submit()) == 1
    assert client.submit() == []


def test_unreachable_matcher_is_told_in_chinese_and_nothing_is_lost(
    settings: ClientSettings, matcher: MemoryMatcher
) -> None:
    nowhere = replace(settings, address="127.0.0.1:1", timeout_s=0.3)
    with Client.open(nowhere, now=lambda: NOW) as client:
        client.prepare([item()])
        with pytest.raises(ServiceError) as refusal:
            client.submit()
        assert refusal.value.message_zh
        assert client.waiting == 1
    with Client.open(settings, now=lambda: NOW) as client:
        assert len(client.submit()) == 1


# --- a matcher that breaks promises ---------------------------------------------------------------


def test_forgotten_batch_is_a_log_error(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([item()])
    client.submit()
    matcher.receipts.clear()
    client.prepare([item("X-2", 2)])
    with pytest.raises(LogError, match="had given receipts"):
        client.submit()


def test_second_system_of_the_unit_is_a_conflict(
    client: Client, reopen: Callable[..., Client], tmp_path: Path
) -> None:
    client.prepare([item()])
    client.submit()
    other = reopen(State(tmp_path / "other.db"))
    other.prepare([item("X-2", 2)])
    with pytest.raises(ConflictError):
        other.submit()
    assert other.waiting == 1


def _for_other_content(receipt: Receipt, district: District) -> Receipt:
    return replace(receipt, digest=bytes(32))


def _signed_by_a_stranger(receipt: Receipt, district: District) -> Receipt:
    r = receipt
    head = (r.epoch, r.side, r.unit, r.seq, r.digest, r.accepted_at_us, r.leaf_index)
    return replace(receipt, signature=LogSigner.generate().sign(receipt_bytes(*head)))


def _for_another_number(receipt: Receipt, district: District) -> Receipt:
    r = receipt
    head = (r.epoch, r.side, r.unit, 9, r.digest, r.accepted_at_us, r.leaf_index)
    return replace(receipt, seq=9, signature=district.log_signer.sign(receipt_bytes(*head)))


@pytest.mark.parametrize("change", [_for_other_content, _signed_by_a_stranger, _for_another_number])
def test_receipt_that_does_not_hold_is_not_taken(
    client: Client,
    matcher: MemoryMatcher,
    district: District,
    change: Callable[[Receipt, District], Receipt],
) -> None:
    client.prepare([item()])
    matcher.change_receipt = lambda receipt: change(receipt, district)
    with pytest.raises(LogError):
        client.submit()
    assert client.waiting == 1


def test_receipt_whose_leaf_is_not_in_the_log_is_told_until_it_is(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item()])
    true_leaves, matcher.change_receipt = matcher.leaves, lambda receipt: _drop(matcher, receipt)
    with pytest.raises(LogError):
        client.submit()
    assert client.waiting == 0
    with pytest.raises(LogError):
        client.submit()
    assert true_leaves


def _drop(matcher: MemoryMatcher, receipt: Receipt) -> Receipt:
    matcher.leaves = [bytes(32)] * len(matcher.leaves)
    return receipt


def test_rewritten_log_is_found_by_the_next_checkpoint(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item()])
    client.submit()
    matcher.rewrite_leaf(0)
    client.prepare([item("X-2", 2)])
    with pytest.raises(LogError, match="altered"):
        client.submit()


def test_shortened_log_is_found_by_the_next_checkpoint(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item(), relative()])
    client.submit()
    matcher.leaves = matcher.leaves[:1]
    with pytest.raises(LogError, match="shorter"):
        client._watch.advance()


# --- the gate -------------------------------------------------------------------------------------


def test_item_with_a_hit_is_held_and_one_without_is_clear(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([relative(1), item("X-1", 1), item("X-1", 2), item("X-2", 3)])
    client.submit()
    answers = client.clearance(["X-1", "X-2"])
    assert [answer.status for answer in answers.values()] == [HOLD, CLEAR]
    assert answers["X-2"].clear
    assert answers["X-2"].expires_at == NOW + timedelta(days=30)
    assert answers["X-1"].expires_at is None


def test_item_with_a_refused_row_is_not_clear_until_it_is_mended(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item(), item(person="")])
    client.submit()
    assert client.clearance(["X-1"])["X-1"].status is NOT_SUBMITTED
    client.prepare([item(), item(number=2)])
    assert client.clearance(["X-1"])["X-1"].status is NOT_SUBMITTED  # not submitted yet
    client.submit()
    assert client.clearance(["X-1"])["X-1"].clear


def test_unknown_reference_is_not_submitted_without_asking(
    client: Client, matcher: MemoryMatcher
) -> None:
    answer = client.clearance(["nothing"])["nothing"]
    assert (answer.status, answer.leaf_index) == (NOT_SUBMITTED, None)
    assert matcher.questions == []


def test_withdrawn_item_is_not_submitted(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([item(), item(number=2)])
    client.submit()
    assert client.withdraw(["X-1", "nothing"]) == 2
    assert client.withdraw(["X-1"]) == 0
    client.submit()
    assert client.clearance(["X-1"])["X-1"].status is NOT_SUBMITTED
    assert not matcher.live


def test_answer_that_is_not_in_the_log_is_a_log_error(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([relative(), item()])
    client.submit()
    matcher.change_statuses = lambda statuses: [int(CLEAR)] * len(statuses)
    with pytest.raises(LogError):
        client.clearance(["X-1"])


def test_R47_an_item_on_hold_tells_why(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([relative(), item()])
    client.submit()
    matcher.hold_reason = HoldReason.UNPUBLISHED
    answer = client.clearance(["X-1"])["X-1"]
    assert (answer.status, answer.reasons) == (HOLD, (HoldReason.UNPUBLISHED,))


def test_clear_that_has_expired_is_a_hold(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([item()])
    client.submit()
    matcher.clear_for = timedelta(0)
    assert client.clearance(["X-1"])["X-1"].status is HOLD


def test_gate_is_asked_about_whole_items_of_at_most_a_thousand_records(
    client: Client, matcher: MemoryMatcher
) -> None:
    rows = [item(f"X-{i // 3}", i) for i in range(1200)]
    client.prepare(rows)
    client.submit()
    answers = client.clearance(f"X-{i}" for i in range(400))
    assert all(answer.clear for answer in answers.values())
    assert matcher.questions == [999, 201]


def test_unreachable_gate_answers_nothing(settings: ClientSettings, matcher: MemoryMatcher) -> None:
    nowhere = replace(settings, address="127.0.0.1:1", timeout_s=0.3)
    with Client.open(nowhere, now=lambda: NOW) as client:
        client.prepare([item()])
        with pytest.raises(ServiceError):
            client.clearance(["X-1"])


# --- notices --------------------------------------------------------------------------------------


def _rid(matcher: MemoryMatcher, side: Side) -> bytes:
    return next(rid for (_, rid), each in matcher.live.items() if each is side)


def _token(district: District, number: int) -> bytes:
    who = person(number)
    return derive_token(district.suite, district.holder(UNIT).key, int(who.kind), who.idn)


def test_notice_is_opened_named_by_reference_and_acknowledged(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    client.prepare([item(), relative()])
    client.submit()
    for side in Side:
        rid, token = _rid(matcher, side), _token(district, 1)
        matcher.notices.append(district.notify(UNIT, side, HIT, rid=rid, token=token))
    to_registry, to_approver = client.notices()
    assert (to_approver.ref, to_approver.disputed) == ("X-1", False)
    assert isinstance(to_approver.content, ItemNotice)
    assert (to_registry.ref, to_registry.disputed) == ("D-1", False)
    assert isinstance(to_registry.content, OfficialNotice)
    member = district.roster.find(UNIT)
    for notice in matcher.notices:
        signature = matcher.acknowledged[notice.notice_id]
        verify_acknowledgement(district.epoch, member, notice, signature)


def test_notices_stay_and_are_acknowledged_once(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    client.prepare([item()])
    client.submit()
    rid, token = _rid(matcher, Side.BENEFICIARY), _token(district, 1)
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT, rid=rid, token=token))
    first = client.notices()
    leaves = len(matcher.leaves)
    assert client.notices() == first
    assert len(matcher.leaves) == leaves


def test_notice_about_another_person_is_disputed(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    client.prepare([item()])
    client.submit()
    rid, token = _rid(matcher, Side.BENEFICIARY), _token(district, 2)
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT, rid=rid, token=token))
    (notice,) = client.notices()
    assert notice.disputed
    assert (notice.ref, notice.problem_zh[-5:]) == ("X-1", "并报告纪委")


def test_notice_about_an_unknown_record_is_disputed(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT))
    (notice,) = client.notices()
    assert (notice.disputed, notice.ref) == (True, None)


def test_forged_notice_is_disputed_unread_and_not_acknowledged(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    forged = district.notify(UNIT, Side.BENEFICIARY, HIT, signer=SigningKey.generate())
    matcher.notices.append(forged)
    (notice,) = client.notices()
    assert notice.disputed
    assert notice.content is None
    assert matcher.acknowledged == {}


def test_notice_about_a_withdrawn_record_still_names_it(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    client.prepare([item()])
    client.submit()
    rid, token = _rid(matcher, Side.BENEFICIARY), _token(district, 1)
    client.withdraw(["X-1"])
    client.submit()
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT, rid=rid, token=token))
    (notice,) = client.notices()
    assert (notice.ref, notice.disputed) == ("X-1", False)


def test_mailbox_that_numbers_anew_loses_no_notice(
    client: Client, reopen: Callable[..., Client], matcher: MemoryMatcher, district: District
) -> None:
    old = [district.notify(UNIT, Side.BENEFICIARY, HIT) for _ in range(3)]
    matcher.notices += old
    assert len(client.notices()) == 3
    following = replace(district.manifest, epoch=2, previous=district.manifest.epoch_id)
    later = replace(
        district,
        manifest=following,
        roster=replace(district.roster, epoch_id=following.epoch_id),
        shares=district.shares,
    )
    new = later.notify(UNIT, Side.BENEFICIARY, HIT)
    matcher.notices = [new, old[2]]
    reopened = reopen(of=later)
    assert [n.notice_id for n in reopened.notices()] == [n.notice_id for n in [*old, new]]
    assert [n.number for n in reopened.notices()] == [1, 2, 3, 4]


# --- the state file -------------------------------------------------------------------------------


def test_state_file_holds_no_identifier_and_no_name(
    client: Client, matcher: MemoryMatcher, district: District, settings: ClientSettings
) -> None:
    client.prepare([item(), relative(2)])
    client.submit()
    rid, token = _rid(matcher, Side.BENEFICIARY), _token(district, 1)
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT, rid=rid, token=token))
    client.notices()
    data = settings.state.read_bytes()
    needles = [person(n).idn for n in (1, 2, 900)] + ["甲某", "乙某", "某局", "改厕补助"]
    assert [text for text in needles if text.encode() in data] == []
    assert b"X-1" in data  # the needles would be found


def test_sealed_bytes_are_kept_until_there_is_a_receipt_and_no_longer(
    client: Client, matcher: MemoryMatcher, settings: ClientSettings
) -> None:
    client.prepare([item()])
    with closing(sqlite3.connect(settings.state)) as state:
        query = "SELECT length(body) FROM requests"
        assert state.execute(query).fetchone()[0] > 512
        client.submit()
        assert state.execute(query).fetchone() == (None,)


def test_state_file_is_its_owners_alone(client: Client, settings: ClientSettings) -> None:
    assert stat.S_IMODE(settings.state.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\0" + bytes(600)])
def test_damaged_state_file_is_refused(settings: ClientSettings, content: bytes) -> None:
    settings.state.write_bytes(content)
    with pytest.raises(StateError) as refusal:
        State(settings.state)
    assert refusal.value.message_zh


def test_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StateError, match="not a state file"):
        State(tmp_path / "other.db")


def test_state_file_of_newer_code_is_refused(client: Client, settings: ClientSettings) -> None:
    with sqlite3.connect(settings.state) as newer:
        newer.execute("PRAGMA user_version = 2")
    newer.close()
    with pytest.raises(StateError, match="version 2"):
        State(settings.state)


def test_state_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be opened"):
        State(tmp_path / "missing" / "client.db")


# --- opening --------------------------------------------------------------------------------------


def test_wrong_passphrase_is_a_key_file_error(settings: ClientSettings, tmp_path: Path) -> None:
    wrong = tmp_path / "passphrase"
    wrong.touch(mode=0o600)
    wrong.write_text("another passphrase", encoding="utf-8")
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        Client.open(replace(settings, passphrase=wrong), now=lambda: NOW)


def test_passphrase_that_others_can_read_is_refused(
    settings: ClientSettings, tmp_path: Path
) -> None:
    exposed = tmp_path / "passphrase"
    exposed.write_text(PASSPHRASE, encoding="utf-8")
    exposed.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Client.open(replace(settings, passphrase=exposed), now=lambda: NOW)


def test_server_of_another_role_is_not_talked_to(
    settings: ClientSettings, district: District, pki: Pki, matcher: MemoryMatcher
) -> None:
    impostor = pki.issue("spiffe://fuling/unit/other")
    with serving(MemoryMatcher(district), impostor) as (other, address):
        elsewhere = replace(settings, address=address, timeout_s=1)
        with Client.open(elsewhere, now=lambda: NOW) as client:
            client.prepare([item()])
            with pytest.raises(ServiceError):
                client.submit()
        assert other.received == []


def test_side_that_the_roster_does_not_enrol_is_refused(
    settings: ClientSettings, district: District, tmp_path: Path
) -> None:
    district.write_kit(tmp_path / "kit", "reg-a")
    other = replace(settings, unit="reg-a", kit=tmp_path / "kit")
    with pytest.raises(BatchError, match="does not enrol"):
        Client.open(other, now=lambda: NOW)
