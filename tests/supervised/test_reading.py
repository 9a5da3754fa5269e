"""A process of its own reads the file: the same answers, and no file harms the one that asks."""

import gzip
import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest

from edviz.errors import H5adError
from edviz.h5ad import read_factors, summarise
from edviz.infer import infer_design
from edviz.supervised import start_reading
from tests.h5ad.files import REAL_FILES, REPOSITORY, SHARED, TEXT, shared_file, texts, write_frame
from tests.remote.server import RangeServer

SHIPPED = REPOSITORY / "tests" / "data" / "wu2020_tcells_200.h5ad"
HOSTILE = sorted(path.name for path in (SHARED / "hostile").glob("*.h5*")) if SHARED.is_dir() else []


def report_of(path, *, trusted):
    with start_reading(path, factors=True, trusted=trusted) as reading:
        return infer_design(reading.factors()).report


@pytest.mark.parametrize("name", REAL_FILES)
def test_a_supervised_reading_gives_what_a_direct_one_gives(name):
    path = shared_file(name)
    assert report_of(path, trusted=False) == report_of(path, trusted=True)
    with start_reading(path, summary=True) as reading:
        assert reading.summary() == summarise(path)


def test_combinations_that_were_not_counted_are_asked_for():
    table = read_factors(SHIPPED)
    names = [column.name for column in table.listing.candidates[:6]]
    with start_reading(SHIPPED, factors=True) as reading:
        supervised = reading.factors()
        assert supervised.counts.rows(*names).n.tolist() == table.counts.rows(*names).n.tolist()
        assert supervised.codes("sample").tolist() == table.codes("sample").tolist()


def test_beside_threads_a_process_is_spawned_instead_of_forked():
    reports = []
    thread = threading.Thread(target=lambda: reports.append(report_of(SHIPPED, trusted=False)))
    thread.start()
    thread.join()
    assert reports == [report_of(SHIPPED, trusted=True)]


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "cells.h5ad.gz"
    path.write_bytes(gzip.compress(SHIPPED.read_bytes()))
    return path


@pytest.mark.parametrize("may_fork", [True, False])
def test_a_process_reads_what_a_compressed_file_was_unpacked_to(packed, may_fork, monkeypatch):
    monkeypatch.setattr("edviz.supervised.process._may_fork", lambda: may_fork)
    assert report_of(packed, trusted=False) == report_of(SHIPPED, trusted=True)
    with start_reading(packed, summary=True) as reading:
        assert reading.summary().path == str(packed)
        assert reading.report() is None


def test_a_compressed_file_that_is_trusted_is_read_here(packed):
    assert report_of(packed, trusted=True) == report_of(SHIPPED, trusted=True)


def test_a_truncated_compressed_file_is_refused_before_a_process_is_started(packed, monkeypatch):
    monkeypatch.setattr("edviz.supervised.process._start", _never)
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(H5adError, match=r"is truncated: its end is missing; [^.]+\.$"):
        start_reading(packed, factors=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_file_is_answered_and_the_one_who_asks_lives_on(name):
    try:
        with start_reading(shared_file(f"hostile/{name}"), factors=True, summary=True) as reading:
            reading.factors()
            reading.summary()
    except H5adError as error:
        assert "\n" not in str(error)
        assert str(error).endswith(".")


def _never(*_):
    threading.Event().wait()


def test_a_process_that_takes_too_long_is_ended_and_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("edviz.supervised.process._may_fork", lambda: True)  # so that the child is patched, too
    monkeypatch.setenv("EDVIZ_MOST_SECONDS", "1")
    monkeypatch.setattr("edviz.supervised.process.GRACE_SECONDS", 0)
    monkeypatch.setattr("edviz.supervised.child._answer", _never)
    with (
        start_reading(SHIPPED, summary=True) as reading,
        pytest.raises(H5adError, match="still being read after 1 sec"),
    ):
        reading.summary()


def test_a_process_that_dies_is_reported(monkeypatch):
    monkeypatch.setattr("edviz.supervised.process._may_fork", lambda: True)
    monkeypatch.setattr("edviz.supervised.child._answer", lambda *_: os.kill(os.getpid(), 11))
    with start_reading(SHIPPED, summary=True) as reading, pytest.raises(H5adError, match="SIGSEGV"):
        reading.summary()


def test_the_one_who_asks_never_imports_h5py():
    code = "import sys, infer_design; infer_design.main(); assert 'h5py' not in sys.modules"
    command = [sys.executable, "-c", code, str(SHIPPED), "--json"]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=REPOSITORY / "scripts")
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize("name", ["wu2020_tcells_200_v0_6.h5ad", "lung_lca_3donors_2methods.h5ad"])
def test_a_file_on_a_server_gives_what_it_gives_here(name, monkeypatch, tmp_path):
    path = shared_file(name)
    monkeypatch.setenv("EDVIZ_ALLOW_PRIVATE_ADDRESSES", "1")
    with RangeServer(Path(path).read_bytes()) as server:
        assert report_of(server.url(), trusted=False) == report_of(path, trusted=True)
        assert len(server.asked) < 60


def test_a_server_on_a_private_address_is_refused_unless_allowed(monkeypatch):
    monkeypatch.delenv("EDVIZ_ALLOW_PRIVATE_ADDRESSES", raising=False)
    with RangeServer(SHIPPED.read_bytes()) as server:
        with pytest.raises(H5adError, match=r"EDVIZ_ALLOW_PRIVATE_ADDRESSES"):
            report_of(server.url(), trusted=False)
        assert not server.asked


@pytest.mark.parametrize("trusted", [True, False])
def test_what_was_read_from_a_server_is_reported(monkeypatch, trusted):
    monkeypatch.setenv("EDVIZ_ALLOW_PRIVATE_ADDRESSES", "1")
    with RangeServer(SHIPPED.read_bytes()) as server:
        with start_reading(server.url(), summary=True, trusted=trusted) as reading:
            reading.summary()
            report = reading.report()
        assert report.requests == len(server.asked)
        assert report.bytes >= server.sent_bytes > 0


def test_questions_about_one_file_on_a_server_fetch_nothing_twice(monkeypatch):
    monkeypatch.setenv("EDVIZ_ALLOW_PRIVATE_ADDRESSES", "1")
    with RangeServer(SHIPPED.read_bytes()) as server:
        with start_reading(server.url(), factors=True, summary=True) as reading:
            reading.factors().counts.rows("sample", "source")
            reading.summary()
        asked = [tuple(map(int, one.removeprefix("bytes=").split("-"))) for one in server.ranges() if one]
    asked.sort()
    assert all(stop < start for (_, stop), (start, _) in pairwise(asked))


@pytest.mark.parametrize("trusted", [True, False])
def test_a_compressed_file_on_a_server_is_downloaded_once(monkeypatch, trusted):
    monkeypatch.setenv("EDVIZ_ALLOW_PRIVATE_ADDRESSES", "1")
    with RangeServer(gzip.compress(SHIPPED.read_bytes())) as server:
        url = server.url("cells.h5ad.gz")
        with start_reading(url, factors=True, summary=True, trusted=trusted) as reading:
            assert infer_design(reading.factors()).report == report_of(SHIPPED, trusted=True)
            assert reading.summary().path == url
            assert reading.report().requests == 1
        assert server.ranges() == [None]


def test_a_compressed_file_on_a_server_over_the_limit_is_refused_with_its_size(monkeypatch):
    monkeypatch.setenv("EDVIZ_ALLOW_PRIVATE_ADDRESSES", "1")
    monkeypatch.setenv("EDVIZ_MOST_DOWNLOAD_BYTES", "100000")
    body = gzip.compress(SHIPPED.read_bytes())
    with (
        RangeServer(body) as server,
        pytest.raises(H5adError, match=f"{len(body):,} bytes are more than the limit of 100,000; raise EDVIZ_MOST_D"),
    ):
        start_reading(server.url("cells.h5ad.gz"), factors=True)


def test_factors_that_are_not_stored_as_such_are_the_same_from_a_server(monkeypatch, tmp_path):
    monkeypatch.setenv("EDVIZ_ALLOW_PRIVATE_ADDRESSES", "1")
    n, random, path = 70_000, np.random.default_rng(0), tmp_path / "plain.h5ad"
    with_gaps = random.integers(0, 5, n).astype("f8")
    with_gaps[::7] = np.nan
    with h5py.File(path, "w") as file:
        obs = write_frame(file, "obs", n, ["donor", "day", "run", "well"])
        obs.create_dataset("donor", data=texts([f"donor{k}" for k in random.integers(0, 9, n)]), dtype=TEXT)
        obs.create_dataset("day", data=random.integers(0, 12, n, dtype="i4"), chunks=(10_000,), compression="gzip")
        obs.create_dataset("run", data=with_gaps)
        obs.create_dataset("well", data=texts([f"well{k}" for k in range(n)]), dtype=TEXT)
    with RangeServer(path.read_bytes()) as server, start_reading(server.url(), factors=True) as reading:
        listing = reading.factors().listing
    assert listing == read_factors(path).listing
    assert [column.name for column in listing.candidates] == ["donor", "day", "run"]


@pytest.mark.parametrize("trusted", [False, True])
def test_a_file_that_is_changed_while_it_is_read_is_refused(tmp_path, trusted):
    path = tmp_path / "cells.h5ad"
    path.write_bytes(SHIPPED.read_bytes())
    with start_reading(path, factors=True, trusted=trusted) as reading:
        reading.factors()
        os.utime(path, ns=(0, 0))
        with pytest.raises(H5adError, match="was changed while it was read"):
            reading.summary()


def test_a_file_that_is_replaced_while_it_is_read_is_refused(tmp_path):
    path, other = tmp_path / "cells.h5ad", tmp_path / "other.h5ad"
    path.write_bytes(SHIPPED.read_bytes())
    other.write_bytes(SHIPPED.read_bytes())
    with start_reading(path, summary=True) as reading:
        other.replace(path)
        with pytest.raises(H5adError, match="was changed while it was read"):
            reading.summary()


def test_a_large_process_does_not_share_its_memory_with_the_reader():
    script = (
        "import mmap, sys; from edviz.h5ad import read_factors; from edviz.supervised import start_reading; "
        "held = mmap.mmap(-1, 4 << 30)\n"
        "with start_reading(sys.argv[1], factors=True) as reading: print(reading.factors().listing.n_obs)"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "EDVIZ_MOST_MEMORY_MB": "512"}
    done = subprocess.run(
        [sys.executable, "-c", script, SHIPPED],
        capture_output=True,
        check=True,
        cwd=REPOSITORY,
        env=environment,
        text=True,
    )
    assert done.stdout.split() == ["200"]
