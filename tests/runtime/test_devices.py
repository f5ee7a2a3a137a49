"""Which device, how many threads, and what counts as too little memory."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from reno_store.errors import DeviceError
from reno_store.runtime.devices import (
    exact_float32,
    free_memory,
    freed_memory_kept,
    is_out_of_memory,
    map_on_threads,
    one_thread,
    onednn_is_faster,
    resolve_device,
)

LONG_S = 120
"""More than anything here takes; who waits as long fails."""


@pytest.fixture
def three_threads():
    """Let torch have three CPU threads, however many it had."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def a_single_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def held_until(event):
    """Wait for it; where it does not come, let everybody else pass."""
    if not event.wait(LONG_S):
        event.set()
        pytest.fail("never released")


class TestOneThread:
    def test_is_all_that_torch_has_inside_the_block(self, three_threads):
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3

    def test_ends_with_the_block_although_it_raised(self, three_threads):
        with pytest.raises(ZeroDivisionError), one_thread():
            raise ZeroDivisionError
        assert torch.get_num_threads() == 3

    def test_may_be_asked_for_twice(self, three_threads):
        with one_thread():
            with one_thread():
                pass
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
class TestMapOnThreads:
    def test_gives_each_items_result_in_the_order_of_the_items(self):
        assert list(map_on_threads(lambda n: n * n, range(50))) == [n * n for n in range(50)]

    def test_keeps_the_order_although_the_first_takes_longest(self):
        last = threading.Event()

        def work(n):
            if n == 0:
                assert last.wait(LONG_S)
            if n == 4:
                last.set()
            return n

        assert list(map_on_threads(work, range(5))) == [0, 1, 2, 3, 4]

    def test_works_on_each_item_once(self):
        seen = []
        list(map_on_threads(seen.append, range(100)))
        assert sorted(seen) == list(range(100))

    def test_works_on_items_side_by_side(self):
        together = threading.Barrier(3, timeout=LONG_S)
        list(map_on_threads(lambda _: together.wait(), range(3)))

    def test_uses_as_many_threads_as_torch_has(self):
        threads = set(map_on_threads(lambda _: threading.get_ident(), range(100)))
        assert len(threads) <= 3
        assert threading.get_ident() not in threads

    def test_computes_each_item_on_one_torch_thread(self):
        together = threading.Barrier(3, timeout=LONG_S)

        def count_threads(_):
            together.wait()
            return torch.get_num_threads()

        assert list(map_on_threads(count_threads, range(6))) == [1] * 6

    def test_leaves_torch_its_threads_afterwards(self):
        for _ in map_on_threads(str, range(5)):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3

    def test_leaves_torch_its_threads_although_nobody_wants_the_rest(self):
        results = map_on_threads(str, range(5))
        assert next(results) == "0"
        results.close()
        assert torch.get_num_threads() == 3

    @pytest.mark.parametrize("n_items", [1, 5])
    def test_passes_on_what_an_item_raised_and_leaves_torch_its_threads(self, n_items):
        def fail(n):
            raise IndexError(f"item {n}")

        with pytest.raises(IndexError, match="item 0"):
            list(map_on_threads(fail, range(n_items)))
        assert torch.get_num_threads() == 3

    def test_gives_the_results_before_the_one_that_raised(self):
        def fail_at_three(n):
            if n == 3:
                raise IndexError
            return n

        results = map_on_threads(fail_at_three, range(6))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(IndexError):
            next(results)

    @pytest.fixture
    def released(self, monkeypatch):
        """Set once the pool has been told to stop: work may be held up until then."""
        released = threading.Event()

        class Pool(ThreadPoolExecutor):
            def shutdown(self, wait=True, *, cancel_futures=False):
                super().shutdown(wait=False, cancel_futures=cancel_futures)
                released.set()
                super().shutdown(wait=wait)

        monkeypatch.setattr("reno_store.runtime.devices.ThreadPoolExecutor", Pool)
        return released

    @pytest.mark.parametrize("kind", [IndexError, KeyboardInterrupt])
    def test_cancels_the_rest_where_one_raised(self, released, kind):
        begun = []

        def work(n):
            begun.append(n)
            if n == 0:
                raise kind
            held_until(released)

        with pytest.raises(kind):
            list(map_on_threads(work, range(100)))
        assert len(begun) <= 1 + 3
        assert torch.get_num_threads() == 3

    def test_cancels_the_rest_where_nobody_wants_it(self, released):
        begun = []

        def work(n):
            begun.append(n)
            if n > 0:
                held_until(released)

        results = map_on_threads(work, range(100))
        next(results)
        results.close()
        assert len(begun) <= 1 + 3

    def test_leaves_no_thread_behind(self):
        before = set(threading.enumerate())
        list(map_on_threads(str, range(20)))
        assert set(threading.enumerate()) <= before

    @pytest.mark.parametrize("items", [[], ()])
    def test_of_nothing_is_nothing(self, items):
        assert list(map_on_threads(str, items)) == []
        assert torch.get_num_threads() == 3

    def test_of_one_item_stays_in_its_thread(self):
        def where_and_on_how_many(_):
            return threading.get_ident(), torch.get_num_threads()

        assert list(map_on_threads(where_and_on_how_many, [0])) == [(threading.get_ident(), 1)]
        assert torch.get_num_threads() == 3

    def test_gives_the_same_bits_as_one_item_after_another(self):
        items = [torch.randn(40, 40, generator=torch.manual_seed(n)) for n in range(12)]
        with one_thread():
            expected = [(item @ item).softmax(-1) for item in items]
        results = map_on_threads(lambda item: (item @ item).softmax(-1), items)
        assert all(torch.equal(a, b) for a, b in zip(results, expected, strict=True))


@pytest.mark.usefixtures("a_single_thread")
class TestMapWhereTorchHasOneThread:
    def test_stays_in_its_thread(self):
        threads = set(map_on_threads(lambda _: threading.get_ident(), range(5)))
        assert threads == {threading.get_ident()}

    def test_gives_results_one_after_the_other(self):
        done = []
        results = map_on_threads(lambda n: done.append(n) or n, range(5))
        assert next(results) == 0
        assert done == [0]
        assert list(results) == [1, 2, 3, 4]
        assert torch.get_num_threads() == 1


class TestOutOfMemory:
    def test_is_what_torch_says_when_there_is_none(self):
        with pytest.raises(RuntimeError) as caught:
            torch.empty(2**60, dtype=torch.uint8)
        assert is_out_of_memory(caught.value)

    def test_is_what_numpy_says_when_there_is_none(self):
        with pytest.raises(MemoryError) as caught:
            np.empty(2**60, np.uint8)
        assert is_out_of_memory(caught.value)

    @pytest.mark.parametrize(
        "error",
        [
            MemoryError(),
            torch.OutOfMemoryError("CUDA out of memory."),
            torch.cuda.OutOfMemoryError("CUDA out of memory."),
            type("Worse", (torch.OutOfMemoryError,), {})(),
        ],
        ids=["python", "torch", "torch.cuda", "subclass"],
    )
    def test_is_any_error_of_that_kind(self, error):
        assert is_out_of_memory(error)

    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError("shapes do not fit"),
            ValueError("can't allocate memory"),
            OSError("disk full"),
            KeyboardInterrupt(),
        ],
    )
    def test_is_no_other_error(self, error):
        assert not is_out_of_memory(error)


class TestFreeingMemory:
    @pytest.mark.parametrize(("in_use", "n_calls"), [(True, 1), (False, 0)])
    def test_empties_the_cache_of_a_gpu_that_is_in_use(self, monkeypatch, in_use, n_calls):
        calls = []
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: in_use)
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("emptied"))
        free_memory()
        assert len(calls) == n_calls

    def test_does_not_load_torch_for_it(self, monkeypatch):
        monkeypatch.delitem(sys.modules, "torch")
        free_memory()
        assert "torch" not in sys.modules


class TestResolving:
    @pytest.fixture
    def gpus(self, monkeypatch):
        """Let torch see so many GPUs."""

        def pretend(count):
            monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
            monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

        return pretend

    @pytest.mark.parametrize(("count", "expected"), [(0, "cpu"), (1, "cuda")])
    def test_auto_is_a_gpu_where_there_is_one(self, gpus, count, expected):
        gpus(count)
        assert resolve_device("auto") == expected

    def test_cpu_is_always_there(self, gpus):
        gpus(1)
        assert resolve_device("cpu") == "cpu"

    @pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1"])
    def test_gpu_that_is_there_keeps_its_name(self, gpus, device):
        gpus(2)
        assert resolve_device(device) == device

    @pytest.mark.parametrize(
        ("device", "count"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1), ("cuda:7", 2)]
    )
    def test_gpu_that_is_not_there_is_refused_with_how_many_are(self, gpus, device, count):
        gpus(count)
        with pytest.raises(DeviceError) as caught:
            resolve_device(device)
        assert repr(device) in str(caught.value)
        assert f"sees {count} CUDA GPUs" in str(caught.value)
        assert caught.value.remedies[0].arguments == {"device": "auto"}

    @pytest.mark.parametrize("device", ["gpu", "", "cuda:", "cuda:-1", "CPU", "cuda:one", None])
    def test_device_that_nobody_knows_is_refused_with_the_choices(self, device):
        with pytest.raises(DeviceError) as caught:
            resolve_device(device)
        assert str(caught.value) == (
            f"device {device!r} is unknown; expected auto, cpu, cuda or cuda:N."
        )

    @pytest.mark.parametrize("device", ["mps", "meta", "xla"])
    def test_device_of_another_kind_is_refused(self, device):
        with pytest.raises(
            DeviceError, match=rf"device '{device}' is not supported; expected auto"
        ):
            resolve_device(device)


class TestFreedMemory:
    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of glibc alone")
    def test_is_kept_inside_the_block_and_returned_after_it(self):
        # In a process of its own: whatever else allocates would be counted too.
        script = """
import ctypes, platform, resource
from pathlib import Path
from reno_store.runtime.devices import freed_memory_kept

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        block = ctypes.c_void_p(library.malloc(60 * 2**20))
        library.memset(block, 1, ctypes.c_size_t(60 * 2**20))
        library.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

outside, before = new_pages(), resident_mb()
with freed_memory_kept():
    new_pages()
    inside, kept = new_pages(), resident_mb() - before
print(platform.libc_ver()[0], outside, inside, kept, resident_mb() - before)
"""
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        if not done.stdout.startswith("glibc "):
            pytest.skip("of glibc alone")
        _, outside, inside, kept, after = done.stdout.split()
        # 300 MB are 77,000 pages, or 150 huge ones.
        assert int(inside) < min(100, int(outside))
        assert float(kept) > 50
        assert float(after) < 20

    def test_is_left_alone_without_glibc(self, monkeypatch):
        monkeypatch.setattr("reno_store.runtime.devices._glibc", lambda: None)
        with freed_memory_kept():
            pass


class TestOneDNN:
    @pytest.mark.parametrize(
        ("capability", "dtype", "device", "expected"),
        [
            ("AVX512", torch.float32, "cpu", True),
            ("AVX2", torch.float32, "cpu", False),
            ("AVX512", torch.float64, "cpu", False),
            ("AVX512", torch.float32, "meta", False),
        ],
    )
    def test_is_faster_with_avx512_in_single_precision(
        self, monkeypatch, capability, dtype, device, expected
    ):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
        assert onednn_is_faster(torch.zeros(2, dtype=dtype, device=device)) == expected

    def test_is_left_alone_under_autocast_and_where_it_is_not_built_in(self, monkeypatch):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert not onednn_is_faster(torch.zeros(2))
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        assert not onednn_is_faster(torch.zeros(2))


def fp32(kind):
    """What torch computes float32 in, for a kind of operation."""
    return kind.fp32_precision


@pytest.mark.skipif(
    not hasattr(torch.backends.cudnn, "conv"), reason="this torch has the older flags alone"
)
class TestExactFloat32:
    """Both of torch's interfaces; a caller may have used either."""

    KINDS = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.mkldnn.matmul)

    @pytest.fixture(autouse=True)
    def _torch_is_as_it_was(self):
        yield
        torch.backends.fp32_precision = torch.backends.cudnn.fp32_precision = "none"
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = True

    @pytest.mark.parametrize(
        "choose",
        [
            lambda: None,
            lambda: torch.set_float32_matmul_precision("medium"),
            lambda: setattr(torch.backends.cuda.matmul, "allow_tf32", True),
            lambda: setattr(torch.backends, "fp32_precision", "tf32"),
            lambda: setattr(torch.backends.cudnn, "fp32_precision", "tf32"),
            lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
            lambda: setattr(torch.backends.cudnn.conv, "fp32_precision", "ieee"),
        ],
        ids=["nothing", "older", "older, CUDA", "all", "cuDNN", "products", "convolutions"],
    )
    def test_nothing_is_shortened_inside_and_all_is_as_chosen_after_it(self, choose):
        choose()
        before = [fp32(kind) for kind in self.KINDS]
        with exact_float32():
            assert {fp32(kind) for kind in self.KINDS} <= {"none", "ieee"}
        after = [fp32(kind) for kind in self.KINDS]
        assert [each.replace("none", "ieee") for each in after] == [
            each.replace("none", "ieee") for each in before
        ]

    def test_what_is_inherited_is_inherited_after_it(self):
        torch.backends.fp32_precision = "tf32"
        with exact_float32():
            pass
        torch.backends.fp32_precision = "ieee"
        assert fp32(torch.backends.cuda.matmul) == "ieee"
