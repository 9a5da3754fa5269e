"""What importing and running costs."""

import subprocess
import sys

import pytest

from tests.remote.conftest import numbered
from tests.remote.server import RangeServer

HEAVY = {"http.client", "ssl", "socket", "h5py", "numpy", "email", "tempfile"}

IN_LITTLE_SPACE = """
import os, resource, sys
os.environ["OPENBLAS_NUM_THREADS"] = "1"
resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))
import h5py
from edviz.remote import RangeFile, RemoteSettings, location_of
settings = RemoteSettings(allow_private=True, block_bytes=4096)
with RangeFile(location_of(sys.argv[1]), settings) as file:
    file.fetch([(place, place + 1) for place in range(0, file.size, 16_384)])
    held = bytearray(200 * 2**20)
    print(file.report.requests)
"""


def test_importing_loads_nothing_of_the_network() -> None:
    code = "import edviz.remote, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not HEAVY & set(done.stdout.split())


def test_saying_that_a_path_is_local_loads_nothing_of_the_network() -> None:
    code = "import sys; from edviz.remote import location_of; location_of('a.h5ad'); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not HEAVY & set(done.stdout.split())


def test_public_names_are_there() -> None:
    import edviz.remote

    assert set(edviz.remote.__all__) <= set(dir(edviz.remote))
    assert all(hasattr(edviz.remote, name) for name in edviz.remote.__all__)
    assert not hasattr(edviz.remote, "upload")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits address space")
def test_sixteen_threads_leave_room_in_a_small_address_space() -> None:
    with RangeServer(numbered(64 * 16_384)) as server:
        server.delay_s = 0.05
        command = [sys.executable, "-c", IN_LITTLE_SPACE, server.url()]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) == 64
        assert server.connections == 16
