"""The speakers of the demo and the effect of each emotion on a voice: two tables."""

from __future__ import annotations

from dataclasses import dataclass, field
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


SPEAKERS_BY_NAME = {
    "s1": Speaker(f0_hz=98.0, tract_cm=18.2, breathiness=0.7, tempo=0.92),
    "s2": Speaker(f0_hz=112.0, tract_cm=17.3, breathiness=1.3, tempo=1.05),
    "s3": Speaker(f0_hz=126.0, tract_cm=17.8, breathiness=0.9, tempo=1.12),
    "s4": Speaker(f0_hz=140.0, tract_cm=16.6, breathiness=1.1, tempo=0.96),
    "s5": Speaker(f0_hz=178.0, tract_cm=15.6, breathiness=1.5, tempo=0.90),
    "s6": Speaker(f0_hz=196.0, tract_cm=14.9, breathiness=0.8, tempo=1.08),
    "s7": Speaker(f0_hz=212.0, tract_cm=15.2, breathiness=1.2, tempo=1.00),
    "s8": Speaker(f0_hz=232.0, tract_cm=14.3, breathiness=1.0, tempo=1.14),
}

# A plain "uh": what is left of every emotion as it is expressed more weakly.
NEUTRAL = Recipe(
    duration_s=0.8, pitch=(1.1, 1.15, 1.1, 1.05, 0.95), tremor_hz=5.0, tremor_depth=0.01,
    jitter=0.01, shimmer=0.05, subharmonic=0.05,
    burst_hz=3.5, burst_duty=0.7, burst_depth=0.2, burst_fall=0.05,
    voice=(0.4, 0.9, 1.0, 0.8, 0.2), breath=(0.09, 0.07, 0.05, 0.07, 0.09),
    friction=0.3, friction_hz=2800.0, open_quotient=0.6, source_hz=1500.0,
    opening_hz=(560.0, 1350.0, 2450.0), closing_hz=(530.0, 1300.0, 2400.0), peak=0.45,
)  # fmt: skip

RECIPES = {
    # A roar: loud, pressed and rough, every second cycle weak.
    "anger": Recipe(
        duration_s=0.85, pitch=(1.3, 1.8, 1.9, 1.6, 1.1), tremor_hz=12.0, tremor_depth=0.02,
        jitter=0.04, shimmer=0.15, subharmonic=0.55,
        burst_hz=3.0, burst_duty=0.8, burst_depth=0.1, burst_fall=0.05,
        voice=(0.7, 1.0, 1.0, 0.8, 0.3), breath=(0.11, 0.11, 0.11, 0.11, 0.14),
        friction=0.5, friction_hz=2600.0, open_quotient=0.42, source_hz=9000.0,
        opening_hz=(650.0, 1250.0, 2400.0), closing_hz=(700.0, 1200.0, 2450.0), peak=0.85,
    ),
    # "Ugh": low, creaky, closing into frication at the back of the mouth.
    "disgust": Recipe(
        duration_s=0.75, pitch=(1.05, 0.95, 0.8, 0.68, 0.6), tremor_hz=5.0, tremor_depth=0.01,
        jitter=0.07, shimmer=0.2, subharmonic=0.35,
        burst_hz=2.0, burst_duty=0.8, burst_depth=0.1, burst_fall=0.1,
        voice=(0.6, 1.0, 0.8, 0.35, 0.1), breath=(0.05, 0.05, 0.09, 0.27, 0.23),
        friction=1.6, friction_hz=1900.0, open_quotient=0.45, source_hz=1800.0,
        opening_hz=(560.0, 1500.0, 2400.0), closing_hz=(380.0, 1050.0, 2200.0), peak=0.45,
    ),
    # A scream: high, trembling, the mouth wide open.
    "fear": Recipe(
        duration_s=1.0, pitch=(2.4, 3.6, 3.9, 3.7, 2.8), tremor_hz=8.0, tremor_depth=0.05,
        jitter=0.02, shimmer=0.1, subharmonic=0.1,
        burst_hz=2.5, burst_duty=0.8, burst_depth=0.1, burst_fall=0.02,
        voice=(0.5, 1.0, 1.0, 0.9, 0.4), breath=(0.16, 0.07, 0.05, 0.07, 0.14),
        friction=0.4, friction_hz=3200.0, open_quotient=0.55, source_hz=3500.0,
        opening_hz=(750.0, 1550.0, 2650.0), closing_hz=(820.0, 1500.0, 2600.0), peak=0.8,
    ),
    # Laughter: voiced bursts with an "h" before each, falling in pitch and strength.
    "happiness": Recipe(
        duration_s=1.2, pitch=(1.9, 2.0, 1.8, 1.6, 1.35), tremor_hz=5.0, tremor_depth=0.01,
        jitter=0.02, shimmer=0.1, subharmonic=0.05,
        burst_hz=5.0, burst_duty=0.5, burst_depth=0.97, burst_fall=0.2,
        voice=(0.7, 1.0, 0.9, 0.6, 0.3), breath=(0.15, 0.11, 0.1, 0.1, 0.12),
        friction=0.4, friction_hz=3000.0, open_quotient=0.6, source_hz=2200.0,
        opening_hz=(700.0, 1450.0, 2550.0), closing_hz=(640.0, 1450.0, 2500.0), peak=0.6,
    ),
    # Sobbing: slow, breathy, falling moans.
    "sadness": Recipe(
        duration_s=1.35, pitch=(1.5, 1.6, 1.35, 1.1, 0.9), tremor_hz=6.0, tremor_depth=0.03,
        jitter=0.015, shimmer=0.08, subharmonic=0.03,
        burst_hz=2.2, burst_duty=0.65, burst_depth=0.7, burst_fall=0.2,
        voice=(0.4, 0.9, 1.0, 0.7, 0.2), breath=(0.16, 0.11, 0.11, 0.16, 0.23),
        friction=0.25, friction_hz=3000.0, open_quotient=0.75, source_hz=600.0,
        opening_hz=(480.0, 1150.0, 2450.0), closing_hz=(420.0, 1050.0, 2400.0), peak=0.3,
    ),
    # A gasp, then "oh!" on a rising pitch.
    "surprise": Recipe(
        duration_s=0.6, pitch=(1.3, 1.35, 1.6, 2.2, 2.7), tremor_hz=5.0, tremor_depth=0.01,
        jitter=0.01, shimmer=0.06, subharmonic=0.03,
        burst_hz=2.0, burst_duty=0.8, burst_depth=0.1, burst_fall=0.02,
        voice=(0.02, 0.05, 0.8, 1.0, 0.5), breath=(0.35, 0.55, 0.16, 0.05, 0.11),
        friction=0.5, friction_hz=3400.0, open_quotient=0.62, source_hz=2000.0,
        opening_hz=(650.0, 1600.0, 2600.0), closing_hz=(500.0, 950.0, 2400.0), peak=0.55,
    ),
}  # fmt: skip
