"""The steps of people on versions of declarations: pledge, sign, enter, review, hand back, confirm.

The official signs paper; the worker records the signature with its date. The signer of R22 signs the
digest of what he saw. Entering puts the content into the match, in one transaction (R21).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from services.chassis.identity import Identity
from services.holder.reasons import check_reason
from services.holder.references import new_ref
from services.registry.import_plan import plan_import
from services.registry.signoff.acting import (
    ActOnVersions,
    Doing,
    Moment,
    Seen,
    require_same_step,
    require_unchanged,
)
from services.registry.signoff.content import to_enter
from services.registry.signoff.staging import pledge_version, what_keeps_a_draft
from services.registry.signoff.versions import OPEN, Placing, StagedVersion, history_of
from services.registry.store import Store
from services.registry.store import signoff as store
from services.registry.store.signoff import Transaction
from services.rules import entry
from services.rules.declaration import TruthPledge
from services.rules.entry import State
from services.rules.readings import OpinionBox
from services.rules.roles import Action, Role
from services.rules.signing import require_not_self
from services.rules.versions import confirm
from services.rules.violation import RuleViolation

ANY_STEP = (Action.SIGN_DECLARATION, Action.IMPORT_DECLARATIONS, Action.REVIEW_DECLARATIONS)
"""The rights of whoever has a version before him: one of them is enough to hand it back."""

SIGN_STEP = (Action.SIGN_DECLARATION, Action.REVIEW_DECLARATIONS)
"""The signer of R22; the responsible leader where R23 asks for a second signature."""


class SignOffDesk:
    """Each call is about 1 to 2,000 versions, and gives them as they then are.

    Raises RuleViolation for the wrong person, order or content, Conflict where somebody was faster,
    NotFound, InvalidRequest; Refused where the unit has no administrators. Nothing is kept then.
    """

    def __init__(self, act: ActOnVersions, records: Store, wake: Callable[[], None]) -> None:
        self._act = act
        self._records = records
        self._wake = wake

    def place(
        self, caller: Identity, seen: Sequence[Seen], placing: Placing
    ) -> list[StagedVersion]:
        """Records which posts these officials have, and where: it decides who signs (R22)."""

        def change(at: Moment) -> StagedVersion:
            require_unchanged(at.version, at.seen)
            if at.version.state not in (State.DRAFT, State.PLEDGED):
                raise RuleViolation(
                    "R22",
                    "the post is stated before the signature",
                    "已签署意见的申报不能再改人员类别，请先退回",
                )
            where = at.version.declaration.reporter.unit
            at.placer.right(placing, where, at.today)
            return replace(at.version, placing=placing)

        doing = Doing(caller, "place-official", (Action.IMPORT_DECLARATIONS,))
        return self._act.run(doing, seen, change)

    def record_pledge(
        self, caller: Identity, seen: Sequence[Seen], signed_on: date
    ) -> list[StagedVersion]:
        """Records that the officials signed and dated the pledge on their paper forms (R19)."""

        def change(at: Moment) -> StagedVersion:
            require_unchanged(at.version, at.seen)
            name = at.version.declaration.reporter.name
            version = replace(at.version, signature=TruthPledge(name, signed_on))
            if version.state is State.DRAFT and version.refused_rows:
                raise RuleViolation(
                    "R19",
                    "rows of the form were not taken; mend them first",
                    f"不能登记承诺：{what_keeps_a_draft(version)}",
                )
            return pledge_version(version, at.earlier, at.today, at.rules)

        doing = Doing(caller, "record-pledge", (Action.IMPORT_DECLARATIONS,))
        return self._act.run(doing, seen, change)

    def sign(self, caller: Identity, seen: Sequence[Seen]) -> list[StagedVersion]:
        """Signs the opinion on the content that was seen (R22 to R24).

        Where the rules in force ask for a second signature in the box of annex 2, the responsible
        leader signs first, and the version waits on for the signer of R22 (R23).
        """

        def change(at: Moment) -> StagedVersion:
            require_same_step(at.version, at.seen)
            if _signs_the_box(at):
                return replace(at.version, box=at.account)
            by = (at.right(), at.account, at.seen.digest, at.today, at.rules)
            course = entry.sign(at.version.course, *by, box=at.version.box)
            return replace(at.version, course=course)

        return self._act.run(Doing(caller, "sign", SIGN_STEP), seen, change)

    def enter(self, caller: Identity, seen: Sequence[Seen]) -> list[StagedVersion]:
        """Enters what is signed: from here on its relatives are matched (R21, R37)."""

        def change(at: Moment) -> StagedVersion:
            require_same_step(at.version, at.seen)
            course = entry.enter(at.version.course, at.account, at.seen.digest)
            return replace(at.version, course=course)

        doing = Doing(caller, "enter", (Action.IMPORT_DECLARATIONS,))
        done = self._act.run(doing, seen, change, self._put_into_match)
        self._wake()
        return done

    def _put_into_match(
        self, session: Transaction, versions: Sequence[StagedVersion], at: datetime
    ) -> None:
        forms = [to_enter(version.declaration, version.signature) for version in versions]
        self._records.apply_plan(
            session,
            [version.official for version in versions],
            [form.official.name for form in forms],
            lambda known: plan_import(forms, known, new_ref),
            at,
            withdraw_left_out=True,
        )

    def review(self, caller: Identity, seen: Sequence[Seen]) -> list[StagedVersion]:
        """Reviews what was entered: the responsible leader, another person than the worker (R31)."""

        def change(at: Moment) -> StagedVersion:
            require_unchanged(at.version, at.seen)
            return replace(at.version, course=entry.review(at.version.course, at.account))

        return self._act.run(Doing(caller, "review", (Action.REVIEW_DECLARATIONS,)), seen, change)

    def hand_back(self, caller: Identity, seen: Sequence[Seen], reason: str) -> list[StagedVersion]:
        """Gives them back to be mended; what was signed is void, what is matched stays so (R31)."""
        why = check_reason(reason)

        def change(at: Moment) -> StagedVersion:
            require_unchanged(at.version, at.seen)
            _require_latest(at)
            course = entry.hand_back(at.version.course, at.account, why, at.right())
            entered = at.version.was_entered or not at.version.is_open
            back = replace(at.version, course=course, reported=None, box=None)
            return replace(back, handed_back=why, was_entered=entered)

        return self._act.run(Doing(caller, "hand-back", ANY_STEP, why), seen, change)

    def discard(self, caller: Identity, seen: Sequence[Seen], reason: str) -> list[StagedVersion]:
        """Removes drafts that were never entered: made by mistake, such as under a wrong number."""
        why = check_reason(reason)

        def change(at: Moment) -> StagedVersion:
            require_unchanged(at.version, at.seen)
            if at.version.state is not State.DRAFT or at.version.was_entered:
                raise RuleViolation(
                    "R20",
                    "a version that was reported is kept; hand it back, or report a change",
                    "已承诺、签署或录入过的申报不能删除，请退回修改或报告变化",
                )
            return at.version

        def remove(session: Transaction, versions: Sequence[StagedVersion], at: datetime) -> None:
            del at
            store.remove_versions(session, versions)

        doing = Doing(caller, "discard-draft", (Action.CORRECT_DECLARATIONS,), why)
        return self._act.run(doing, seen, change, remove)

    def confirm(
        self, caller: Identity, seen: Sequence[Seen], confirmed_on: date
    ) -> list[StagedVersion]:
        """Records that the officials confirmed their versions: nothing has changed (R20)."""

        def change(at: Moment) -> StagedVersion:
            require_unchanged(at.version, at.seen)
            _require_latest(at)
            if confirmed_on > at.today or at.version.state in OPEN:
                raise RuleViolation(
                    "R20",
                    "an entered version is confirmed, on a day that is not in the future",
                    "只能确认已录入的版本，且确认日期不得晚于今天",
                )
            history = history_of([*at.earlier, at.version])
            confirm(history, confirmed_on, at.rules)
            store.add_confirmation(at.session, at.version, confirmed_on, at.at)
            return at.version

        doing = Doing(caller, "confirm-declaration", (Action.IMPORT_DECLARATIONS,))
        return self._act.run(doing, seen, change)


def _signs_the_box(at: Moment) -> bool:
    """Whether this is the second signature of R23, by the unit's responsible leader."""
    asked = at.rules.opinion_box is OpinionBox.RESPONSIBLE_LEADER
    if not asked or Role.RESPONSIBLE_LEADER not in at.account.roles:
        return False
    require_not_self(at.account, at.version.official)
    require_unchanged(at.version, at.seen)
    if at.version.state is not State.PLEDGED or at.version.box is not None:
        raise RuleViolation(
            "R23",
            "the box is signed once, between the pledge and the signature of R22",
            "责任领导在本人承诺之后、签署意见之前签署一次",
        )
    return True


def _require_latest(at: Moment) -> None:
    if not at.latest:
        raise RuleViolation(
            "R20",
            "a newer version replaces this one; work on that",
            "该报告人已有新的版本，请在新的版本上办理",
        )
