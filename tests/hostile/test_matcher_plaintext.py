"""Everything that the matcher wrote, searched byte by byte for what it must never hold."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from libmatch.client.messages import notice_to_pb
from libmatch.identifiers import Identifier
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.records import Side
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from libmatch.tokens import derive_halves
from tests.chassis_pki import Pki
from tests.district import District, item_payload, make_district, person, relative_payload
from tests.matcher_process import MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
PERSONS = [person(i) for i in range(40)]


def texts_of(payload: RelativePayload | ItemPayload) -> Iterator[str]:
    yield from (payload.person.idn, payload.name)
    if isinstance(payload, RelativePayload):
        yield from (payload.official.idn, payload.official_name, payload.official_unit)
        yield from (payload.relation, payload.official_post)
    else:
        yield from (payload.item_name, payload.programme, payload.capacity, payload.place)


def plaintexts() -> set[bytes]:
    """Every identifier, name and title that was sealed, in the encodings that a leak could have."""
    words = {
        text
        for who in PERSONS
        for payload in (relative_payload(who), item_payload(who))
        for text in texts_of(payload)
    }
    encodings = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
    return {word.encode(encoding) for word in words for encoding in encodings}


def secrets_of(district: District, who: Identifier) -> set[bytes]:
    """What only holders may know of an identifier: its two halves."""
    key = district.holder("reg-a").key
    halves = derive_halves(district.suite, key, int(who.kind), who.idn)
    return {halves.g_reg, halves.g_ben}


def private_keys(district: District) -> set[bytes]:
    parties = district.parties.values()
    return {
        *(share.reveal() for share in district.shares),
        *(keys.signing.reveal() for keys in parties),
        *(keys.hpke.reveal() for keys in parties),
        district.holder("reg-a").key.reveal(),
    }


def everything_in(folder: Path) -> bytes:
    """The bytes of all files below ``folder``: database, journal, logs, kit."""
    buffer = io.BytesIO()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            buffer.write(path.read_bytes())
    return buffer.getvalue()


def test_matcher_store_holds_no_plaintext(tmp_path: Path, pki: Pki) -> None:
    district = make_district(now=datetime.now(UTC))
    matcher = MatcherProcess(tmp_path / "matcher", district, pki)
    matcher.start()
    declared = district.seal("reg-a", REG, PERSONS)
    matcher.unit("reg-a").submit(declared.batch)
    items = district.seal("ben-a", BEN, random.Random(1).sample(PERSONS, 20))
    matcher.unit("ben-a").submit(items.batch)
    hits = matcher.review().ListHits(pb.ListHitsRequest()).hits
    for hit in hits:
        matcher.review().FetchHit(pb.FetchHitRequest(hit_id=hit.hit_id))
    notice = district.notify("ben-a", BEN, hits[0].hit_id)
    matcher.review().ReleaseNotice(pb.ReleaseNoticeRequest(notice=notice_to_pb(notice)))
    matcher.unit("ben-a").check_clearance(items.rids)
    matcher.unit("reg-a").withdraw(district.withdraw("reg-a", REG, declared.rids[:5], seq=2))
    matcher.kill()  # so that the journal stays, and is searched too
    stored = everything_in(matcher.folder)
    assert len(hits) == 20
    assert declared.batch.signature in stored  # the search finds what is there
    assert list((matcher.folder / "data").glob("*-wal"))
    forbidden = plaintexts() | private_keys(district)
    for who in PERSONS:
        forbidden |= secrets_of(district, who)
    assert [word for word in forbidden if word in stored] == []
