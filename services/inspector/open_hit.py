"""Opens one hit that is in the log: the right rows of signed batches; then both payloads, or the culprit.

Nothing that the matcher says is believed: its word is a number and an id, everything else is recomputed.
"""

from __future__ import annotations

from dataclasses import dataclass

from libmatch.batch import compute_token
from libmatch.errors import EncodingError, InputError, ServiceError, UnsealError
from libmatch.keys import HpkePrivateKey
from libmatch.manifest import Epoch
from libmatch.notices import hit_id as compute_hit_id
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.records import FlaggedPair, FlaggedRecord, Hit, RecordRef
from libmatch.suites import get_suite
from libmatch.unseal import OpenedPair, unseal_pair
from services.inspector.cases import CasePair, tidy
from services.inspector.disputes import MATCHER, Dispute, encode_pair, unknown_party
from services.inspector.epochs import Epochs, find_member
from services.inspector.matcher import HitSummary, Review, is_passing, is_withdrawn
from services.inspector.states import DisputeKind, HitState
from services.inspector.store.hits import Outcome


class _Found(Exception):
    """The hit does not open; what it comes to instead."""

    def __init__(self, state: HitState, dispute: Dispute | None) -> None:
        super().__init__(state)
        self.state = state
        self.dispute = dispute


@dataclass(frozen=True, repr=False)
class OpenHit:
    """Opens hits of any epoch in the kit. Safe from several threads."""

    review: Review
    epochs: Epochs
    key: HpkePrivateKey

    def run(self, hit: HitSummary) -> Outcome:
        """What became of ``hit``. Raises ServiceError where the matcher is out of reach."""
        try:
            pair = self._open(hit, self._fetch(hit))
        except _Found as found:
            return Outcome(hit.number, found.state, None, found.dispute)
        return Outcome(hit.number, HitState.OPENED, pair)

    def _fetch(self, hit: HitSummary) -> FlaggedPair:
        try:
            return self.review.fetch_hit(hit.hit_id)
        except EncodingError:
            raise _blame(hit, DisputeKind.MALFORMED, detail=f"比中{hit.number}") from None
        except ServiceError as error:
            if error.status == "FAILED_PRECONDITION" and is_withdrawn(self.review, hit.number):
                raise _Found(HitState.WITHDRAWN, None) from None
            raise _unless_passing(error, hit) from None

    def _open(self, hit: HitSummary, pair: FlaggedPair) -> CasePair:
        epoch = self.epochs.find(pair.registry.header.epoch)
        if epoch is None:
            raise _Found(HitState.WAITING, unknown_party(None))
        suite, eid = get_suite(epoch.manifest.suite), epoch.epoch_id
        refs = Hit(_ref(pair.registry), _ref(pair.beneficiary))
        if compute_hit_id(suite, eid, refs) != hit.hit_id:
            raise _blame(hit, DisputeKind.ROW, pair)
        for unit in (refs.registry.unit, refs.beneficiary.unit):
            if find_member(epoch, unit) is None:
                raise _Found(HitState.WAITING, unknown_party(unit))
        relative, item = _tidied(hit, pair, self._unseal(hit, epoch, pair))
        row = pair.registry.row
        return CasePair(
            number=hit.number,
            hit_id=hit.hit_id,
            epoch=eid,
            declaring_unit=refs.registry.unit,
            declaring_rid=refs.registry.rid,
            approving_unit=refs.beneficiary.unit,
            approving_rid=refs.beneficiary.rid,
            token=compute_token(suite, row.c_reg, row.c_ben),
            relative=relative,
            item=item,
        )

    def _unseal(self, hit: HitSummary, epoch: Epoch, pair: FlaggedPair) -> OpenedPair:
        try:
            return unseal_pair(self.key, epoch, pair)
        except UnsealError as error:
            if not error.disputed:
                kind = DisputeKind.ROW if error.culprit == MATCHER else DisputeKind.RECORD
                raise _blame(hit, kind, pair, error.culprit) from None
            units = {record.header.unit: None for record in (pair.registry, pair.beneficiary)}
            evidence = encode_pair(pair)
            dispute = Dispute(DisputeKind.PERSONS, tuple(units), hit.hit_id, "", evidence)
            raise _Found(HitState.DISPUTED, dispute) from None


def _tidied(
    hit: HitSummary, pair: FlaggedPair, opened: OpenedPair
) -> tuple[RelativePayload, ItemPayload]:
    """Both payloads as they are kept. Units may seal what the norm does not let them: they are blamed."""
    relative, item = tidy(opened.relative), tidy(opened.item)
    for payload, record in ((relative, pair.registry), (item, pair.beneficiary)):
        try:
            payload.encode()
        except InputError:
            raise _blame(hit, DisputeKind.RECORD, pair, record.header.unit) from None
    return relative, item


def _ref(record: FlaggedRecord) -> RecordRef:
    return RecordRef(record.header.side, record.header.unit, record.row.rid)


def _blame(
    hit: HitSummary,
    kind: DisputeKind,
    pair: FlaggedPair | None = None,
    answerable: str = MATCHER,
    detail: str = "",
) -> _Found:
    evidence = b"" if pair is None else encode_pair(pair)
    dispute = Dispute(kind, (answerable,), hit.hit_id, detail, evidence)
    return _Found(HitState.DISPUTED, dispute)


def leave_unproved(hit: HitSummary, kind: DisputeKind) -> Outcome:
    """What becomes of a hit that is not proved (``prove_hits``): nothing of it is fetched."""
    # Without a path it is tried again; a hit that is not in the log is none.
    state = HitState.LISTED if kind is DisputeKind.WITHHELD else HitState.DISPUTED
    return Outcome(hit.number, state, None, Dispute(kind, (MATCHER,), hit.hit_id))


def _unless_passing(error: ServiceError, hit: HitSummary) -> ServiceError | _Found:
    """The error itself, to end the round, or the dispute: the matcher does not give what it listed."""
    if is_passing(error):
        return error
    return _Found(HitState.LISTED, Dispute(DisputeKind.WITHHELD, (MATCHER,), hit.hit_id))
