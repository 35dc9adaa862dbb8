"""Names for comparison: people write the same one in several ways."""

from __future__ import annotations

import unicodedata


def fold_name(name: str) -> str:
    """The name for comparison: NFKC without case, spaces, punctuation and invisible characters.

    买买提·艾力 is written with half a dozen dots, and 王　芳 with a space of any width.
    """
    folded = unicodedata.normalize("NFKC", name)
    return "".join(c for c in folded if unicodedata.category(c)[0] not in "CPZ").casefold()
