"""Notices of hits: fetched, stored as they came, verified, opened, checked against the own record.

Stored notices stay sealed; each reading verifies and opens them again, so that a notice that could not be
trusted under an old roster can be once the new one is installed. A hit is not a violation.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from libmatch.client.matcher import MatcherClient
from libmatch.client.state import State, StoredNotice, Transaction
from libmatch.errors import EncodingError, ManifestError
from libmatch.keys import HpkePrivateKey
from libmatch.notices import HitNotice, open_notice
from libmatch.prepare import Holder
from libmatch.records import Side
from libmatch.suites import get_suite

_UNTRUSTED_ZH = "该通知不是名册中纪委签发的，或无法打开：请勿据此处理，并报告纪委"
_DISPUTED_ZH = "该通知与本单位的记录不一致：请勿据此处理，并报告纪委"


@dataclass(frozen=True, repr=False)
class Notice:
    """One notice; ``number`` counts up in order of arrival here and never changes.

    ``ref`` is the caller's own reference, None where the notice names no own record.
    ``content`` is an ItemNotice (to an approving unit) or an OfficialNotice (to an official's unit), None
    where it cannot be trusted. With ``problem`` the notice is disputed: do not act on it, tell 纪委.
    """

    number: int
    notice_id: bytes
    side: Side
    ref: str | None
    content: HitNotice | None
    problem: str = ""
    problem_zh: str = ""

    @property
    def disputed(self) -> bool:
        """Whether the notice contradicts the unit's own record, or cannot be trusted at all."""
        return bool(self.problem)

    def __repr__(self) -> str:
        return f"<Notice {self.number}{' disputed' if self.disputed else ''}>"


def fetch_notices(state: State, matcher: MatcherClient, holder: Holder, side: Side) -> None:
    """Return when all notices that the matcher holds for this side are stored."""
    mailbox = holder.epoch.epoch_id
    with state.transaction() as tx:
        after = tx.last_notice(mailbox, side)
    fetched = matcher.fetch_notices(side, after)
    if any(notice.side is not side for _, notice, _ in fetched):
        raise EncodingError("the matcher handed out a notice of another side")
    with state.transaction() as tx:
        for number, notice, acknowledged in fetched:
            tx.add_notice(mailbox, number, notice, acknowledged=acknowledged)


def read_notices(state: State, holder: Holder, key: HpkePrivateKey, side: Side) -> list[Notice]:
    """Every stored notice of this side, opened, in order of arrival."""
    with state.transaction() as tx:
        return [_read(tx, holder, key, stored) for stored in tx.notices(side)]


def _read(tx: Transaction, holder: Holder, key: HpkePrivateKey, stored: StoredNotice) -> Notice:
    notice = stored.notice
    head = (stored.arrival, notice.notice_id, notice.side)
    try:
        if notice.unit != holder.unit:
            raise ManifestError("the notice is for another unit")
        content = open_notice(holder.epoch, notice, key)
    except (ManifestError, EncodingError) as error:
        return Notice(*head, None, None, str(error), _UNTRUSTED_ZH)
    record = tx.find_record(notice.epoch, content.rid)
    if record is None:
        return Notice(*head, None, content, "no own record has that id", _DISPUTED_ZH)
    if not hmac.compare_digest(record.token, content.token):
        problem = "the notice is about another person than the own record"
        return Notice(*head, record.ref, content, problem, _DISPUTED_ZH)
    return Notice(*head, record.ref, content)


def acknowledge_notices(
    state: State, matcher: MatcherClient, holder: Holder, side: Side, trusted: set[int]
) -> None:
    """Return when the matcher has the acknowledgement of each notice whose number is in ``trusted``."""
    with state.transaction() as tx:
        waiting = [n for n in tx.notices(side) if n.arrival in trusted and not n.acknowledged]
    suite = get_suite(holder.epoch.manifest.suite)
    for stored in waiting:
        signature = holder.signing_key.sign(stored.notice.ack_bytes(suite))
        matcher.acknowledge(stored.notice.notice_id, signature)
        with state.transaction() as tx:
            tx.mark_acknowledged(stored.arrival)
