"""Columns in compiled code: the same results as the plain code of the library, without an object a row.

``tokens`` and ``rows`` are what the library uses, ``residents`` is called by ``libmatch.identifiers``.
Compiled by numba in the process that uses it (no compiler is needed); without numba everything works,
slower.
"""
