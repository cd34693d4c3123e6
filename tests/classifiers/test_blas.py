"""BLAS takes one thread while anybody asks for it, and as many as before afterwards."""

import threading

import pytest
from threadpoolctl import threadpool_info

from tamis.classifiers.blas import SMALL, one_thread, side_by_side, threads_for


def threads() -> list[int]:
    # FAISS brings a BLAS of its own, in which every thread has its own limit.
    return [
        one["num_threads"]
        for one in threadpool_info()
        if one["user_api"] == "blas" and "faiss" not in one["filepath"]
    ]


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    before = threads()
    with one_thread():
        assert set(threads()) <= {1}
        with threads_for(1):
            assert set(threads()) <= {1}
        assert set(threads()) <= {1}
    assert threads() == before
    with threads_for(SMALL):
        assert threads() == before


def test_those_who_overlap_do_not_leave_the_limit_behind() -> None:
    before, entered, leave = threads(), threading.Event(), threading.Event()

    def work() -> None:
        with one_thread():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=work)
    with one_thread():
        other.start()
        assert entered.wait(10)
    assert set(threads()) <= {1}
    leave.set()
    other.join()
    assert threads() == before


def test_pieces_come_back_in_order_and_errors_are_raised() -> None:
    assert side_by_side(lambda i: i * i, 20, 3) == [i * i for i in range(20)]
    assert side_by_side(str, 0, 2) == []
    begun = []

    def fail(i: int) -> None:
        begun.append(i)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        side_by_side(fail, 100, 2)
    assert len(begun) < 100
