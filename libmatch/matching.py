"""The reference matcher: short, plain, and the oracle for every store and engine.

The match is the join of live records of opposite sides by token, each pair once, whatever the order of
arrival. Memory and time grow with the records and the hits; nothing is indexed twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from libmatch.records import Hit, RecordRef


def make_hit(a: RecordRef, b: RecordRef) -> Hit:
    """The hit of two records of opposite sides, registry first."""
    registry, beneficiary = sorted((a, b))
    return Hit(registry, beneficiary)


def match(records: Iterable[tuple[RecordRef, bytes]]) -> set[Hit]:
    """The full join of (record, token) pairs: every hit once."""
    matcher = ReferenceMatcher()
    return set(matcher.admit(records))


class ReferenceMatcher:
    """Matches records as they arrive; live records only."""

    def __init__(self) -> None:
        self._by_token: dict[bytes, tuple[set[RecordRef], set[RecordRef]]] = defaultdict(
            lambda: (set(), set())
        )
        self._token_of: dict[RecordRef, bytes] = {}

    def admit(self, records: Iterable[tuple[RecordRef, bytes]]) -> list[Hit]:
        """The new hits of new records, in order of arrival. A record that is live already adds none."""
        hits = []
        for ref, token in records:
            if ref in self._token_of:
                continue
            self._token_of[ref] = token
            sides = self._by_token[token]
            sides[ref.side - 1].add(ref)
            hits += [make_hit(ref, other) for other in sorted(sides[ref.side.other - 1])]
        return hits

    def withdraw(self, refs: Iterable[RecordRef]) -> None:
        """Forget records; unknown ones are ignored. Their hits are no longer hits."""
        for ref in refs:
            token = self._token_of.pop(ref, None)
            if token is not None:
                self._by_token[token][ref.side - 1].discard(ref)

    def live_hits(self) -> set[Hit]:
        """The join of the records that are live now."""
        return {
            make_hit(a, b)
            for registry, beneficiary in self._by_token.values()
            for a in registry
            for b in beneficiary
        }
