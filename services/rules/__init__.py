"""The rules of the notice (R1 to R65) as plain functions and frozen values.

No database, no gRPC, no clock, no files but the packaged data: facts and dates are passed in, what
comes back is a value, and what a rule forbids raises ``RuleViolation`` with the rule's number. Of
the library it knows errors, relations and identifiers, and where a rule is about them clearances and
samples. Services import the modules one by one; this one imports nothing, so that whoever may not
see identifiers can use the others.
"""
