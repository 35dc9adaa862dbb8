"""Declarations on their way into the match: pledged, signed as R22 says, entered, reviewed (R14 to R24)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.signoff.v1 import signoff_pb2 as pb
from libmatch.stubs.signoff.v1 import signoff_pb2_grpc
from tests.campaign.papers import declaration_sheet
from tests.campaign.staff import (
    DISCIPLINE_HEAD,
    IN_CHARGE,
    LEADER,
    PARTY_HEAD,
    VILLAGE_LEADER,
    WORKER,
)
from tests.campaign.story import Official
from tests.campaign.year import REASON, Year

SIGNERS = {
    "PARTY_HEAD": DISCIPLINE_HEAD,
    "LEADING_MEMBER": PARTY_HEAD,
    "SECTION": IN_CHARGE,
    "VILLAGE_CADRE": VILLAGE_LEADER,
}
"""Who signs for whom (R22)."""


class Registry:
    """The people of a reporting unit at their declarations."""

    def __init__(self, year: Year, unit: str) -> None:
        self.year = year
        self.unit = unit

    def as_(self, login: str) -> signoff_pb2_grpc.SignOffStub:
        return signoff_pb2_grpc.SignOffStub(self.year.site.clerk(self.unit, "registry", login))

    def stage(self, officials: Sequence[Official], **options: object) -> core_pb2.ImportReport:
        """The worker brings the forms of officials who have the same kind of post."""
        (kind,) = {official.kind for official in officials}
        first = pb.StageOptions(post=f"POST_KIND_{kind}", **options)  # type: ignore[arg-type]
        chunk = core_pb2.FileChunk(file_name="报告表.csv", data=declaration_sheet(officials))
        request = pb.StageSheetRequest(options=first, chunk=chunk)
        return self.as_(WORKER).StageSheet(iter([request])).report

    def versions(self, login: str, *states: str) -> list[pb.Version]:
        """What is in these states, as that person sees it."""
        wanted = [f"VERSION_STATE_{state}" for state in states]
        request = pb.ListVersionsRequest(states=wanted, reason=REASON)  # type: ignore[arg-type]
        return list(self.as_(login).ListVersions(request).versions)

    def sign_all(self) -> None:
        """Each signer signs all that he may sign."""
        for signer in sorted(set(SIGNERS.values())):
            if signer == VILLAGE_LEADER and not self._is_township:
                continue
            mine = [one.seen for one in self.versions(signer, "PLEDGED") if one.mine]
            if mine:
                self.as_(signer).Sign(pb.SignRequest(versions=mine))

    @property
    def _is_township(self) -> bool:
        return any(o.kind == "VILLAGE_CADRE" for o in self.year.story.officials_of(self.unit))

    def enter_all(self) -> None:
        """The worker enters what is signed, the leader reviews it."""
        signed = [one.seen for one in self.versions(WORKER, "SIGNED")]
        self.as_(WORKER).Enter(pb.EnterRequest(versions=signed))
        entered = [one.seen for one in self.versions(LEADER, "ENTERED")]
        self.as_(LEADER).Review(pb.ReviewRequest(versions=entered))


def declare_all(year: Year, unit: str, signed_on: date) -> None:
    """The unit's first declarations go all the way; wrong steps on the way are refused."""
    registry, officials = Registry(year, unit), year.story.officials_of(unit)
    for kind in dict.fromkeys(official.kind for official in officials):
        own = [official for official in officials if official.kind == kind]
        report = registry.stage(own, signed_on=signed_on.isoformat())
        assert (report.rows_refused, report.records_new) == (0, len(own)), report
    _refuse_wrong_steps(registry)
    registry.sign_all()
    registry.enter_all()
    for official in officials:
        year.model.declare(
            unit, official.person.idn, {p.idn: r for r, p in official.relatives}, year.today
        )


def _refuse_wrong_steps(registry: Registry) -> None:
    """Nothing is entered unsigned (R21), signed by the wrong person (R22), or by oneself (R24)."""
    year, pledged = registry.year, registry.versions(WORKER, "PLEDGED")
    assert len(pledged) == len(year.story.officials_of(registry.unit))
    head = next(one.seen for one in pledged if one.post == pb.POST_KIND_PARTY_HEAD)
    member = next(one.seen for one in pledged if one.post == pb.POST_KIND_LEADING_MEMBER)
    year.refused("R21", registry.as_(WORKER).Enter, pb.EnterRequest(versions=[head]))
    year.refused("R22", registry.as_(IN_CHARGE).Sign, pb.SignRequest(versions=[head]))
    year.refused("R24", registry.as_(PARTY_HEAD).Sign, pb.SignRequest(versions=[head]))
    year.refused("R24", registry.as_(IN_CHARGE).Sign, pb.SignRequest(versions=[member]))
