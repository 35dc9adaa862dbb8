"""Proves hits in the audit log, a whole run of consecutive leaves with one path.

The hits of one batch are consecutive leaves, and 纪委 knows every entry. A complete subtree of known entries
needs the path of its first leaf only: the siblings inside are computed here, the matcher gives those above,
and together they lead to the signed root only where each entry of the subtree stands in the log. Where that
fails, each leaf is proved by itself, so that just the false ones are blamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from libmatch.auditlog import Checkpoint, encode_hit_leaf, hash_entry, log_hash
from libmatch.errors import LogError, ServiceError
from libmatch.merkle import prove_position, verify_position
from services.inspector.matcher import HitSummary, Log, is_passing
from services.inspector.side_by_side import Crew
from services.inspector.states import DisputeKind

Failures = dict[int, DisputeKind]
"""Number of a hit that could not be proved → NOT_LOGGED, or WITHHELD where no path was given."""


@dataclass(frozen=True)
class ProveHits:
    """Proofs from one log."""

    log: Log

    def run(self, crew: Crew, hits: Sequence[HitSummary], checkpoint: Checkpoint) -> Failures:
        """The hits that are not proved. Raises ServiceError where the matcher is out of reach."""
        found, error = crew.run(
            lambda tree: self._prove(tree, checkpoint), list(cut_subtrees(hits))
        )
        if error is not None:
            raise error
        return {number: kind for failures in found for number, kind in failures.items()}

    def _prove(self, tree: Sequence[HitSummary], checkpoint: Checkpoint) -> Failures:
        first, hashes = tree[0], [_hash(hit) for hit in tree]
        own = prove_position(log_hash, hashes, 0)
        try:
            above = self._path(first, checkpoint)[len(own) :]
            verify_position(
                log_hash,
                hashes[0],
                first.leaf_index,
                checkpoint.size,
                own + above,
                checkpoint.root,
            )
        except LogError:
            return self._prove_each(tree, checkpoint, DisputeKind.NOT_LOGGED)
        except ServiceError as error:
            if is_passing(error):
                raise
            return self._prove_each(tree, checkpoint, DisputeKind.WITHHELD)
        return {}

    def _path(self, hit: HitSummary, checkpoint: Checkpoint) -> list[bytes]:
        if hit.leaf_index >= checkpoint.size:
            raise LogError("the leaf lies beyond the log")
        return self.log.fetch_path(hit.leaf_index, checkpoint.size)

    def _prove_each(
        self, tree: Sequence[HitSummary], checkpoint: Checkpoint, kind: DisputeKind
    ) -> Failures:
        if len(tree) == 1:
            return {tree[0].number: kind}
        failures: Failures = {}
        for hit in tree:
            failures |= self._prove([hit], checkpoint)
        return failures


def cut_subtrees(hits: Sequence[HitSummary]) -> Iterator[Sequence[HitSummary]]:
    """``hits`` in pieces whose leaves are complete subtrees: 2^k consecutive ones from a multiple of 2^k."""
    ordered = sorted(hits, key=lambda hit: hit.leaf_index)
    start = 0
    while start < len(ordered):
        first, size = ordered[start].leaf_index, 1
        while first % (2 * size) == 0 and _is_run(ordered[start : start + 2 * size], 2 * size):
            size *= 2
        yield ordered[start : start + size]
        start += size


def _is_run(hits: Sequence[HitSummary], size: int) -> bool:
    first = hits[0].leaf_index
    return len(hits) == size and all(
        hit.leaf_index == first + offset for offset, hit in enumerate(hits)
    )


def _hash(hit: HitSummary) -> bytes:
    return hash_entry(encode_hit_leaf(hit.hit_id, hit.found_at_us))
