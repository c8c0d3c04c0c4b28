r"""The regular expressions of site rules: a small part of the language, which no text can slow down.

A pattern is pieces of fixed length in their order, with ``.*`` between them: ``mDIXON.*_W\b``. The leftmost
place of a piece leaves the most room to the rest, so pieces are looked for one after the other and there is
nothing to go back to, where a general engine may try every place of every gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from SeriesClassifierLib.errors import UsageError

MOST_TEXT = 256
MOST_PATTERN = 200
MOST_GAPS = 4
GAP = ".*"

_FLAGS = re.IGNORECASE | re.DOTALL
_CLASS = r"\[\^?(?:(?!--)[^\[\]\\&|~^])+\]"
_ATOM = re.compile(
    rf"\.\*|\\[bdDsSwW]|\\[^0-9A-Za-z]|\(\?<?[!=]{_CLASS}\)|{_CLASS}|[.^$|]|[^\\.^$|*+?{{}}()\[\]]", re.DOTALL
)
_WHAT_IS_KNOWN = r"letters, digits, . .* | ^ $ \b \d [abc] (?![abc]) (?<![abc]), others after a backslash"
_WORD = re.compile(r"[^\W_]+")
# A number in a name changes with the settings (b800); one digit is part of the name (t2, 3d).
_NUMBERED = re.compile(r"([^\W\d_]+)\d{2,}", re.ASCII)
# Words up to this length are found inside others: W in WATERFALL.
SHORT = 2
# The plainest boundary comes first; the last one holds beside whatever is no letter and no digit.
_BEFORE = (r"\b", "_", "(?<![a-z0-9])")
_AFTER = (r"\b", "_", "(?![a-z0-9])")


def atoms(pattern: str) -> tuple[str, ...]:
    """The pattern cut into what stands for one character or place, ``.*`` and ``|``.

    Raises UsageError for what site rules do not know, such as other repetitions.
    """
    if not pattern or len(pattern) > MOST_PATTERN:
        raise UsageError(f"a pattern has 1 to {MOST_PATTERN} characters: shorten it or make two rules of it")
    if not pattern.isprintable():
        raise UsageError(f"the pattern {pattern!r} has characters that do not show: write . for each")
    found, place = [], 0
    while place < len(pattern):
        atom = _ATOM.match(pattern, place)
        if atom is None:
            raise UsageError(
                f"the pattern {pattern!r} is not understood from {pattern[place:]!r} on: use {_WHAT_IS_KNOWN}"
            )
        found.append(atom.group())
        place = atom.end()
    return tuple(found)


def alternatives(pattern: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """The alternatives of a pattern, each as its pieces, each as its atoms. Raises UsageError."""
    split: list[list[list[str]]] = [[[]]]
    for atom in atoms(pattern):
        if atom == "|":
            split.append([[]])
        elif atom == GAP:
            split[-1].append([])
        else:
            split[-1][-1].append(atom)
    if any(not any(pieces) for pieces in split):
        raise UsageError(f"the pattern {pattern!r} holds for every text: write what must be there")
    if any(len(pieces) - 1 > MOST_GAPS for pieces in split):
        raise UsageError(f"the pattern {pattern!r} has more than {MOST_GAPS} times {GAP}: use fewer")
    return tuple(tuple(tuple(piece) for piece in pieces) for pieces in split)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> tuple[tuple[re.Pattern[str], ...], ...]:
    try:
        return tuple(
            tuple(re.compile("".join(piece), _FLAGS) for piece in pieces) for pieces in alternatives(pattern)
        )
    except re.error as error:
        raise UsageError(f"the pattern {pattern!r} is no regular expression ({error}): correct it") from error


def check(pattern: str) -> None:
    """Raises UsageError, which says what to change, unless ``pattern`` can be used."""
    _compiled(pattern)


def found(pattern: str, text: str) -> bool:
    r"""Whether ``pattern`` holds somewhere in the first 256 characters of ``text``, in any case of letters.

    The answer is that of ``re.search`` with IGNORECASE and DOTALL. Raises UsageError for a bad pattern.

    >>> found(r"mDIXON.*_W\b", "WIP mdixon_all_w"), found(r"mDIXON.*_W\b", "mDIXON_WATERFALL")
    (True, False)
    """
    text = text[:MOST_TEXT]
    return any(_in_order(pieces, text) for pieces in _compiled(pattern))


def _in_order(pieces: Sequence[re.Pattern[str]], text: str) -> bool:
    place = 0
    for piece in pieces:
        match = piece.search(text, place)
        if match is None:
            return False
        place = match.end()
    return True


def tokens(text: str) -> tuple[str, ...]:
    """The words of a description as they are written, without plain numbers."""
    return tuple(word for word in _WORD.findall(text[:MOST_TEXT]) if not word.isdigit())


def general(word: str) -> str:
    """A word with ``#`` for the number at its end, when it has more than one digit.

    >>> general("b1000"), general("t2")
    ('b#', 't2')
    """
    numbered = _NUMBERED.fullmatch(word)
    return f"{numbered.group(1)}#" if numbered else word


def wordings(words: Sequence[str], texts: Iterable[str]) -> list[str]:
    r"""Patterns for ``words`` in their order that hold for all ``texts``, the one to prefer first.

    ``#`` at the end of a word stands for a number. In the first pattern only short words have boundaries, in
    the second one all have. [] when the words are too many or not in that order in every text.

    >>> wordings(("mDIXON", "W"), ["mDIXON_W", "mDIXON_all_W"])[0]
    'mDIXON.*_W\\b'
    >>> wordings(("b#",), ["ep2d b1000", "ep2d b50"])
    ['\\bb\\d']
    """
    texts = list(texts)
    patterns = []
    for longest_bounded in (SHORT, MOST_TEXT):
        for before, after in ((_BEFORE, _AFTER), (_BEFORE[-1:], _AFTER[-1:])):
            bounds = [(b, a) for b in before for a in after]
            pattern = GAP.join(_piece(word, texts, longest_bounded, bounds) for word in words)
            if pattern in patterns or (_usable(pattern) and all(found(pattern, text) for text in texts)):
                patterns.append(pattern)
                break
    return list(dict.fromkeys(patterns))


def _usable(pattern: str) -> bool:
    return len(pattern) <= MOST_PATTERN and pattern.count(GAP) <= MOST_GAPS


def _piece(word: str, texts: Sequence[str], longest_bounded: int, bounds: Sequence[tuple[str, str]]) -> str:
    """The word as a pattern; a short one with the first of ``bounds`` that all texts have."""
    name = word.rstrip("#")
    piece = re.escape(name) + (r"\d" if name != word else "")
    if len(name) > longest_bounded:
        return piece
    bounded = (f"{before}{piece}" if name != word else f"{before}{piece}{after}" for before, after in bounds)
    return next((p for p in bounded if all(found(p, text) for text in texts)), piece)
