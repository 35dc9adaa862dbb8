"""Revisions of the inspector's database."""
