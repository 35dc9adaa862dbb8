"""Whom 纪委's workstation calls, and who calls it: gRPC in, library values out.

``review`` and ``log`` are the matcher's services for 纪委; ``desk`` is this service as its officers'
programs see it.
"""
