"""Synthetic non-verbal vocalizations from a source-filter model of the voice.

A glottal pulse train and aspiration noise pass through the resonances of a vocal tract. A
recipe per emotion sets the source, the tract and the rhythm, and a speaker scales them. The
clips are cheap, repeatable and contain nobody's data. They resemble laughs, sobs and screams
well enough to test a pipeline; results on them are not results about people.
"""

from __future__ import annotations

from dataclasses import fields
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from scipy.interpolate import PchipInterpolator

from reno_store.demo.recipes import (
    KNOTS,
    NEUTRAL,
    RECIPES,
    SPEAKERS_BY_NAME,
    TRACT_CM,
    Recipe,
    Speaker,
)

__all__ = ["EMOTIONS", "SPEAKERS", "synthesize"]

Samples = NDArray[np.float64]

# Twice the usual 16 kHz, at which the jump at glottal closure would alias audibly.
_RATE_HZ = 32_000
_SPEED_OF_SOUND_CM_S = 35_000.0
_HIGHEST_FORMANT_HZ = 9_000.0
_SHORTEST_S, _LONGEST_S = 0.4, 1.6
# Below this rate, vocalizations can hardly be distinguished.
_LOWEST_RATE_HZ = 4_000


EMOTIONS: tuple[str, ...] = tuple(sorted(RECIPES))
SPEAKERS: tuple[str, ...] = tuple(SPEAKERS_BY_NAME)

_SIZES = [np.size(getattr(NEUTRAL, number.name)) for number in fields(Recipe)]
_SPREAD = np.repeat([number.metadata["by"] for number in fields(Recipe)], _SIZES)
# The spread between speakers in how they express an emotion, and between takes, in multiples
# of the spread in the recipe. Without the first, known speakers would hardly be easier to
# classify than new ones.
_MANNER, _TAKE = 1.3, 0.8
# The range of a take between neutral (0) and the recipe of the emotion (1).
_WEAKEST, _STRONGEST = 0.5, 1.1


def _numbers(recipe: Recipe) -> Samples:
    """Return the numbers of a recipe, in order, as one vector."""
    return np.hstack([getattr(recipe, number.name) for number in fields(Recipe)])


def _draw_recipe(emotion: str, manner: np.random.Generator, take: np.random.Generator) -> Recipe:
    """Vary the recipe of an emotion, for the manner of a speaker and for one take."""
    neutral, full = _numbers(NEUTRAL), _numbers(RECIPES[emotion])
    strength = take.uniform(_WEAKEST, _STRONGEST)
    # Log-normal factors keep every rate, level and width above zero.
    noise = _MANNER * manner.standard_normal(full.size) + _TAKE * take.standard_normal(full.size)
    drawn = np.maximum(neutral + strength * (full - neutral), 0.0) * np.exp(_SPREAD * noise)
    parts = np.split(drawn, np.cumsum(_SIZES)[:-1])
    values: list[Any] = [tuple(part) if part.size > 1 else float(part[0]) for part in parts]
    return Recipe(*values)


def _contour(values: tuple[float, ...], position: Samples) -> Samples:
    """Return a smooth curve without overshoot through values at the knots of a clip."""
    curve: Samples = PchipInterpolator(KNOTS, values)(position)
    return curve


def _resonate(sound: Samples, formants_hz: tuple[float, ...], tract_cm: float) -> Samples:
    """Filter a source by the resonances of a vocal tract, each with unit gain at 0 Hz."""
    # Resonances above the third hardly depend on the vowel, so those of a tube are used.
    spacing_hz = _SPEED_OF_SOUND_CM_S / (2 * TRACT_CM)
    upper_hz = np.arange(3.5 * spacing_hz, _HIGHEST_FORMANT_HZ, spacing_hz)
    centre_hz = np.concatenate([formants_hz, upper_hz]) * TRACT_CM / tract_cm
    radius = np.exp(-np.pi * (50.0 + 0.03 * centre_hz) / _RATE_HZ)
    middle, last = -2 * radius * np.cos(2 * np.pi * centre_hz / _RATE_HZ), radius**2
    one, zero = np.ones_like(radius), np.zeros_like(radius)
    sections = np.column_stack([1 + middle + last, zero, zero, one, middle, last])
    filtered: Samples = signal.sosfilt(sections, sound)
    return filtered


def _cycles(
    rate_hz: Samples, deviation: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], Samples]:
    """Return for each sample its irregular cycle and its position in it, from 0 to 1."""
    regular = np.floor(np.cumsum(rate_hz) / _RATE_HZ).astype(np.intp)
    factor = np.exp(deviation * rng.standard_normal(regular[-1] + 1))
    phase = np.cumsum(rate_hz * factor[regular]) / _RATE_HZ
    index = np.floor(phase).astype(np.intp)
    return index, phase - index


def _pulses(f0_hz: Samples, recipe: Recipe, rng: np.random.Generator) -> Samples:
    """Return the flow derivative of a glottis that opens slowly and closes at once."""
    index, fraction = _cycles(f0_hz, recipe.jitter, rng)
    open_quotient = min(recipe.open_quotient, 0.95)
    opened = fraction / open_quotient
    pulses = np.where(opened < 1, opened * (2 - 3 * opened), 0.0)
    strength = np.exp(recipe.shimmer * rng.standard_normal(index[-1] + 1))
    strength[1::2] *= 1 - min(recipe.subharmonic, 0.9)
    pole = np.exp(-2 * np.pi * recipe.source_hz / _RATE_HZ)
    softened: Samples = signal.lfilter([1 - pole], [1, -pole], pulses * strength[index])
    return softened


def _vocalise(recipe: Recipe, speaker: Speaker, rng: np.random.Generator) -> Samples:
    """Return the sound of a recipe at ``_RATE_HZ``, in arbitrary units of amplitude."""
    duration_s = np.clip(recipe.duration_s / speaker.tempo, _SHORTEST_S, _LONGEST_S)
    time_s = np.arange(round(duration_s * _RATE_HZ)) / _RATE_HZ
    position = time_s / duration_s

    burst_hz = np.full(time_s.size, recipe.burst_hz * speaker.tempo)
    _, fraction = _cycles(burst_hz, 0.06, rng)
    through = np.minimum(fraction / min(recipe.burst_duty, 0.95), 1.0)
    gate = 1 - min(recipe.burst_depth, 1.0) * (1 - np.sin(np.pi * through) ** 0.7)

    tremor = np.sin(2 * np.pi * (recipe.tremor_hz * time_s + rng.uniform()))
    drift = np.interp(time_s, np.arange(0.0, 2.0, 0.06), rng.standard_normal(34))
    f0_hz = speaker.f0_hz * _contour(recipe.pitch, position)
    f0_hz *= 1 + recipe.tremor_depth * tremor + 0.01 * drift
    f0_hz *= 1 - min(recipe.burst_fall, 0.6) * through

    pulses = _pulses(f0_hz, recipe, rng)
    noise = rng.standard_normal(time_s.size)
    sources = np.stack([pulses, noise])
    opening = _resonate(sources, recipe.opening_hz, speaker.tract_cm)
    closing = _resonate(sources, recipe.closing_hz, speaker.tract_cm)
    voiced, breathed = opening + position * (closing - opening)
    hiss = signal.lfilter(*signal.iirpeak(recipe.friction_hz, 2.0, _RATE_HZ), noise)

    voiced /= voiced.std()
    rough = breathed / breathed.std() + recipe.friction * hiss / hiss.std()
    breath = speaker.breathiness * _contour(recipe.breath, position)
    mixed: Samples = _contour(recipe.voice, position) * gate * voiced + breath * rough
    return mixed


def synthesize(
    emotion: str, speaker: str, take: int, sample_rate_hz: int = 16000
) -> NDArray[np.float32]:
    """Synthesize one vocalization.

    Parameters
    ----------
    emotion
        One of ``EMOTIONS``.
    speaker
        One of ``SPEAKERS``.
    take
        Number of the rendition, from 0 on.
    sample_rate_hz
        Sample rate of the clip, at least 4000; the voice is the same at any rate.

    Returns
    -------
    numpy.ndarray
        Mono samples, shape ``(n_samples,)``, within [-1, 1] of full scale; 0.4 s to 1.6 s.

    Raises
    ------
    ValueError
        If the emotion or speaker is unknown, the take is negative, or the rate is below 4000.

    Examples
    --------
    >>> laugh = synthesize("happiness", "s5", take=0)
    >>> laugh.dtype, laugh.ndim, 0.4 <= laugh.size / 16000 <= 1.6
    (dtype('float32'), 1, True)
    """
    if emotion not in EMOTIONS:
        raise ValueError(f"unknown emotion {emotion!r}; choose from {', '.join(EMOTIONS)}")
    if speaker not in SPEAKERS:
        raise ValueError(f"unknown speaker {speaker!r}; choose from {', '.join(SPEAKERS)}")
    if take < 0:
        raise ValueError(f"take must be 0, 1, 2 or more, got {take}")
    if sample_rate_hz < _LOWEST_RATE_HZ:
        raise ValueError(f"sample_rate_hz must be {_LOWEST_RATE_HZ} or more, got {sample_rate_hz}")

    who = (SPEAKERS.index(speaker), EMOTIONS.index(emotion))
    rng = np.random.default_rng([1, *who, take])
    recipe = _draw_recipe(emotion, np.random.default_rng([0, *who]), rng)
    sound = _vocalise(recipe, SPEAKERS_BY_NAME[speaker], rng)

    step = gcd(sample_rate_hz, _RATE_HZ)
    sound = signal.resample_poly(sound, sample_rate_hz // step, _RATE_HZ // step)
    ramp = np.minimum(np.arange(sound.size) / (0.02 * sample_rate_hz), 1.0)
    sound *= ramp * ramp[::-1]
    sound *= min(recipe.peak, 0.95) / np.abs(sound).max()
    # Faint room noise: no recording is digitally silent, and logarithms need a value above 0.
    sound += 0.001 * rng.standard_normal(sound.size)
    clip: NDArray[np.float32] = sound.astype(np.float32)
    return clip
