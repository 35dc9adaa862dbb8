"""A plan of three parties and its draws, for the tests of libmatch.sampling."""

from __future__ import annotations

from libmatch.sampling import (
    Draw,
    Plan,
    Reveal,
    add_commitment,
    add_reveal,
    commit,
    plan_draw,
)

ITEMS = [f"case-{number}".encode() for number in range(25)]
PARTIES = ("audit", "commission", "organisation")


def reveal_of(party: str, value: bytes = b"4 2 6 1") -> Reveal:
    return Reveal(party, party.encode().ljust(32, b"."), value)


def committed(plan: Plan, parties: tuple[str, ...] = PARTIES) -> Draw:
    draw = Draw(plan)
    for party in parties:
        draw = add_commitment(draw, party, commit(plan, reveal_of(party)))
    return draw


def finished(plan: Plan, parties: tuple[str, ...] = PARTIES) -> Draw:
    draw = committed(plan, parties)
    for party in parties:
        draw = add_reveal(draw, reveal_of(party))
    return draw


PLAN = plan_draw("R52 2018", ITEMS, 10, PARTIES)
