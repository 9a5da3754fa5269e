"""What the tests of this folder share."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compute with one thread: matrices are small, and on a busy machine threads wait for each other for minutes."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")
    yield
    torch.set_num_threads(before)
