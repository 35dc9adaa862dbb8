"""The match at scale: the join of two token tables of any size, and of two columns of tokens in memory.

``memory`` joins columns, ``tables`` writes token tables as Parquet, ``join`` joins tables with an SQL engine.
``tables`` and ``join`` need the ``bulk`` extra when they are used, not when they are imported. No module here
can reach a key or an identifier: tokens are all that is seen.
"""
