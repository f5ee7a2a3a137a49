"""The speakers of the demo and the effect of each emotion on a voice, from voices.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

__all__ = ["KNOTS", "NEUTRAL", "RECIPES", "SPEAKERS_BY_NAME", "TRACT_CM", "Recipe", "Speaker"]

# Tract length of the formants in the recipes.
TRACT_CM = 17.0
# Positions of contour values, as fractions of a clip: denser at the onset.
KNOTS = (0.0, 0.12, 0.4, 0.75, 1.0)


def _varying(by: float) -> Any:
    """Declare a recipe number and its relative standard deviation between clips."""
    return field(metadata={"by": by})


@dataclass(frozen=True, slots=True)
class Speaker:
    """The constant properties of a speaker."""

    f0_hz: float
    tract_cm: float
    # Factor on the breathed part.
    breathiness: float
    # Factor on the rate of bursts; durations are divided by it.
    tempo: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """The effect of an emotion on a voice; tuples of five are contours over ``KNOTS``."""

    duration_s: float = _varying(0.15)
    # Pitch as a multiple of the speaker's own.
    pitch: tuple[float, ...] = _varying(0.10)
    tremor_hz: float = _varying(0.15)
    tremor_depth: float = _varying(0.40)
    # Relative standard deviations of the period and of the amplitude from cycle to cycle.
    jitter: float = _varying(0.40)
    shimmer: float = _varying(0.40)
    # How far every second cycle is weakened: a growl's pitch one octave down.
    subharmonic: float = _varying(0.40)
    burst_hz: float = _varying(0.15)
    # Part of a burst's period that is voiced, and how deep the gap after it is.
    burst_duty: float = _varying(0.15)
    burst_depth: float = _varying(0.15)
    # Part of the pitch lost from the beginning to the end of a burst.
    burst_fall: float = _varying(0.40)
    # Root-mean-square amplitudes of the voiced and of the breathed part.
    voice: tuple[float, ...] = _varying(0.25)
    breath: tuple[float, ...] = _varying(0.35)
    # Frication in the throat or mouth, relative to breath, and where its spectrum peaks.
    friction: float = _varying(0.35)
    friction_hz: float = _varying(0.12)
    # Part of the cycle for which the glottis is open, and the corner of the source's low-pass.
    open_quotient: float = _varying(0.10)
    source_hz: float = _varying(0.30)
    # First three resonances as the clip begins and as it ends.
    opening_hz: tuple[float, float, float] = _varying(0.07)
    closing_hz: tuple[float, float, float] = _varying(0.07)
    # Peak amplitude, full scale being 1.
    peak: float = _varying(0.30)


def _recipe(numbers: Mapping[str, Any]) -> Recipe:
    values: dict[str, Any] = {
        name: tuple(of) if isinstance(of, list) else of for name, of in numbers.items()
    }
    return Recipe(**values)


_VOICES = tomllib.loads(resources.files(__package__).joinpath("voices.toml").read_text("utf-8"))

SPEAKERS_BY_NAME = {name: Speaker(**traits) for name, traits in _VOICES["speakers"].items()}
NEUTRAL = _recipe(_VOICES["neutral"])
RECIPES = {emotion: _recipe(numbers) for emotion, numbers in _VOICES["emotions"].items()}
