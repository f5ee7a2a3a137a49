"""An accelerator that is not there, to run on the CPU what is written for a GPU.

A tensor "on" it keeps its numbers in an ordinary tensor, and every operator is computed on
that, so results are real; but it is refused beside a tensor of the CPU wherever CUDA would
refuse it, and what would have a GPU wait, or be launched on it, is counted. `install` makes it
torch's device "pretend" and has the package read "pretend" where its source says "cuda", so
that the very branches written for CUDA are run. That is for the whole process and for good:
call it in a process of its own, before the package is imported.
"""

import math
import sys
from collections import Counter
from functools import cache
from types import SimpleNamespace

import torch
from factories.renamed_source import Finder
from torch.utils._pytree import tree_flatten, tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

__all__ = ["COUNTS", "MEMORY", "PretendTensor", "install"]

NAME = "pretend"
COUNTS = Counter()
"""launches; syncs, for which the CPU waits until the device is idle; to_device, to_cpu: copies."""

MEMORY = SimpleNamespace(largest=math.inf)
"""largest: bytes of a tensor, of which the device has no more."""

aten = torch.ops.aten

_libraries = []
_WITHOUT_KERNEL = {
    "_unsafe_view",
    "empty",
    "empty_like",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
}
_WITH_A_SYNC = {"nonzero", "masked_select", "unique_dim", "_unique2", "_assert_async", "equal"}


class PretendTensor(torch.Tensor):
    """A tensor on the device; its numbers lie in `inner`."""

    @staticmethod
    def __new__(cls, inner):
        # A view whose windows overlap has more elements than memory.
        if min(inner.nbytes, inner.untyped_storage().nbytes()) > MEMORY.largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more.")
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=f"{NAME}:0",
        )
        made.inner = inner
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __repr__(self, **_):
        return f"PretendTensor({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, operator, types, args=(), kwargs=None):
        return _run(operator, args, kwargs or {})


class _Generator:
    """The device's default generator. torch cannot make one of its class for such a device."""

    def __init__(self):
        self.own = torch.Generator().manual_seed(0)
        self.get_state, self.set_state = self.own.get_state, self.own.set_state

    def manual_seed(self, seed):
        # Other numbers than the CPU's, as a GPU's are.
        self.own.manual_seed(seed ^ 0x5EED)
        return self


class _Module:
    """What `torch.cuda` is to CUDA."""

    default_generators = (_Generator(),)

    def init(self):
        pass

    def is_available(self):
        return True

    def is_initialized(self):
        return True

    def _is_in_bad_fork(self):
        return False

    def device_count(self):
        return 1

    def current_device(self):
        return 0

    def empty_cache(self):
        COUNTS["emptied"] += 1

    def mem_get_info(self, device=None):
        return 2**30, 2**31

    def get_amp_supported_dtype(self):
        return [torch.bfloat16, torch.float16]

    def manual_seed_all(self, seed):
        self.default_generators[0].manual_seed(seed)

    def get_rng_state(self, device=None):
        return self.default_generators[0].get_state()

    def set_rng_state(self, state, device=None):
        self.default_generators[0].set_state(state)


def install():
    """Make the device, and have `reno_store` take it for CUDA."""
    if "reno_store" in sys.modules:
        raise RuntimeError("the package was imported before the device was there")
    module = _Module()
    _setup_privateuseone_for_python_backend(NAME, backend_module=module)
    whole, own = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    _libraries.extend([whole, own])  # whose ends would be what they have registered
    whole.fallback(_run_without_tensors, "PrivateUse1")
    # It would else be written into something empty, whose shape cannot be changed here.
    for name in ("arange", "arange.start", "arange.start_step"):
        own.impl(name, _arange, "PrivateUse1")
    # `torch.tensor(..., device=)` would else fill the new tensor where no subclass is asked.
    torch._C._set_only_lift_cpu_tensors(True)
    # `torch.random.fork_rng` means CUDA's devices unless told otherwise.
    torch.cuda.get_rng_state, torch.cuda.set_rng_state = module.get_rng_state, module.set_rng_state
    torch.Tensor.pin_memory = _pin_memory
    setattr(torch.backends, NAME, torch.backends.cuda)
    # A module's tensors would else be written over by C++, which does not see `inner`.
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    sys.meta_path.insert(0, Finder(NAME))


def pytest_load_initial_conftests():
    """Called by `pytest -p pretend_device`, before any conftest imports the package."""
    install()


def _run_without_tensors(operator, *args, **kwargs):
    return _run(operator, args, kwargs)


def _arange(*numbers, dtype=None, **_):
    COUNTS["launches"] += 1
    return PretendTensor(torch.arange(*numbers, dtype=dtype, device="cpu"))


def _run(operator, args, kwargs):
    name = operator.overloadpacket.__name__
    if _is_composite(operator):
        # In inference mode torch leaves taking it apart to a subclass.
        return operator.decompose(*args, **kwargs)
    if operator is aten._local_scalar_dense.default:
        COUNTS["syncs"] += 1
        return args[0].inner.item()
    if operator is aten.copy_.default:
        return _copy(*args, **kwargs)
    if operator is aten._to_copy.default:
        return _to_copy(*args, **kwargs)
    _check_devices(operator, args, kwargs)
    if name in _WITH_A_SYNC or (name.startswith("index") and _picks_by_truth(args)):
        COUNTS["syncs"] += 1
    if not (operator.is_view or name in _WITHOUT_KERNEL or name == "detach"):
        COUNTS["launches"] += 1
    if operator is aten.native_dropout.default:
        return _dropout(*args)
    inner_args, inner_kwargs = tree_map_only(PretendTensor, _inner, (args, kwargs))
    if inner_kwargs.get("device") is not None:
        inner_kwargs["device"] = torch.device("cpu")
    inner_kwargs.pop("pin_memory", None)
    found = operator(*inner_args, **inner_kwargs)
    written = _written(operator, args, kwargs)
    if written is not None:
        for each in tree_flatten(written)[0]:
            if isinstance(each, PretendTensor) and each.shape != each.inner.shape:
                raise NotImplementedError(f"{operator} changes a shape in place")
        return written
    if operator.is_view:
        # A view in inference mode is as its base.
        with torch.inference_mode(args[0].is_inference()):
            return tree_map_only(torch.Tensor, PretendTensor, found)
    return tree_map_only(torch.Tensor, PretendTensor, found)


@cache
def _is_composite(operator):
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    return operator.has_kernel_for_dispatch_key(key)


def _inner(tensor):
    return tensor.inner


def _written(operator, args, kwargs):
    """What an operator was given to write into, which it returns; None if it makes something."""
    schema = operator._schema
    given = []
    for i, argument in enumerate(schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            given.append(args[i] if i < len(args) else kwargs[argument.name])
    if not given or not any(each.alias_info is not None for each in schema.returns):
        return None
    return given[0] if len(schema.returns) == 1 else tuple(given)


def _copy(to, source, non_blocking=False):
    is_to_device, is_from_device = (isinstance(each, PretendTensor) for each in (to, source))
    if not is_to_device:
        COUNTS["to_cpu"] += 1
        COUNTS["syncs"] += not (non_blocking and _is_pinned(to))
    elif is_from_device:
        COUNTS["launches"] += 1
    else:
        # Without non_blocking torch waits for the stream; pageable memory waits by itself.
        COUNTS["to_device"] += 1
        COUNTS["syncs"] += not (non_blocking and _is_pinned(source))
    inner = source.inner if is_from_device else source
    (to.inner if is_to_device else to).copy_(inner)
    return to


def _to_copy(source, *, device=None, non_blocking=False, pin_memory=None, **options):
    if device is None or torch.device(device).type == NAME:
        COUNTS["launches"] += 1
        return PretendTensor(aten._to_copy.default(source.inner, **options))
    COUNTS["to_cpu"] += 1
    COUNTS["syncs"] += 1
    return aten._to_copy.default(source.inner, **options)


def _dropout(given, p, train):
    """As CUDA's: each number's chance depends on how many there are, and on no others."""
    if not train:
        return PretendTensor(given.inner.clone()), PretendTensor(given.inner.bool() | True)
    generator = _Module.default_generators[0].own
    is_kept = torch.rand(given.numel(), generator=generator).view(given.shape) < 1 - p
    scaled = given.inner * is_kept * (1 / (1 - p))
    return PretendTensor(scaled), PretendTensor(is_kept)


def _check_devices(operator, args, kwargs):
    """Refuse what CUDA refuses: tensors, and generators, of two devices."""
    leaves = tree_flatten((args, kwargs))[0]
    tensors = [each for each in leaves if isinstance(each, torch.Tensor)]
    on_cpu = [each for each in tensors if not isinstance(each, PretendTensor)]
    if any(isinstance(each, torch.Generator) for each in leaves):
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found 'cpu'")
    if not on_cpu:
        return
    name = operator.overloadpacket.__name__
    if name in ("index", "index_put", "index_put_", "_index_put_impl_"):
        if not isinstance(args[0], PretendTensor):
            raise RuntimeError("indices should be either on cpu or on the same device")
        COUNTS["to_device"] += len(on_cpu)
        COUNTS["syncs"] += len(on_cpu)
        if all(any(each is index for index in args[1]) or each.dim() == 0 for each in on_cpu):
            return
    written = tree_flatten(_written(operator, args, kwargs))[0]
    takes_scalars = torch.Tag.pointwise in operator.tags or name in ("where", "masked_fill")
    is_scalar = [takes_scalars and each.dim() == 0 for each in on_cpu]
    if not all(is_scalar) or any(each is one for each in on_cpu for one in written):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{NAME}:0 and cpu! (when running {operator})"
        )


def _picks_by_truth(args):
    indices = tree_flatten(args[1])[0] if len(args) > 1 else []
    return any(isinstance(each, torch.Tensor) and each.dtype == torch.bool for each in indices)


def _pin_memory(tensor, device=None):
    pinned = tensor.clone()
    pinned._pretends_to_be_pinned = True
    return pinned


def _is_pinned(tensor):
    return getattr(tensor, "_pretends_to_be_pinned", False)
