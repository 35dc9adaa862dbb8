"""Revisions of the beneficiary service's database."""
