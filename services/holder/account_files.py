"""The file of one account: annex 4, pledge, opinion, filing and roles, and what it still lacks.

Values only. An account works when nothing is missing (R32, R33); who makes which step is in
``account_steps``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from libmatch.encoding import enc
from libmatch.identifiers import Identifier, Kind, Sex
from services.rules.accounts import Account
from services.rules.gaps import Missing
from services.rules.people import (
    ConfidentialityPledge,
    Education,
    FamilyMember,
    Filing,
    PartyOpinion,
    StaffForm,
    account_ready,
)
from services.rules.roles import SIGNERS, STAFF, Role

GRANTED = STAFF | SIGNERS | {Role.DISCIPLINE_ORGAN}
"""What a unit's account can be. Administrators stand in the settings, inspectors are 纪委's."""

_NEITHER = "是否责任领导、是否工作人员"  # what account_ready asks of every form

_UNSIGNED = ConfidentialityPledge("", None)
_NO_OPINION = PartyOpinion(None, False, None)
_NOT_FILED = Filing("", None)


@dataclass(frozen=True, repr=False)
class AccountFile:
    """One account as the unit holds it. ``discipline``: the person does discipline work (R56)."""

    login: str
    form: StaffForm
    discipline: bool
    roles: frozenset[Role] = frozenset()
    pledge: ConfidentialityPledge = _UNSIGNED
    opinion: PartyOpinion = _NO_OPINION
    filing: Filing = _NOT_FILED
    disabled: bool = False

    @property
    def digest(self) -> bytes:
        """SHA-256 over the form, 32 bytes: every later step names the form that it is about."""
        return hashlib.sha256(enc("staff-form", form_to_json(self.form).encode())).digest()

    def missing(self, on: date) -> tuple[Missing, ...]:
        """What stands between this account and its work on that day; empty when it works.

        Annex 4 asks for leader or worker; a form of neither (a signer, the discipline organ) is
        complete where it says so in both boxes (R32, R33).
        """
        found = account_ready(self.form, self.pledge, self.opinion, self.filing, on)
        if is_of_neither(self.form):
            found = tuple(gap for gap in found if gap.what_zh != _NEITHER)
        if not self.roles:
            found += (Missing("R64", "角色", "请安全管理员授予角色"),)
        return found

    def works(self, on: date) -> bool:
        """Whether the account may be used on that day."""
        return not self.disabled and not self.missing(on)

    def account(self, unit: str) -> Account | None:
        """The account as rules see it; None while it has no role, or no person."""
        if not self.roles or self.form.identifier is None:
            return None
        return Account(self.login, unit, self.form.identifier, self.roles, self.discipline)

    def __repr__(self) -> str:
        return f"<AccountFile {self.login}>"


def is_of_neither(form: StaffForm) -> bool:
    """Whether the form says that the person is neither leader nor worker."""
    return form.is_leader is False and form.is_worker is False


def form_to_json(form: StaffForm) -> str:
    """The form as JSON with sorted keys; ``json_to_form`` reads it."""
    values = asdict(form)
    identifier = form.identifier
    values |= {
        "born": form.born.isoformat() if form.born else None,
        "photo": form.photo.hex(),
        "identifier": [int(identifier.kind), identifier.idn] if identifier else None,
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def json_to_form(text: str) -> StaffForm:
    """The form that ``form_to_json`` wrote."""
    values: dict[str, Any] = json.loads(text)
    sex, born, identifier = (values[name] for name in ("sex", "born", "identifier"))
    values |= {
        "sex": Sex(sex) if sex else None,
        "born": date.fromisoformat(born) if born else None,
        "photo": bytes.fromhex(values["photo"]),
        "identifier": Identifier(Kind(identifier[0]), identifier[1]) if identifier else None,
        "full_time": Education(**values["full_time"]),
        "in_service": Education(**values["in_service"]),
        "family": tuple(FamilyMember(**row) for row in values["family"]),
    }
    return StaffForm(**values)
