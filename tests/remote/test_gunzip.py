"""Unpacking compressed files: what is in them, or one sentence; and nothing is left behind."""

import errno
import gzip
import io
import os
import signal
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from edviz.errors import H5adError
from edviz.remote import GunzipError, RemoteError, gunzip, open_download, unpacked
from tests.h5ad.files import shared_file
from tests.remote.conftest import QUICK, located
from tests.remote.server import RangeServer

MOST = 2**30
NOISE = os.urandom(3_000_000)
LIBRARIES = ["zlib", "isal"]


@pytest.fixture(params=LIBRARIES, autouse=True)
def library(request, monkeypatch):
    """Run each test with either library, if it is installed."""
    if request.param == "isal":
        pytest.importorskip("isal")
    else:
        monkeypatch.setattr(gunzip, "_library", lambda: zlib)


def unpack(data: bytes, folder: Path, **options: object) -> bytes:
    arguments = {"name": "my.h5ad.gz", "most_bytes": MOST, "folder": folder, **options}
    with unpacked(io.BytesIO(data), **arguments) as file:
        return file.path.read_bytes()


def slow(data: bytes) -> io.BytesIO:
    """Return a source that gives one byte at a time, as a network may."""

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(1, size or 0))

    return Slow(data)


GOOD = {
    "text": (gzip.compress(b"text"), b"text"),
    "nothing": (gzip.compress(b""), b""),
    "noise": (gzip.compress(NOISE), NOISE),
    "zeros": (gzip.compress(bytes(20_000_000)), bytes(20_000_000)),
    "several members": (gzip.compress(NOISE) + gzip.compress(b"") + gzip.compress(b"text"), NOISE + b"text"),
    "zeros behind it": (gzip.compress(b"text") + bytes(1_000_000), b"text"),
    "zeros between": (gzip.compress(b"text") + bytes(300_000) + gzip.compress(b"more"), b"textmore"),
    "a stored name": (
        gzip.compress(b"text")[:3] + b"\x08" + gzip.compress(b"text")[4:10] + b"name\0" + gzip.compress(b"text")[10:],
        b"text",
    ),
}
PACKED = gzip.compress(NOISE)
BAD = {
    "nothing at all": (b"", "is empty"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "is not compressed with gzip"),
    "one byte": (b"\x1f", "is truncated"),
    "the header": (PACKED[:10], "is truncated"),
    "half of it": (PACKED[: len(PACKED) // 2], "is truncated"),
    "without its last byte": (PACKED[:-1], "is truncated"),
    "without its trailer": (PACKED[:-8], "is truncated"),
    "a second member cut": (PACKED + PACKED[:-1], "is truncated"),
    "a byte changed": (PACKED[:1000] + bytes([PACKED[1000] ^ 1]) + PACKED[1001:], "is damaged"),
    "another checksum": (PACKED[:-8] + bytes(4) + PACKED[-4:], "is damaged"),
    "another length": (PACKED[:-4] + bytes(4), "is damaged"),
    "something behind it": (PACKED + b"something", "is damaged"),
    "another method": (b"\x1f\x8b\x00" + PACKED[3:], "is damaged"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_was_compressed_is_unpacked(name, tmp_path):
    data, expected = GOOD[name]
    assert unpack(data, tmp_path) == expected


@pytest.mark.parametrize("name", ["text", "nothing", "a stored name", "several members"])
def test_bytes_may_come_one_by_one(name, tmp_path):
    data = gzip.compress(b"a") + gzip.compress(b"b") if name == "several members" else GOOD[name][0]
    expected = b"ab" if name == "several members" else GOOD[name][1]
    with unpacked(slow(data), name="x", most_bytes=MOST, folder=tmp_path) as file:
        assert file.path.read_bytes() == expected


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_a_whole_gzip_file_is_an_error_in_one_sentence(name, tmp_path):
    data, complaint = BAD[name]
    with pytest.raises(GunzipError, match=rf"^my\.h5ad\.gz {complaint}.*\.$") as caught:
        unpack(data, tmp_path)
    assert isinstance(caught.value, H5adError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("has_names", [False, True])
def test_h5py_opens_what_was_unpacked(tmp_path, shipped, monkeypatch, has_names):
    if has_names:
        monkeypatch.setattr(gunzip, "OPEN_FILES", tmp_path / "missing")
    source = io.BytesIO(gzip.compress(shipped.read_bytes()))
    with (
        unpacked(source, name="x", most_bytes=MOST, folder=tmp_path) as found,
        h5py.File(found.path, "r", driver=found.driver) as file,
        h5py.File(shipped, "r") as expected,
    ):
        assert len(list(tmp_path.iterdir())) == (found.driver is None)
        assert set(file["obs"]) == set(expected["obs"])
        assert (file["X/data"][()] == expected["X/data"][()]).all()
    assert list(tmp_path.iterdir()) == []


def test_the_shared_compressed_files_are_unpacked_or_refused(tmp_path):
    with (
        shared_file("hostile/gzipped.h5ad.gz").open("rb") as source,
        unpacked(source, name="x", most_bytes=MOST) as file,
    ):
        assert file.path.read_bytes().startswith(b"\x89HDF")
    with (
        shared_file("hostile/gzipped_truncated.h5ad.gz").open("rb") as source,
        pytest.raises(GunzipError, match="is truncated"),
        unpacked(source, name="x", most_bytes=MOST),
    ):
        pass


def test_a_child_that_is_given_the_descriptor_opens_the_same_path(tmp_path):
    if not gunzip.OPEN_FILES.is_dir():
        pytest.skip("there is no /proc/self/fd")
    with unpacked(io.BytesIO(gzip.compress(b"text")), name="x", most_bytes=MOST, folder=tmp_path) as file:
        read = "import sys; print(open(sys.argv[1]).read())"
        command = [sys.executable, "-c", read, str(file.path)]
        done = subprocess.run(command, pass_fds=[int(file.path.name)], capture_output=True, text=True, check=True)
    assert done.stdout == "text\n"


def test_where_files_need_names_it_is_deleted_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(gunzip, "OPEN_FILES", tmp_path / "missing")
    with unpacked(io.BytesIO(gzip.compress(b"text")), name="x", most_bytes=MOST, folder=tmp_path) as file:
        assert file.path.read_bytes() == b"text"
        assert list(tmp_path.iterdir()) == [file.path]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(GunzipError):
        unpack(PACKED[:-1], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_reader_is_its_own_and_leaves_nothing(tmp_path):
    with (
        pytest.raises(OSError, match="reader"),
        unpacked(io.BytesIO(gzip.compress(b"text")), name="x", most_bytes=MOST, folder=tmp_path),
    ):
        raise OSError("reader")
    assert list(tmp_path.iterdir()) == []


UNPACK_AND_WAIT = """
import io, gzip, sys, time
from pathlib import Path
from edviz.remote import unpacked
with unpacked(io.BytesIO(gzip.compress(bytes(1000))), name="x", most_bytes=10**9, folder=Path(sys.argv[1])) as file:
    print(file.path.stat().st_size, flush=True)
    time.sleep(20)
"""


def test_a_process_that_is_killed_leaves_nothing(tmp_path):
    if not gunzip.OPEN_FILES.is_dir():
        pytest.skip("there is no /proc/self/fd")
    command = [sys.executable, "-c", UNPACK_AND_WAIT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "1000\n"
        child.send_signal(signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_unpacks_to_more_than_may_be_is_an_error(tmp_path):
    assert unpack(PACKED, tmp_path, most_bytes=len(NOISE)) == NOISE
    with pytest.raises(
        GunzipError, match=r"more than 2,999,999 bytes, which is the limit; raise EDVIZ_MOST_UNPACKED_BYTES"
    ):
        unpack(PACKED, tmp_path, most_bytes=len(NOISE) - 1)


def test_a_bomb_is_an_error_long_before_it_ends(tmp_path):
    seen = []
    bomb = gzip.compress(bytes(200_000_000))
    with pytest.raises(GunzipError, match="more than 200 times its size"):
        unpack(bomb, tmp_path, progress=seen.append)
    assert seen[-1].unpacked < 70 * 2**20


def test_a_file_larger_than_the_disk_is_an_error_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(gunzip, "_free_bytes", lambda place: gunzip.KEPT_FREE + 1000)
    seen = []
    with pytest.raises(GunzipError, match=r"does not fit on the disk of .*; make room, or set TMPDIR"):
        unpack(PACKED, tmp_path, size=len(PACKED), progress=seen.append)
    assert seen == []


def test_a_disk_that_fills_up_while_unpacking_is_an_error(tmp_path, monkeypatch):
    free = iter([10**12, gunzip.KEPT_FREE - 1])
    monkeypatch.setattr(gunzip, "_free_bytes", lambda place: next(free))
    monkeypatch.setattr(gunzip, "BYTES_BETWEEN_LOOKS", 2**20)
    with pytest.raises(GunzipError, match="does not fit on the disk"):
        unpack(PACKED, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "complaint"), [(errno.ENOSPC, "does not fit on the disk"), (errno.EIO, "cannot be unpacked into")]
)
def test_a_disk_that_does_not_take_a_byte_is_an_error(tmp_path, monkeypatch, number, complaint):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(
        gunzip,
        "_without_name",
        lambda place: gunzip._Temporary(Full(), gunzip.Unpacked(Path("x"), None), has_name=False),
    )
    monkeypatch.setattr(gunzip, "OPEN_FILES", Path("/"))
    with pytest.raises(GunzipError, match=complaint):
        unpack(PACKED, tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(GunzipError, match="set TMPDIR to a folder"):
        unpack(PACKED, tmp_path / "missing")


def test_progress_is_told(tmp_path):
    seen = []
    unpack(PACKED, tmp_path, size=len(PACKED), progress=seen.append)
    assert [one.unpacked for one in seen] == sorted(one.unpacked for one in seen)
    assert len(seen) > 2
    assert (seen[-1].read, seen[-1].size, seen[-1].unpacked) == (len(PACKED), len(PACKED), len(NOISE))


def test_the_start_is_checked_before_the_rest_is_read(tmp_path):
    class WrongError(Exception):
        pass

    def check(start: bytes) -> None:
        assert start == NOISE[: len(start)]
        raise WrongError

    source = io.BytesIO(PACKED)
    with pytest.raises(WrongError), unpacked(source, name="x", most_bytes=MOST, folder=tmp_path, check_start=check):
        pass
    assert source.tell() < len(PACKED)


def test_a_download_is_unpacked_while_it_arrives(tmp_path, shipped):
    packed = gzip.compress(shipped.read_bytes())
    with (
        RangeServer(packed) as server,
        open_download(located(server.url("my.h5ad.gz")), QUICK) as download,
        unpacked(download, name="x", most_bytes=MOST, size=download.size, folder=tmp_path) as file,
    ):
        assert file.path.read_bytes() == shipped.read_bytes()


def test_a_download_that_breaks_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(gunzip, "OPEN_FILES", tmp_path / "missing")
    with RangeServer(PACKED) as server:
        server.fault = lambda _, reply: replace(reply, send=1_000_000, is_cut=True)
        with (
            pytest.raises(RemoteError, match="ended after"),
            open_download(located(server.url("my.h5ad.gz")), QUICK) as download,
            unpacked(download, name="x", most_bytes=MOST, folder=tmp_path),
        ):
            pass
    assert list(tmp_path.iterdir()) == []
