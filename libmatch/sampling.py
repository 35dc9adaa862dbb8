"""Random samples whose seed nobody chose alone and which anyone can draw again (R51, R52).

A plan fixes what is drawn from before anything is random. Each party commits to bytes of its own, and
reveals them once all have committed; the seed follows from all reveals, the sample from the seed and
the items. Spec: docs/spec/sampling.md. Pure: randomness comes from the parties, nothing is stored.
Always SHA-256 and HMAC-SHA256, whatever an epoch's suite, as in the audit log.
"""

from __future__ import annotations

import heapq
import hmac
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from libmatch.encoding import dec, enc, exactly, u8, u32, uint
from libmatch.errors import EncodingError, InputError
from libmatch.suites import get_suite

DIGEST_SIZE = 32
NONCE_SIZE = 32  # of a reveal: hides a value that could be guessed, and adds to the seed
MAX_VALUE = 64
MAX_ITEM = 64
MIN_PARTIES, MAX_PARTIES = 2, 32
_MAX_TEXT = 200  # bytes of a title or of a party's name
_SUITE = get_suite(1)


class SampleError(InputError):
    """A step of a draw that does not hold. ``parties``: who is answerable or still missing."""

    def __init__(self, message: str, message_zh: str, parties: tuple[str, ...] = ()) -> None:
        super().__init__(message, message_zh)
        self.parties = parties


# --- the plan -----------------------------------------------------------------------------------


def sample_size(size: int, percent: int) -> int:
    """``percent`` of ``size`` items, rounded up: never less than the rule asks for (R51, R52)."""
    if size < 0 or not 1 <= percent <= 100:
        raise ValueError("a size is not negative, a percentage is 1 to 100")
    return -(-size * percent // 100)


def digest_population(items: Iterable[bytes]) -> tuple[bytes, int]:
    """Digest (32 bytes) and number of the items, whatever their order.

    Items are opaque ids of 1 to 64 bytes. Raises SampleError where one comes twice.
    """
    ordered = sorted(_item(item) for item in items)
    if any(one == other for one, other in itertools.pairwise(ordered)):
        raise SampleError("an item is in the population twice", "抽查总体中有重复的编号")
    return _SUITE.h(enc("draw-population", *ordered)), len(ordered)


def _item(item: bytes) -> bytes:
    if not 1 <= len(item) <= MAX_ITEM:
        raise EncodingError(f"an item id has 1 to {MAX_ITEM} bytes")
    return item


@dataclass(frozen=True)
class Plan:
    """What is drawn: ``percent`` of ``size`` items with the digest ``population``, by ``parties``.

    ``title`` says what for, and differs between any two draws. ``parties``: 2 to 32 names,
    ascending. ``replaces``: the digest of the plan of the void draw that this one repeats, or b"".
    """

    title: str
    percent: int
    parties: tuple[str, ...]
    population: bytes
    size: int
    replaces: bytes = b""

    def __post_init__(self) -> None:
        exactly(self.population, DIGEST_SIZE, "the digest of a population")
        if self.replaces:
            exactly(self.replaces, DIGEST_SIZE, "the digest of a plan")
        if self.size < 1:
            raise SampleError("nothing to draw from", "抽查总体为空，没有可抽查的对象")
        sample_size(self.size, self.percent)
        if not MIN_PARTIES <= len(self.parties) <= MAX_PARTIES:
            raise SampleError(
                "a seed needs 2 to 32 parties", "抽查种子须由2至32方共同产生，不能由一方单独决定"
            )
        if list(self.parties) != sorted(set(self.parties)):
            raise ValueError("parties are distinct and ascending")
        if not all(1 <= len(text.encode()) <= _MAX_TEXT for text in (self.title, *self.parties)):
            raise ValueError(f"titles and names of parties have 1 to {_MAX_TEXT} bytes of UTF-8")

    @property
    def count(self) -> int:
        """How many items are drawn; at least 1."""
        return sample_size(self.size, self.percent)

    @property
    def digest(self) -> bytes:
        """32 bytes that every commitment is bound to."""
        return _SUITE.h(self.encode())

    def encode(self) -> bytes:
        """The canonical encoding."""
        head = (self.title.encode(), u8(self.percent), self.population, u32(self.size))
        return enc("draw-plan", *head, self.replaces, *(party.encode() for party in self.parties))


def plan_draw(title: str, items: Iterable[bytes], percent: int, parties: Iterable[str]) -> Plan:
    """The plan of a first draw. Raises SampleError for no items, doubled ones, or one party alone."""
    population, size = digest_population(items)
    return Plan(title, percent, tuple(sorted(set(parties))), population, size)


# --- commit, then reveal ------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Reveal:
    """What ``party`` gives to the seed: a random nonce of 32 bytes and any value of 1 to 64 bytes.

    The value may be read off dice or a lottery in front of witnesses. Both are secret until every
    party has committed: repr shows neither.
    """

    party: str
    nonce: bytes
    value: bytes

    def __post_init__(self) -> None:
        exactly(self.nonce, NONCE_SIZE, "a nonce")
        if not 1 <= len(self.value) <= MAX_VALUE:
            raise EncodingError(f"a value has 1 to {MAX_VALUE} bytes")

    def encode(self, plan: Plan) -> bytes:
        """The canonical encoding, bound to the plan: a reveal is of no use in another draw."""
        return enc("seed-commit", plan.digest, self.party.encode(), self.nonce, self.value)

    def __repr__(self) -> str:
        return f"<Reveal of {self.party!r}>"


def commit(plan: Plan, reveal: Reveal) -> bytes:
    """The commitment of 32 bytes that its party publishes first."""
    return _SUITE.h(reveal.encode(plan))


@dataclass(frozen=True)
class Draw:
    """A plan with what has been committed and revealed so far, by party in the plan's order."""

    plan: Plan
    commitments: tuple[tuple[str, bytes], ...] = ()
    reveals: tuple[Reveal, ...] = ()

    def __post_init__(self) -> None:
        committed = dict(self.commitments)
        _require_order(self.plan, [party for party, _ in self.commitments])
        _require_order(self.plan, [reveal.party for reveal in self.reveals])
        for commitment in committed.values():
            exactly(commitment, DIGEST_SIZE, "a commitment")
        if self.reveals and self.uncommitted:
            raise SampleError(
                "revealed before all parties have committed",
                "各方尚未全部提交承诺，不能揭示：请等待" + "、".join(self.uncommitted),
                self.uncommitted,
            )
        for reveal in self.reveals:
            if not hmac.compare_digest(commit(self.plan, reveal), committed[reveal.party]):
                raise SampleError(
                    "a reveal is not what its party committed to",
                    f"{reveal.party}揭示的内容与其承诺不一致，请按承诺时的原值揭示",
                    (reveal.party,),
                )

    @property
    def uncommitted(self) -> tuple[str, ...]:
        """The parties that have not committed."""
        committed = {party for party, _ in self.commitments}
        return tuple(party for party in self.plan.parties if party not in committed)

    @property
    def unrevealed(self) -> tuple[str, ...]:
        """The parties that have not revealed, whether they have committed or not."""
        revealed = {reveal.party for reveal in self.reveals}
        return tuple(party for party in self.plan.parties if party not in revealed)

    @property
    def seed(self) -> bytes:
        """The seed of 32 bytes. Raises SampleError naming the parties whose reveals are missing."""
        if self.unrevealed:
            raise SampleError(
                "reveals are missing",
                "尚未揭示：" + "、".join(self.unrevealed) + "；全部揭示后才能确定抽查种子",
                self.unrevealed,
            )
        return _SUITE.h(enc("seed", *(reveal.encode(self.plan) for reveal in self.reveals)))

    def encode(self) -> bytes:
        """The canonical encoding, to be kept and published; ``decode_draw`` reads it."""
        commitments = enc("draw-commitments", *(made for _, made in self.commitments))
        reveals = enc("draw-reveals", *(reveal.encode(self.plan) for reveal in self.reveals))
        who = enc("draw-parties", *(party.encode() for party, _ in self.commitments))
        return enc("draw-record", self.plan.encode(), who, commitments, reveals)


def _require_order(plan: Plan, parties: list[str]) -> None:
    if parties != [party for party in plan.parties if party in parties]:
        raise ValueError("entries of a draw are by its parties, each once, in their order")


def add_commitment(draw: Draw, party: str, commitment: bytes) -> Draw:
    """The draw with one more commitment. Raises SampleError for a stranger and for a second one."""
    _require_party(draw.plan, party)
    if party not in draw.uncommitted:
        raise SampleError(
            "a party commits once", f"{party}已经提交承诺，不能更改；请按原承诺揭示", (party,)
        )
    made = dict((*draw.commitments, (party, commitment)))
    return replace(draw, commitments=tuple((p, made[p]) for p in draw.plan.parties if p in made))


def add_reveal(draw: Draw, reveal: Reveal) -> Draw:
    """The draw with one more reveal; the same one again changes nothing.

    Raises SampleError for a stranger, before all have committed, and where it is not what the
    party committed to.
    """
    _require_party(draw.plan, reveal.party)
    made = {one.party: one for one in (*draw.reveals, reveal)}
    return replace(draw, reveals=tuple(made[p] for p in draw.plan.parties if p in made))


def _require_party(plan: Plan, party: str) -> None:
    if party not in plan.parties:
        raise SampleError(
            "not a party of this draw",
            "不是本次抽查种子的产生方；参加方为：" + "、".join(plan.parties),
            (party,),
        )


def replan(draw: Draw) -> Plan:
    """The plan that repeats a draw which some parties left unfinished: the same, without them.

    They are named by the old draw, whose digest the new plan holds. Raises SampleError where
    nobody is missing, and where fewer than two parties are left: then ask others to take part.
    """
    missing = draw.unrevealed
    if not missing:
        raise SampleError("every party has revealed", "各方均已揭示，抽查结果有效，不能重抽")
    remaining = tuple(party for party in draw.plan.parties if party not in missing)
    if len(remaining) < MIN_PARTIES:
        raise SampleError(
            "fewer than two parties are left",
            "按时揭示的不足两方，请另行确定参加方后重新抽取；未揭示：" + "、".join(missing),
            missing,
        )
    return replace(draw.plan, parties=remaining, replaces=draw.plan.digest)


# --- the sample ---------------------------------------------------------------------------------


def draw_items(seed: bytes, items: Iterable[bytes], count: int) -> tuple[bytes, ...]:
    """The ``count`` items with the smallest PRF under the seed, smallest first.

    The order of the items does not matter, and a larger count only adds at the end. Raises
    ValueError where there are fewer items.
    """
    prf = _SUITE.prf_under(exactly(seed, DIGEST_SIZE, "a seed"))
    ranked = ((prf(enc("draw", _item(item))), item) for item in items)
    drawn = tuple(item for _, item in heapq.nsmallest(count, ranked))
    if count < 0 or len(drawn) < count:
        raise ValueError("no more can be drawn than there is")
    return drawn


def draw_sample(draw: Draw, items: Iterable[bytes]) -> tuple[bytes, ...]:
    """The items that the finished draw chooses, in the order of choice.

    Raises SampleError where reveals are missing or the items are not those of the plan.
    """
    population = list(items)
    if digest_population(population) != (draw.plan.population, draw.plan.size):
        raise SampleError(
            "the items are not those that the plan was made for",
            "抽查总体与抽取前公布的不一致：总体确定后不得增减，请用原总体重新计算",
        )
    return draw_items(draw.seed, population, draw.plan.count)


def verify_sample(draw: Draw, items: Iterable[bytes], drawn: Sequence[bytes]) -> None:
    """Nothing, where ``drawn`` is the sample in order. Raises SampleError otherwise."""
    if tuple(drawn) != draw_sample(draw, items):
        raise SampleError(
            "not the sample that follows from the seed",
            "抽查名单与按种子计算的结果不一致，请以计算结果为准",
        )


# --- reading back -------------------------------------------------------------------------------


def decode_plan(data: bytes) -> Plan:
    """The plan of ``Plan.encode``. Raises EncodingError, or SampleError for one that cannot be."""
    fields = dec("draw-plan", data)
    if len(fields) < 5:
        raise EncodingError("a plan has five fields and its parties")
    title, percent, population, size, replaces, *parties = fields
    names = tuple(map(_text, parties))
    try:
        return Plan(_text(title), uint(percent, 1), names, population, uint(size, 4), replaces)
    except ValueError:
        raise EncodingError("not a plan") from None


def decode_draw(data: bytes) -> Draw:
    """The draw of ``Draw.encode``. Raises EncodingError, or SampleError where it does not hold."""
    plan_bytes, who, made, revealed = dec("draw-record", data, 4)
    plan = decode_plan(plan_bytes)
    parties, commitments = dec("draw-parties", who), dec("draw-commitments", made)
    if len(parties) != len(commitments):
        raise EncodingError("a commitment has one party")
    reveals = tuple(_reveal(plan, one) for one in dec("draw-reveals", revealed))
    try:
        return Draw(plan, tuple(zip(map(_text, parties), commitments, strict=True)), reveals)
    except ValueError:
        raise EncodingError("not a draw") from None


def _reveal(plan: Plan, data: bytes) -> Reveal:
    digest, party, nonce, value = dec("seed-commit", data, 4)
    if digest != plan.digest:
        raise EncodingError("a reveal of another draw")
    return Reveal(_text(party), nonce, value)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise EncodingError("not UTF-8") from None
