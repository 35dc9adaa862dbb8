"""The shared Alembic environment; each service keeps its own ``migrations/versions``."""
