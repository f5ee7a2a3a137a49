"""The selective scan of Mamba: a recurrence over time for every (state, channel) pair.

    h[t] = exp(delta[t] A) h[t-1] + delta[t] B[t] u[t]
    y[t] = (C[t] h[t] + D u[t]) silu(z[t])

(Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023.)
One function, `selective_scan`, and three ways to compute it:

- `scan_by_steps`, on a CPU: one unit at a time and a few time steps at a time, so that
  the decays and states of the moment stay in cache, with channels as the contiguous axis.
- `scan_by_doubling`, on any other device: log2 of the steps instead of all of them one by
  one, because there starting a step costs more than computing it.
- `scan_fused`, on CUDA where mamba_ssm is installed: its kernel.

Neither of the first two ever holds a tensor of time x state x channels.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.nn import functional

from reno_store.runtime.devices import one_thread

__all__ = ["scan_by_doubling", "scan_by_steps", "scan_fused", "selective_scan"]

_STEPS_IN_CACHE = 8
"""Time steps at once on a CPU: 4 to 16 are equally fast, more leave the cache."""

_STEPS_DOUBLED = 32
"""Time steps at once on other devices: bounds memory, five doublings each."""


@torch.no_grad()
def selective_scan(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor,
    z: torch.Tensor,
) -> torch.Tensor:
    """Run the recurrence over time, from a state of zeros. For inference: no gradients.

    Parameters
    ----------
    u : torch.Tensor, shape (n_units, n_steps, n_channels)
        The input.
    delta : torch.Tensor, shape (n_units, n_steps, n_channels)
        Step sizes, positive: bias and softplus already applied.
    A : torch.Tensor, shape (n_channels, n_states)
        Rates, negative.
    B, C : torch.Tensor, shape (n_units, n_steps, n_states)
        How the input enters the states, and how the output leaves them.
    D : torch.Tensor, shape (n_channels,)
        How much of the input goes straight to the output.
    z : torch.Tensor, shape (n_units, n_steps, n_channels)
        The gate, before its SiLU.

    Returns
    -------
    torch.Tensor, shape (n_units, n_steps, n_channels)
        In the type of the input. On a CPU a unit's values do not depend on the others.
    """
    if u.device.type == "cpu":
        return scan_by_steps(u, delta, A, B, C, D, z)
    if u.is_cuda and (kernel := _fused_kernel()) is not None:
        return scan_fused(u, delta, A, B, C, D, z, kernel=kernel)
    return scan_by_doubling(u, delta, A, B, C, D, z)


@torch.no_grad()
@one_thread()
def scan_by_steps(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor,
    z: torch.Tensor,
) -> torch.Tensor:
    """Step through time unit by unit, in cache; parameters as in `selective_scan`.

    Three things make it fast: the last axis of every tile is the long one (a last axis of
    24 states wastes most of a vector unit), exp2 of rates scaled beforehand (several times
    faster than exp on some processors), and two buffers that are written over and over.

    It keeps to one thread: a step is so short that threads wait longer for one another
    than they work, many times longer where other programs want the cores too.
    """
    rates = _base_2_rates(A)
    entering = delta * u
    y = torch.empty_like(u, memory_format=torch.contiguous_format)
    decays_of_chunk = u.new_empty(_STEPS_IN_CACHE, *rates.shape)
    state = torch.empty_like(rates)
    for unit in range(len(u)):
        state.zero_()
        entering_at, y_at = entering[unit, :, None, :].unbind(), y[unit, :, None, :].unbind()
        b_at, c_at = B[unit, :, :, None].unbind(), C[unit, :, None, :].unbind()
        for start in range(0, u.shape[1], _STEPS_IN_CACHE):
            widths = delta[unit, start : start + _STEPS_IN_CACHE, None, :]
            decays = torch.mul(widths, rates, out=decays_of_chunk[: len(widths)]).exp2_()
            for step, decay in enumerate(decays.unbind(), start):
                state.mul_(decay).addcmul_(b_at[step], entering_at[step])
                torch.mm(c_at[step], state, out=y_at[step])
    return y.addcmul_(u, D).mul_(functional.silu(z))


@torch.no_grad()
def scan_by_doubling(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor,
    z: torch.Tensor,
) -> torch.Tensor:
    """Double the span of the recurrence until it covers a chunk, all units at once.

    Parameters as in `selective_scan`. Two steps in a row are one step whose decay is the
    product and whose input is ``decay * first + second``; after k doublings every step
    spans 2**k of them. Decays only get smaller and nothing is divided by them, so one that
    underflows to zero means no more than a state forgotten.
    """
    rates = _base_2_rates(A)
    entering = delta * u
    state = u.new_zeros(len(u), *rates.shape)
    parts = []
    for start in range(0, u.shape[1], _STEPS_DOUBLED):
        span = slice(start, start + _STEPS_DOUBLED)
        decays = torch.exp2(delta[:, span, None, :] * rates)
        states = entering[:, span, None, :] * B[:, span, :, None]
        states[:, 0].addcmul_(decays[:, 0], state)
        shift, n_steps = 1, states.shape[1]
        while shift < n_steps:
            # Right sides are complete before anything is written: both sides overlap.
            states[:, shift:] = torch.addcmul(
                states[:, shift:], decays[:, shift:], states[:, :-shift]
            )
            decays[:, shift:] = decays[:, shift:] * decays[:, :-shift]
            shift *= 2
        parts.append((C[:, span, None, :] @ states)[:, :, 0])
        state = states[:, -1]
    return torch.cat(parts, dim=1).addcmul_(u, D).mul_(functional.silu(z))


@torch.no_grad()
def scan_fused(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor,
    z: torch.Tensor,
    *,
    kernel: Callable[..., torch.Tensor],
) -> torch.Tensor:
    """Hand the scan to mamba_ssm's ``selective_scan_fn``, which wants time as the last axis.

    Parameters as in `selective_scan`; `kernel` is that function.
    """
    time_last = (tensor.transpose(1, 2).contiguous() for tensor in (u, delta, B, C, z))
    u, delta, B, C, z = time_last
    return kernel(u, delta, A, B, C, D=D, z=z).transpose(1, 2)


def _base_2_rates(A: torch.Tensor) -> torch.Tensor:
    """Turn A so that ``exp2(delta * rates)`` is ``exp(delta * A)``; (n_states, n_channels)."""
    return (A * math.log2(math.e)).T.contiguous()


@cache
def _fused_kernel() -> Any:
    """Give mamba_ssm's kernel, None where it is not installed or does not fit torch."""
    try:
        return importlib.import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn
    except ImportError:
        return None
