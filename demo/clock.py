"""The clock of the demo's district: the machine's, moved forward by as much as a file says.

The services of a demo live through the seven days of a publication in a moment. Real districts have no such
file: a service is handed its clock by whoever starts its process (``demo.child``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True)
class MovedClock:
    """Real time plus the seconds in the file ``path``; without the file, real time."""

    path: Path

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._offset()

    def move_to(self, moment: datetime) -> None:
        """Lets it be ``moment`` now, for everybody who reads this file.

        Raises ValueError for a moment in its past: time never runs backwards in a district.
        """
        if moment < self():
            raise ValueError("a district's clock is not set back")
        replacement = self.path.with_name(f"{self.path.name}.new")
        seconds = (moment - datetime.now(UTC)).total_seconds()
        replacement.write_text(f"{seconds:.6f}\n", encoding="ascii")
        replacement.replace(self.path)

    def _offset(self) -> timedelta:
        try:
            return timedelta(seconds=float(self.path.read_text("ascii")))
        except FileNotFoundError:
            return timedelta(0)
