"""Wires the unit's half: what registry and beneficiary do alike when they start."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlmodel import Session

from libmatch.notices import HitNotice
from libmatch.prepare import Payload
from libmatch.records import Side
from services.chassis.config import ConfigError, DatabaseSettings
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.chassis.server import Runtime
from services.chassis.worker import Worker
from services.holder.accounts import Accounts
from services.holder.collect_notices import CollectNotices
from services.holder.config import UnitSettings
from services.holder.courier import Courier
from services.holder.export_outbox import ExportOutbox
from services.holder.follow_log import FollowLog
from services.holder.matcher import Matcher
from services.holder.material import Material, open_material
from services.holder.matters.acting import StepWriter
from services.holder.matters.facts import FactsOf
from services.holder.matters.rounds import MatterRounds
from services.holder.peers import open_matcher
from services.holder.seal_pending import SealPending
from services.holder.store.accounts import AccountStore
from services.holder.store.log_memory import LogMemory
from services.holder.store.mailbox import Mailbox
from services.holder.store.outbox import Load, Outbox
from services.holder.store.unsent import Unsent
from services.holder.sync import Sync
from services.rules.ruleset import packaged_rulesets


def check_material(settings: UnitSettings, runtime: Runtime, side: Side) -> Material:
    """The unit's material, once certificate, settings and kit agree on the unit.

    Raises ConfigError and what ``open_material`` raises.
    """
    own = runtime.identity
    if (own.role, own.name, own.login) != ("unit", settings.unit, ""):
        raise ConfigError([f"the certificate is of {own}, the settings are of {settings.unit}"])
    return open_material(settings.kit, settings.passphrase, settings.unit, side, runtime.now())


def open_database(stack: ExitStack, settings: DatabaseSettings, versions: Path) -> Database:
    """The migrated database, closed with ``stack``. Raises DatabaseError."""
    database = stack.enter_context(Database(settings))
    migrate(database, versions)
    return database


def open_accounts(settings: UnitSettings, runtime: Runtime, database: Database) -> Accounts:
    """The unit's accounts; the log says plainly where nobody is named to administer them."""
    if settings.administrators is None:
        structlog.get_logger().warning(
            "accounts.open", what="no [administrators]: every clerk of the unit may import and read"
        )
    store = AccountStore(database)
    return Accounts(store, settings.unit, settings.administrators, runtime.now)


@dataclass(frozen=True)
class UnitHalf:
    """The running half: rounds on demand and in the background, the matcher for the gate, and export."""

    sync: Sync
    worker: Worker
    matcher: Matcher
    export: ExportOutbox


def open_half(
    stack: ExitStack,
    settings: UnitSettings,
    runtime: Runtime,
    material: Material,
    database: Database,
    load: Load[Payload],
    save: Callable[[Session, bytes, HitNotice], None],
    facts: FactsOf,
) -> UnitHalf:
    """The half over ``database``; its channel is closed with ``stack``. Turns the epoch if needed."""
    channel, matcher = open_matcher(settings.matcher, settings.tls)
    stack.callback(channel.close)
    sync = make_sync(database, matcher, material, runtime, load, save, facts)
    worker = Worker("sync", settings.sync_interval_s, sync.run_in_background)
    return UnitHalf(sync, worker, matcher, make_export(database, material, runtime, load))


def make_export(
    database: Database, material: Material, runtime: Runtime, load: Load[Payload]
) -> ExportOutbox:
    """The outbox as files; beside the rounds, each step of both is a transaction."""
    epoch_id = material.epoch.epoch_id
    seal = SealPending(Outbox(database, epoch_id), material, load, runtime.now)
    return ExportOutbox(Unsent(database, epoch_id), seal, runtime.now)


def make_sync(
    database: Database,
    matcher: Matcher,
    material: Material,
    runtime: Runtime,
    load: Load[Payload],
    save: Callable[[Session, bytes, HitNotice], None],
    facts: FactsOf,
) -> Sync:
    """The rounds of one unit and side. What a former epoch sealed is made pending again."""
    outbox = Outbox(database, material.epoch.epoch_id)
    turned = outbox.turn_epoch(runtime.now())
    if turned:
        structlog.get_logger().info("epoch.turned", records=turned)
    outbox.resume()
    memory = LogMemory(database, material.manifest.log_key)
    district = runtime.identity.trust_domain
    rules = packaged_rulesets()
    writer = StepWriter(material, rules, runtime.now)
    matters = MatterRounds(database, material, matcher, rules, writer, facts, runtime.now)
    return Sync(
        outbox,
        SealPending(outbox, material, load, runtime.now),
        FollowLog(memory, matcher, material, district, runtime.now),
        CollectNotices(Mailbox(database, save, matters.open_case), matcher, material, runtime.now),
        Courier(outbox, matcher, material),
        matters,
    )
