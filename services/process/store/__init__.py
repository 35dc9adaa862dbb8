"""Queries on the tables that several services have in common."""
