"""The selective scan: every way to compute it gives what the recurrence says."""

import sys
from types import ModuleType

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from reno_store.foundation_models.audio_mamba import scan
from reno_store.foundation_models.audio_mamba.scan import (
    ScanInputs,
    scan_by_doubling,
    scan_by_steps,
    scan_fused,
    selective_scan,
)


def recurrence(u, delta, A, B, C, D, z):
    """One step after the other in float64, on (units, channels, states)."""
    u, delta, A, B, C, D, z = (tensor.double() for tensor in (u, delta, A, B, C, D, z))
    state = u.new_zeros(len(u), *A.shape)
    outputs = []
    for step in range(u.shape[1]):
        width = delta[:, step, :, None]
        state = torch.exp(width * A) * state + width * B[:, step, None] * u[:, step, :, None]
        outputs.append((state * C[:, step, None]).sum(-1))
    return (torch.stack(outputs, dim=1) + u * D) * functional.silu(z)


def inputs(n_units=2, n_steps=20, n_channels=16, n_states=24, *, seed=0, width=0.3):
    random = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=random)

    return ScanInputs(
        u=draw(n_units, n_steps, n_channels),
        delta=width * functional.softplus(draw(n_units, n_steps, n_channels)),
        A=-torch.exp(draw(n_channels, n_states)),
        B=draw(n_units, n_steps, n_states),
        C=draw(n_units, n_steps, n_states),
        D=draw(n_channels),
        z=draw(n_units, n_steps, n_channels),
    )


def relative_error(ours, expected):
    return float((ours.double() - expected).norm() / expected.norm())


def by_kernel(inputs):
    """`scan_fused` on a kernel that takes and gives (units, channels or states, steps)."""

    def kernel(u, delta, A, B, C, D=None, z=None):
        tensors = [tensor.transpose(1, 2) for tensor in (u, delta, B, C, z)]
        assert all(tensor.transpose(1, 2).is_contiguous() for tensor in tensors)
        u, delta, B, C, z = tensors
        return recurrence(u, delta, A, B, C, D, z).transpose(1, 2)

    return scan_fused(inputs, kernel)


WAYS = [selective_scan, scan_by_steps, scan_by_doubling, by_kernel]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_steps", [1, 2, 7, 8, 9, 31, 32, 33, 64, 251])
def test_scan_is_the_recurrence(way, n_steps):
    given = inputs(n_units=3, n_steps=n_steps)
    output = way(given)
    assert output.shape == given.u.shape
    assert relative_error(output, recurrence(*given)) < 1e-6


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("n_channels", "n_states"), [(1, 1), (3, 24), (40, 5)])
def test_scan_takes_any_number_of_channels_and_states(way, n_channels, n_states):
    given = inputs(n_channels=n_channels, n_states=n_states)
    assert relative_error(way(given), recurrence(*given)) < 1e-6


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [1e-6, 1.0, 30.0, 1000.0])
def test_decays_that_vanish_or_hardly_decay_do_no_harm(way, width):
    given = inputs(n_steps=100, width=width)
    output = way(given)
    assert output.isfinite().all()
    assert relative_error(output, recurrence(*given)) < 1e-5


@pytest.mark.parametrize("way", WAYS)
def test_inputs_may_be_slices_and_stay_as_they_were(way):
    given = inputs(n_units=2, n_steps=40, n_channels=12)
    sliced = ScanInputs(
        *(torch.cat([tensor, tensor], dim=-1)[..., : tensor.shape[-1]] for tensor in given)
    )
    before = [tensor.clone() for tensor in sliced]
    assert relative_error(way(sliced), recurrence(*given)) < 1e-6
    assert all(map(torch.equal, sliced, before))


@pytest.mark.parametrize("way", [selective_scan, scan_by_steps])
def test_unit_gets_the_same_bits_in_any_company(way):
    given = inputs(n_units=5, n_steps=50)
    together = way(given)
    for unit in range(5):
        alone = ScanInputs(
            *(tensor[unit : unit + 1] if tensor.ndim == 3 else tensor for tensor in given)
        )
        assert torch.equal(way(alone)[0], together[unit])


class Watch(TorchDispatchMode):
    """Notes the largest tensor that any operation gives, and how many threads it may use."""

    def __init__(self):
        super().__init__()
        self.largest = 0
        self.threads = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.threads.add(torch.get_num_threads())
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor):
                self.largest = max(self.largest, tensor.numel())
        return result


@pytest.mark.parametrize("way", [scan_by_steps, scan_by_doubling])
def test_no_tensor_grows_with_steps_times_states(way):
    largest = []
    for n_steps in (64, 128):
        given = inputs(n_units=1, n_steps=n_steps, n_channels=64)
        with Watch() as watch:
            way(given)
        largest.append(watch.largest)
    assert largest[0] == largest[1] < 64 * 64 * 24


def test_steps_keep_to_one_thread_and_give_the_others_back():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        given = inputs()
        with Watch() as watch:
            scan_by_steps(given)
        assert watch.threads == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_other_devices_than_a_cpu_double():
    given = ScanInputs(*(tensor.to("meta") for tensor in inputs()))
    with Watch() as watch:
        assert selective_scan(given).shape == given.u.shape
    assert watch.largest == 2 * 20 * 16 * 24


def test_kernel_is_taken_from_mamba_ssm_and_only_where_it_is_installed(monkeypatch):
    scan._fused_kernel.cache_clear()
    monkeypatch.setitem(sys.modules, "mamba_ssm.ops.selective_scan_interface", None)
    assert scan._fused_kernel() is None
    scan._fused_kernel.cache_clear()
    installed = ModuleType("mamba_ssm.ops.selective_scan_interface")
    installed.selective_scan_fn = recurrence
    monkeypatch.setitem(sys.modules, installed.__name__, installed)
    assert scan._fused_kernel() is recurrence
    scan._fused_kernel.cache_clear()
