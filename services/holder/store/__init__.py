"""Every query on the tables of the unit's half: records, outbox, log memory, mailbox."""
