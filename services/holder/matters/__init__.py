"""The matters of a unit: what is known of each case, every step that was made, and its reports.

Both services of a unit use it alike. The rules are in ``services.rules``; this package keeps steps in
order, lets only one of two people win, and carries steps to and from the other unit of the case.
"""
