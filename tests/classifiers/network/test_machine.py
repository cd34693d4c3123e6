"""How a training uses the machine, and that it leaves it as it was."""

import pytest

from tamis.classifiers.network.machine import freed_memory_kept, takes_bfloat16, threads

torch = pytest.importorskip("torch", reason="needs the extra train")
pytestmark = pytest.mark.torch


def test_threads_are_set_for_a_while():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(KeyError), threads(before + 1):
        raise KeyError
    assert torch.get_num_threads() == before


def test_memory_can_be_taken_and_given_back():
    for _ in range(2):
        with freed_memory_kept():
            assert sum(len(bytes(1 << 22)) for _ in range(8)) == 1 << 25


def test_bfloat16_is_taken_where_it_is_asked_for_or_built_in(monkeypatch):
    assert takes_bfloat16("bfloat16", "cpu")
    assert not takes_bfloat16("float32", "cpu")
    for built_in in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda b=built_in: b, False)
        assert takes_bfloat16("auto", "cpu") is built_in
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")  # it is not public
    assert not takes_bfloat16("auto", "cpu")
