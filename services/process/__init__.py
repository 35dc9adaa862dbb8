"""What the units' services and 纪委's share of the process: its steps as bytes, and what they come to.

Every party of a matter folds the same steps by the same rules (``services.rules``), so this package is
importable by all of them and knows none of them.
"""
