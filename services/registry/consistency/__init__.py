"""Undeclared relatives among officials, found without anyone's plaintext (docs/spec/letters.md).

Of each official here it is asked whether the relatives that he declares among officials declare him, and of
each official here whom others so declare, whether he declares them. A finding is a lead to look into (R53),
never a violation.
"""
