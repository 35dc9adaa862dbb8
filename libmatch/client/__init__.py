"""What a holder's system embeds to take part in the match. Needs the ``grpc`` extra.

``Client`` is the whole of it, from plain rows to the gate's answer and the notices; ``libmatch.toml`` says
where keys, certificates and the matcher are (``libmatch.client.settings``)::

    with Client.open("libmatch.toml", now=lambda: datetime.now(UTC)) as client:
        rows = [ItemRow("2026-17", "110101199003077758", "王某", programme="危房改造")]
        prepared = client.prepare(rows)
        for row in prepared.rejected:
            print(row.ref, row.message_zh)
        client.submit()  # after a crash or without a network: again, it sends the stored bytes
        if client.clearance(["2026-17"])["2026-17"].clear:
            print("可以审批")
        for notice in client.notices():
            print(notice.ref, notice.problem_zh or notice.content.relation)

``MatcherClient`` is the matcher's services as typed calls, for the project's own services.
"""

from libmatch.client.embedded import Client, Prepared
from libmatch.client.gate import ItemClearance
from libmatch.client.inbox import Notice
from libmatch.client.matcher import IDEMPOTENT, MatcherClient
from libmatch.client.rows import ItemRow, RejectedRow, RelativeRow, Row
from libmatch.client.settings import ClientSettings, read_settings

__all__ = [
    "IDEMPOTENT",
    "Client",
    "ClientSettings",
    "ItemClearance",
    "ItemRow",
    "MatcherClient",
    "Notice",
    "Prepared",
    "RejectedRow",
    "RelativeRow",
    "Row",
    "read_settings",
]
