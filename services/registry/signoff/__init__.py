"""From a form to the match: versions of declarations, signed, entered and reviewed (R14 to R24, R31).

Used where the unit's settings name administrators. Without them (a trial) an import puts declarations
straight into the match, as ``services.registry.import_sheet`` does.
"""
