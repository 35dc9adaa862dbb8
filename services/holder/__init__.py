"""A unit's half of the protocol: what its registry and its beneficiary service have in common.

Key material at start, the outbox of sealed batches, the courier that sends it, the memory of the
log, received notices. Knows no declaration and no item; imported by those two services alone.
"""
