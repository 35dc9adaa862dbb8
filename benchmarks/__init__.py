"""How fast it is, each measure beside its reference in the same run. ``python -m benchmarks``."""
