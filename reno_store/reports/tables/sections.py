"""How the paper's tables call models and group pairs."""

from __future__ import annotations

from reno_store.studies import Study

__all__ = ["name_section", "short_name"]

_FAMILIES = {"mamba": "MAFM", "attention": "AAFM", "": "other"}


def short_name(study: Study, name: str) -> str:
    """Give the paper's letter for a model, or its name where it has none of its own.

    Two models of a store may be the same to the paper, such as WavLM in two precisions; then
    the letter does not tell them apart.
    """
    letter = study.model(name).letter
    alone = sum(each.letter == letter for each in study.models) == 1
    return letter if letter and alone else name


def name_section(study: Study, models: tuple[str, ...]) -> str:
    """Name the section of Table II that a pair belongs to: ``"AAFM + MAFM"``, say.

    Either way round it is the same; models that are neither Audio-Mambas nor attention-based
    are ``"other"``.
    """
    return " + ".join(sorted(_FAMILIES[study.model(name).family] for name in models))
