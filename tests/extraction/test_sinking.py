"""Embeddings written behind the model's back: all of them, in order, and no error swallowed."""

import signal
import sys
import threading
import time

import numpy as np
import pytest

from reno_store.extraction.sinking import EmbeddingSink

LONG_S = 120
"""More than anything here takes; who waits as long fails."""


class Store:
    """Notes what is written; each write can be made to wait, or to fail."""

    def __init__(self, *, open_gate=True, error=None, fails_at=0):
        self.calls = []
        self.tables = []
        self.threads = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        if open_gate:
            self.gate.set()
        self.error, self.fails_at = error, fails_at

    def put(self, rows, embeddings):
        self.threads.append(threading.current_thread())
        self.begun.set()
        assert self.gate.wait(LONG_S)
        self.calls.append(rows.tolist())
        self.tables.append((rows, embeddings))
        if self.error is not None and len(self.calls) > self.fails_at:
            raise self.error

    @property
    def rows(self):
        return [row for call in self.calls for row in call]


def batch(*rows):
    """Rows and their embeddings, by which a row can be told."""
    return np.array(rows, np.int64), np.array([[row, -row] for row in rows], np.float32)


def fill(sink, store):
    """Have one batch written and as many waiting as may; row by row."""
    sink.put(*batch(0))
    assert store.begun.wait(LONG_S)
    for row in range(1, 5):
        sink.put(*batch(row))


def in_background(function):
    """Run it in a thread; give the thread and the list of what it raised."""
    raised = []

    def run():
        try:
            function()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, raised


def assert_nobody_writes():
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("write")]


def test_everything_is_written_in_the_order_that_it_came():
    store = Store()
    with EmbeddingSink(store.put) as sink:
        for row in range(0, 100, 2):
            sink.put(*batch(row, row + 1))
    assert store.rows == list(range(100))
    assert sink.n_written == 100
    for rows, embeddings in store.tables:
        assert embeddings[:, 0].tolist() == rows.tolist()
        assert embeddings[:, 1].tolist() == (-rows).tolist()


def test_rows_need_not_ascend():
    store = Store()
    with EmbeddingSink(store.put) as sink:
        sink.put(*batch(7, 3))
        sink.put(*batch(5))
    assert store.rows == [7, 3, 5]


def test_types_are_kept():
    store = Store(open_gate=False)
    with EmbeddingSink(store.put) as sink:
        fill(sink, store)
        store.gate.set()
    for rows, embeddings in store.tables:
        assert rows.dtype == np.int64
        assert embeddings.dtype == np.float32
        assert embeddings.shape == (len(rows), 2)


def test_writes_take_place_in_one_thread_which_is_not_the_callers():
    store = Store()
    with EmbeddingSink(store.put) as sink:
        for row in range(10):
            sink.put(*batch(row))
    (thread,) = set(store.threads)
    assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_put_does_not_wait_for_the_write():
    store = Store(open_gate=False)
    with EmbeddingSink(store.put) as sink:
        sink.put(*batch(0))  # would not come back
        sink.put(*batch(1))
        assert store.calls == []
        store.gate.set()
    assert store.rows == [0, 1]


def test_what_came_during_a_write_is_written_with_the_next_one():
    store = Store(open_gate=False)
    with EmbeddingSink(store.put) as sink:
        fill(sink, store)
        store.gate.set()
    assert store.calls == [[0], [1, 2, 3, 4]]


def test_first_batch_is_written_without_waiting_for_others():
    store = Store()
    written = threading.Event()

    def put(rows, embeddings):
        store.put(rows, embeddings)
        written.set()

    with EmbeddingSink(put) as sink:
        sink.put(*batch(0))
        assert written.wait(LONG_S)
        assert store.calls == [[0]]


def test_few_batches_wait():
    store = Store(open_gate=False)
    n_accepted = []
    with EmbeddingSink(store.put) as sink:
        fill(sink, store)

        def put_more():
            for row in range(5, 20):
                sink.put(*batch(row))
                n_accepted.append(row)

        thread, raised = in_background(put_more)
        thread.join(0.25)
        assert thread.is_alive()
        assert n_accepted == []
        store.gate.set()
        thread.join(LONG_S)
        assert not thread.is_alive()
    assert raised == []
    assert store.rows == list(range(20))


def test_leaving_waits_for_the_last_write():
    store = Store(open_gate=False)
    with EmbeddingSink(store.put) as sink:
        sink.put(*batch(0))
        assert store.begun.wait(LONG_S)
        threading.Timer(0.05, store.gate.set).start()
    assert store.rows == [0]
    assert sink.n_written == 1
    assert_nobody_writes()


def test_nothing_put_writes_nothing():
    store = Store()
    with EmbeddingSink(store.put) as sink:
        pass
    assert store.calls == []
    assert sink.n_written == 0
    assert_nobody_writes()


def leave_full(sink, store):
    """Leave with one write going on and as much waiting as may."""
    with sink:
        fill(sink, store)
        store.gate.set()


def test_what_waits_is_written_although_the_block_raised():
    store = Store(open_gate=False)
    sink = EmbeddingSink(store.put)

    def work():
        with sink:
            fill(sink, store)
            store.gate.set()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert store.rows == [0, 1, 2, 3, 4]
    assert sink.n_written == 5
    assert_nobody_writes()


class TestFailingWrite:
    def test_is_told_at_a_later_put(self):
        store, told = Store(error=OSError("disk full")), []

        def work():
            with EmbeddingSink(store.put) as sink:
                for row in range(50):
                    try:
                        sink.put(*batch(row))
                    except OSError:
                        told.append(row)
                        raise

        with pytest.raises(OSError, match="disk full"):
            work()
        assert len(told) == 1

    def test_is_told_at_the_end_where_no_put_follows(self):
        store = Store(error=OSError("disk full"))
        with pytest.raises(OSError, match="disk full"), EmbeddingSink(store.put) as sink:
            sink.put(*batch(0))
        assert sink.n_written == 0
        assert_nobody_writes()

    def test_is_told_at_the_end_although_the_queue_is_full(self):
        store = Store(open_gate=False, error=OSError("disk full"))

        def work():
            with EmbeddingSink(store.put) as sink:
                fill(sink, store)

        thread, raised = in_background(work)
        thread.join(0.15)
        assert thread.is_alive()
        store.gate.set()
        thread.join(LONG_S)
        assert not thread.is_alive()
        assert [str(error) for error in raised] == ["disk full"]
        assert_nobody_writes()

    def test_is_the_last_one(self):
        store = Store(open_gate=False, error=OSError("disk full"))
        with pytest.raises(OSError, match="disk full"):
            leave_full(EmbeddingSink(store.put), store)
        assert store.calls == [[0]]

    def test_is_not_counted_and_earlier_ones_are(self):
        store = Store(open_gate=False, error=OSError("disk full"), fails_at=1)
        sink = EmbeddingSink(store.put)
        with pytest.raises(OSError, match="disk full"):
            leave_full(sink, store)
        assert store.calls == [[0], [1, 2, 3, 4]]
        assert sink.n_written == 1

    def test_does_not_hide_what_the_block_raised(self):
        store = Store(error=OSError("disk full"))

        def work():
            with EmbeddingSink(store.put) as sink:
                sink.put(*batch(0))
                assert store.begun.wait(LONG_S)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            work()
        assert_nobody_writes()

    def test_frees_a_put_that_waits_for_room(self):
        store = Store(open_gate=False, error=OSError("disk full"))

        def work():
            with EmbeddingSink(store.put) as sink:
                fill(sink, store)
                thread, raised = in_background(lambda: sink.put(*batch(5)))
                thread.join(0.15)
                assert thread.is_alive()
                store.gate.set()
                thread.join(LONG_S)
                assert not thread.is_alive()
                assert [str(error) for error in raised] == ["disk full"]

        with pytest.raises(OSError, match="disk full"):
            work()
        assert store.calls == [[0]]

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
    def test_may_be_of_any_kind(self, kind):
        store = Store(error=kind("in the writer"))
        with pytest.raises(kind, match="in the writer"), EmbeddingSink(store.put) as sink:
            sink.put(*batch(0))
        assert_nobody_writes()


# In Python 3.9 to 3.12 a thread counts as dead once a join of it was interrupted.
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals need POSIX")
class TestCtrlCWhileLeaving:
    """A real signal, while the main thread waits for the last write."""

    @pytest.fixture
    def keyboard(self):
        keyboard = Keyboard()
        before = signal.signal(signal.SIGINT, keyboard.notice)
        yield keyboard
        keyboard.left.set()
        deadline = time.monotonic() + LONG_S
        while any(thread.name.startswith("write") for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        signal.signal(signal.SIGINT, before)

    def leave(self, keyboard, put, work):
        """Work with a sink; give it once it has been left."""
        try:
            with EmbeddingSink(put) as sink:
                work(sink)
        except KeyboardInterrupt:
            pytest.fail("left by the interruption")
        finally:
            keyboard.left.set()
        return sink

    @pytest.mark.parametrize("n_times", [1, 3])
    @pytest.mark.parametrize("n_batches", [1, 4])
    def test_loses_no_batch(self, keyboard, n_batches, n_times):
        written = []

        def put(rows, _):
            while keyboard.n_pressed < n_times:
                keyboard.press()
            written.extend(rows.tolist())

        def put_all(sink):
            for row in range(n_batches):
                sink.put(*batch(row))

        sink = self.leave(keyboard, put, put_all)
        assert written == list(range(n_batches))
        assert sink.n_written == n_batches
        assert keyboard.n_pressed == n_times

    def test_loses_no_batch_where_many_wait(self, keyboard):
        store = Store(open_gate=False)

        def put(rows, embeddings):
            if keyboard.n_pressed == 0:
                store.begun.set()
                keyboard.press()  # while there is no room in the queue to say that it ends
                store.gate.set()
            store.put(rows, embeddings)

        sink = self.leave(keyboard, put, lambda sink: fill(sink, store))
        assert store.calls == [[0], [1, 2, 3, 4]]
        assert sink.n_written == 5
        assert keyboard.n_pressed == 1

    def test_does_not_hide_a_failing_write(self, keyboard):
        def put(rows, embeddings):
            keyboard.press()
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            self.leave(keyboard, put, lambda sink: sink.put(*batch(0)))
        assert keyboard.n_pressed == 1


class Keyboard:
    """Presses Ctrl-C while the main thread waits inside a sink's `__exit__`, never elsewhere."""

    def __init__(self):
        self.left = threading.Event()
        self.n_pressed = 0
        self._interrupts = False
        self._noticed = threading.Event()

    def press(self):
        """Interrupt the main thread, and see that it waits again."""
        self._send(interrupts=True)
        self._send(interrupts=False)

    def notice(self, _, frame):
        """Handle the signal, in the main thread."""
        is_unwinding = sys.exc_info()[0] is not None
        if self._noticed.is_set() or is_unwinding or not waits_in_exit(frame):
            return
        self._noticed.set()
        if self._interrupts:
            self.n_pressed += 1
            raise KeyboardInterrupt

    def _send(self, *, interrupts):
        self._interrupts = interrupts
        self._noticed.clear()
        deadline = time.monotonic() + LONG_S
        while not self._noticed.is_set():
            assert not self.left.is_set()
            assert time.monotonic() < deadline
            # A signal sent earlier would arrive before the main thread has begun to wait.
            if stands_still_in_exit():
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                self._noticed.wait(0.1)


def stands_still_in_exit():
    """Look twice where the main thread is."""
    places = []
    for _ in range(2):
        frame = sys._current_frames()[threading.main_thread().ident]
        places.append((id(frame), frame.f_lasti, waits_in_exit(frame)))
        time.sleep(0.005)
    return places[0] == places[1] and places[0][-1]


def waits_in_exit(frame):
    """Whether a thread is about to leave a sink and waits for another thread."""
    is_waiting = frame.f_code.co_filename == threading.__file__ and frame.f_code.co_name in (
        "join",
        "wait",
        "_wait_for_tstate_lock",
    )
    while frame is not None and frame.f_code is not EmbeddingSink.__exit__.__code__:
        frame = frame.f_back
    return is_waiting and frame is not None
