"""BLAS on one thread: for many small products, whose threads would only wait for each other."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, TypeVar

from threadpoolctl import threadpool_limits

SMALL: Final = 200_000_000
"""Multiplications of a product below which a second thread does not pay."""

Result = TypeVar("Result")

_LOCK: Final = threading.Lock()
_inside = 0
_keeper: "_Keeper | None" = None


class _Keeper(threading.Thread):
    """Limits BLAS until it is told to end.

    threadpoolctl heeds only the thread that set a limit first; whoever leaves last may be
    another, so that a thread of its own sets the limit and takes it back.
    """

    def __init__(self) -> None:
        super().__init__(name="tamis-blas", daemon=True)
        self.limited, self.over = threading.Event(), threading.Event()

    def run(self) -> None:
        try:
            with threadpool_limits(1, "blas"):
                self.limited.set()
                self.over.wait()
        finally:
            self.limited.set()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS take one thread, in the whole process; may be entered by several threads at once.

    Threads of BLAS wait for each other by spinning. Where other work takes the processors, a fit
    of many small products then takes eight times as long, measured on two processors.
    """
    global _inside, _keeper
    with _LOCK:
        if not _inside:
            _keeper = _Keeper()
            _keeper.start()
            _keeper.limited.wait()
        _inside += 1
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if not _inside and _keeper is not None:
                _keeper.over.set()
                _keeper.join()


def side_by_side(work: Callable[[int], Result], n: int, jobs: int) -> list[Result]:
    """Do pieces of work in several threads, each with one thread of BLAS.

    Parameters
    ----------
    work : callable
        Called with 0, 1 and so on up to n - 1.
    n, jobs : int
        Pieces, and threads.

    Returns
    -------
    list
        What `work` returned, in order.

    Notes
    -----
    The threads are daemons: a program that is stopped does not wait for what they are doing, as
    it would for those of a ThreadPoolExecutor.
    """
    found: dict[int, Result] = {}
    errors: list[BaseException] = []
    left = iter(range(n))

    def worker() -> None:
        for number in left:  # one thread at a time is inside the iterator
            if errors:
                return
            try:
                found[number] = work(number)
            except BaseException as error:
                errors.append(error)

    with one_thread():
        threads = [threading.Thread(target=worker, daemon=True) for _ in range(min(jobs, n))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException as error:  # such as Ctrl-C: begin nothing more
            errors.append(error)
            raise
    if errors:
        raise errors[0]
    return [found[number] for number in range(n)]


def threads_for(multiplications: int) -> AbstractContextManager[None]:
    """Choose the threads of products by their size: `one_thread` for small ones."""
    return one_thread() if multiplications < SMALL else nullcontext()
