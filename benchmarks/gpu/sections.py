"""The table of sections: what each is called, what it runs and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LOADING_LIMIT_S", "SECTIONS", "Section"]


@dataclass(frozen=True, slots=True)
class Section:
    """A section.

    Attributes
    ----------
    letter : str
        What ``--sections`` calls it.
    title : str
        For people.
    module : str
        Module of this package with a function ``run(setting, record)``.
    limit_s : float
        Seconds after which its process is stopped, in full size on a GPU.
    """

    letter: str
    title: str
    module: str
    limit_s: float


LOADING_LIMIT_S = 35
"""Seconds in which libraries are loaded once before the sections, from a cold disk."""

# In the order of their value: what comes last is what a short visit loses. With loading,
# limits add up to less than 8 minutes.
SECTIONS = (
    Section("a", "Correctness", "exactness", 90),
    Section("b", "Extraction against its peers", "extraction", 110),
    Section("c", "A whole build", "builds", 60),
    Section("d", "A fit of RENO", "fits", 50),
    Section("e", "A grid of 625 fits", "grids", 92),
    Section("f", "Too little memory", "scarcity", 38),
)
