"""The selective scan of Mamba: a recurrence over time for every (state, channel) pair.

    h[t] = exp(delta[t] A) h[t-1] + delta[t] B[t] u[t]
    y[t] = (C[t] h[t] + D u[t]) silu(z[t])

(Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023.)
One function, `selective_scan`, and three ways to compute it:

- `scan_by_steps`, on a CPU: one unit and a few time steps at a time, so that decays and
  states stay in cache, with channels as the contiguous axis. transformers' own scan takes
  about ten times as long.
- `scan_by_doubling`, on any other device: log2 of the number of steps, because starting a
  step costs more there than computing it.
- `scan_fused`, on CUDA with mamba_ssm installed: its kernel.

The first two never hold a tensor of time x state x channels.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from reno_store.runtime.devices import one_thread

__all__ = ["ScanInputs", "scan_by_doubling", "scan_by_steps", "scan_fused", "selective_scan"]

_STEPS_IN_CACHE = 8
"""Time steps at once on a CPU: 4 to 16 are equally fast, more do not fit the cache."""

_STEPS_DOUBLED = 32
"""Time steps at once on other devices: limits memory; five doublings each."""


class ScanInputs(NamedTuple):
    """Everything that the recurrence needs.

    Attributes
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
    """

    u: torch.Tensor
    delta: torch.Tensor
    A: torch.Tensor
    B: torch.Tensor
    C: torch.Tensor
    D: torch.Tensor
    z: torch.Tensor

    @property
    def base_2_rates(self) -> torch.Tensor:
        """A scaled so that ``exp2(delta * rates)`` is ``exp(delta * A)``; transposed."""
        return (self.A * math.log2(math.e)).T.contiguous()


def selective_scan(inputs: ScanInputs) -> torch.Tensor:
    """Run the recurrence over time, from a state of zeros. For inference: no gradients.

    Returns
    -------
    torch.Tensor, shape (n_units, n_steps, n_channels)
        In the type of the input. On a CPU the values of a unit do not depend on the others.
    """
    if inputs.u.device.type == "cpu":
        return scan_by_steps(inputs)
    if inputs.u.is_cuda and (kernel := _fused_kernel()) is not None:
        return scan_fused(inputs, kernel)
    return scan_by_doubling(inputs)


@torch.no_grad()
@one_thread()
def scan_by_steps(inputs: ScanInputs) -> torch.Tensor:
    """Step through time unit by unit, in cache.

    Three things make it fast: the last axis of every tile is the long one (a last axis of
    24 states wastes most of a vector unit), exp2 of rates scaled beforehand (several times
    faster than exp on some processors), and two buffers that are reused.

    It uses one thread: a step is so short that threads wait for each other longer than they
    work, many times longer where other programs use the cores too.
    """
    u, delta, _, B, C, D, z = inputs
    rates = inputs.base_2_rates
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
def scan_by_doubling(inputs: ScanInputs) -> torch.Tensor:
    """Double the span of the recurrence until it covers a chunk, all units at once.

    Two steps in a row are one step whose decay is the product and whose input is
    ``decay * first + second``; after k doublings every step spans 2**k of them. Decays only
    get smaller and are never divided by, so one that underflows to zero is just a forgotten
    state.
    """
    u, delta, _, B, C, D, z = inputs
    rates = inputs.base_2_rates
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
def scan_fused(inputs: ScanInputs, kernel: Callable[..., torch.Tensor]) -> torch.Tensor:
    """Call mamba_ssm's ``selective_scan_fn``, which takes time as the last axis."""
    time_last = (
        tensor.transpose(1, 2).contiguous()
        for tensor in (inputs.u, inputs.delta, inputs.B, inputs.C, inputs.z)
    )
    u, delta, B, C, z = time_last
    return kernel(u, delta, inputs.A, B, C, D=inputs.D, z=z).transpose(1, 2)


@cache
def _fused_kernel() -> Any:
    """Return mamba_ssm's kernel, None where it is not installed or does not fit torch."""
    try:
        return importlib.import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn
    except ImportError:
        return None
