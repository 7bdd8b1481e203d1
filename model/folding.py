"""How texts are made comparable, for where there is no graph to do it: the same folding as in `model.text`."""

from __future__ import annotations

import re
from unicodedata import normalize

# What can't be seen (Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt): soft hyphens, zero-width
# blanks, fillers, marks of direction, variation selectors, tags.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def fold(text: str) -> str:
    """NFKC and case folding in one and without what can't be seen: NFKC_Casefold (The Unicode Standard, D147).

    The same as `model.text.normalize` for every character that Python's tables know.
    """
    folded = normalize("NFKC", normalize("NFD", text).casefold()).casefold()
    return _INVISIBLE.sub("", normalize("NFKC", folded))
