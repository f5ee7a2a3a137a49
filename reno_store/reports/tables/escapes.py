"""Words that mean nothing to LaTeX but themselves."""

from __future__ import annotations

__all__ = ["comment", "escape"]

_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        # Not \textquotedbl, which the default encoding OT1 lacks.
        '"': r"{\char34}",
        **{each: rf"\{each}" for each in "&%$#_{}"},
        # At the start of a row these would be read as options of the line break before it.
        **{each: f"{{{each}}}" for each in "[]*"},
        "−": r"\ensuremath{-}",
        "±": r"\ensuremath{\pm}",
    }
)


def escape(words: str) -> str:
    r"""Escape what is special to LaTeX; line breaks become spaces.

    Letters stay as they are: beyond Latin ones take XeLaTeX or LuaLaTeX.

    Examples
    --------
    >>> print(escape("a_b & 100 %"))
    a\_b \& 100 \%
    """
    return " ".join(words.split()).translate(_ESCAPES)


def comment(words: str) -> str:
    """Write a comment of one line, whatever line breaks there are in it."""
    return f"% {' '.join(words.split())}"
