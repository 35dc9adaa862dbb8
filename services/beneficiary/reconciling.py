"""The proposed and the actual beneficiaries of the unit's items side by side (R61), for its own staff."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from libmatch.china_time import china_day
from libmatch.identifiers import Identifier
from services.beneficiary.entries import ItemEntry, PersonEntry
from services.beneficiary.lists import ListKind
from services.beneficiary.store import Store
from services.chassis.identity import Identity
from services.holder.accounts import Accounts
from services.process.store.trail import Trail
from services.rules.catalogue import Catalogue
from services.rules.reconcile import Finding, Share, post_due_on, reconcile
from services.rules.ruleset import RuleSet, RuleSets
from services.rules.violation import RuleViolation


@dataclass(frozen=True, repr=False)
class ReconciledItem:
    """What one item comes to. ``due_on``: until when its actual list is to be there, None: not yet known.

    ``findings`` is empty before there is an actual list; ``names``: of the persons in them.
    """

    item: ItemEntry
    has_pre: bool
    has_post: bool
    due_on: date | None
    overdue: bool
    findings: tuple[Finding[Identifier], ...]
    names: dict[Identifier, str]


class ReconcileItems:
    """Compares lists in force; those that wait for a signature say nothing yet."""

    def __init__(
        self, store: Store, accounts: Accounts, catalogue: Catalogue, rules: RuleSets
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._catalogue = catalogue
        self._rules = rules

    def run(self, actor: Identity, item_refs: Collection[str], reason: str) -> list[ReconciledItem]:
        """The items with these numbers; of all items those with a difference or overdue, if none is named.

        RuleViolation R63 without a reason.
        """
        now, why = self._accounts.now(), self._accounts.look_reason(reason)
        held = self._store.read_shares(item_refs, Trail(now, actor, "list-reconciled", reason=why))
        today = china_day(now)
        rules = self._rules.on(today)
        found = (self._reconcile(item, persons, rules, today) for item, persons in held if persons)
        return [one for one in found if item_refs or one.findings or one.overdue]

    def _reconcile(
        self, item: ItemEntry, persons: Sequence[PersonEntry], rules: RuleSet, today: date
    ) -> ReconciledItem:
        pre, post = (list(_shares(persons, kind)) for kind in (ListKind.PRE, ListKind.POST))
        due = self._due(item, rules, today)
        findings = reconcile(pre or None, post).findings if post else ()
        return ReconciledItem(
            item=item,
            has_pre=bool(pre),
            has_post=bool(post),
            due_on=due,
            overdue=not post and due is not None and due < today,
            findings=findings,
            names={person.identifier: person.name for person in persons},
        )

    def _due(self, item: ItemEntry, rules: RuleSet, today: date) -> date | None:
        """From the day on which it was done; a fund is paid when it starts, a project ends some day."""
        done = item.finished
        if done is None and self._is_paid_at_start(item, today):
            done = item.start
        return None if done is None else post_due_on(done, rules)

    def _is_paid_at_start(self, item: ItemEntry, today: date) -> bool:
        for name in filter(None, (item.programme, item.item_name)):
            try:
                category = self._catalogue.classify(name, item.start or today).category
            except RuleViolation:
                continue
            return category is None or category.is_fund
        return True


def _shares(persons: Sequence[PersonEntry], kind: ListKind) -> Iterator[Share[Identifier]]:
    """Each natural or legal person once: in the first capacity on the list of that kind."""
    met = set[Identifier]()
    for person in persons:
        if person.is_listed(kind) and person.identifier not in met:
            met.add(person.identifier)
            post = kind is ListKind.POST
            amount = person.post_amount_fen if post else person.pre_amount_fen
            yield Share(person.identifier, person.capacity, amount)
