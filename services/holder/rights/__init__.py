"""What a person may ask of a unit, and what a unit must erase (R63, R65), in both of its services.

``records``: what is held, as the services' own stores tell it. ``answer``: to a person's request.
``purge``: what is due, and its end. ``trail``: the audit trail for its administrator.
"""
