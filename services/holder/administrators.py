"""The three administrators of a unit's service, as its settings name them (R64)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from services.chassis.config import Section
from services.rules.roles import Role

Login = Annotated[str, Field(pattern=r"^[a-z0-9_-][a-z0-9._-]{0,63}$")]


class Administrators(Section):
    """Logins of certificates ``/clerk/<unit>/<login>``; three different persons (R64)."""

    system: Login
    security: Login
    audit: Login

    @model_validator(mode="after")
    def _three_persons(self) -> Administrators:
        if len({self.system, self.security, self.audit}) != 3:
            raise ValueError("needs three different logins (R64)")
        return self

    def role_of(self, login: str) -> Role | None:
        """Which administrator ``login`` is; None for anybody else."""
        return {
            self.system: Role.SYSTEM_ADMIN,
            self.security: Role.SECURITY_ADMIN,
            self.audit: Role.AUDIT_ADMIN,
        }.get(login)
