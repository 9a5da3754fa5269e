"""Reading parts of a file on a server as if it were here."""

import io
import math
import random
import threading
import time
from dataclasses import replace

import h5py
import numpy as np
import pytest

from edviz.remote import RangeFile, RemoteError, RemoteSettings, parallel, range_file
from tests.h5ad.files import REPOSITORY, shared_file
from tests.remote.conftest import QUICK, located, numbered
from tests.remote.server import RangeServer, wait_until

BLOCK = QUICK.block_bytes
REAL = [
    "wu2020",
    "krumsiek11_nullable.h5ad",
    "pbmc5k_protein_v3_lzf.h5ad",
    "encodings/handmade_libver_latest_userblock.h5ad",
]


def opened(server: RangeServer, **changes: object) -> RangeFile:
    return RangeFile(located(server.url()), replace(QUICK, **changes))


def test_the_first_request_tells_the_size(server):
    with opened(server) as file:
        assert file.size == len(server.body)
        assert server.ranges() == [f"bytes=0-{BLOCK - 1}"]


def test_a_file_smaller_than_a_block_is_read_with_one_request(server):
    server.body = b"small"
    with opened(server) as file:
        assert file.read() == b"small"
        assert file.read(1) == b""
    assert len(server.asked) == 1


def test_it_reads_like_a_local_file(server):
    local = io.BytesIO(server.body)
    draw = random.Random(1)
    with opened(server) as file:
        for _ in range(200):
            start, size = draw.randrange(310_000), draw.choice([0, 1, 7, 1000, 70_000, 140_000])
            assert file.seek(start) == local.seek(start)
            assert file.read(size) == local.read(size)
            assert file.tell() == local.tell()
        assert file.seek(-10, io.SEEK_END) == local.seek(-10, io.SEEK_END)
        assert file.seek(4, io.SEEK_CUR) == local.seek(4, io.SEEK_CUR)
        assert file.read() == local.read()
    # Every block travels once.
    assert len(server.asked) <= math.ceil(300_000 / BLOCK)


def test_seeking_before_the_start_is_an_error(server):
    with opened(server) as file:
        for offset, whence in [(-1, 0), (-1, 1), (-300_001, 2), (0, 3)]:
            with pytest.raises(ValueError, match="cannot seek"):
                file.seek(offset, whence)


def test_it_can_be_read_and_not_written(server):
    with opened(server) as file:
        assert file.readable()
        assert file.seekable()
        assert not file.writable()


def test_neighbouring_misses_are_one_request(server):
    with opened(server) as file:
        file.seek(BLOCK)
        file.read(3 * BLOCK)
        assert server.ranges()[1:] == [f"bytes={BLOCK}-{4 * BLOCK - 1}"]


def test_a_long_reading_goes_in_pieces(server):
    server.body = numbered(3 * 2**20 + 5)
    with opened(server) as file:
        assert file.readinto(bytearray(len(server.body))) == len(server.body)
    assert server.ranges()[1:] == [
        f"bytes={start}-{min(start + 2**20, len(server.body)) - 1}" for start in range(BLOCK, 3 * 2**20, 2**20)
    ]


def test_fetched_ranges_need_no_further_request(server):
    with opened(server) as file:
        file.fetch([(70_000, 70_001), (290_000, 300_000), (200_000, 200_000), (400_000, 500_000)])
        n_requests = len(server.asked)
        assert sorted(filter(None, server.ranges()[1:])) == [
            f"bytes={290_000 // BLOCK * BLOCK}-299999",
            f"bytes={70_000 // BLOCK * BLOCK}-{(70_000 // BLOCK + 1) * BLOCK - 1}",
        ]
        assert file.read_range(70_000, 70_004) == server.body[70_000:70_004]
        assert file.read_range(299_998, 300_010) == server.body[299_998:]
        assert file.read_range(300_010, 300_020) == b""
        assert len(server.asked) == n_requests


def test_headers_and_values_are_fetched_side_by_side(server):
    with opened(server, block_bytes=1024) as file:
        server.delay_s = 2.0
        start = time.monotonic()
        file.fetch([(place, place + 1) for place in (50_000, 80_000)], values=[(120_000, 200_000), (50_000, 52_000)])
        assert time.monotonic() - start < 3.9
        assert len(server.asked) == 5
        file.drop(0, 300_000)
        assert file.held_bytes == 3 * 1024


def test_fetching_twice_asks_once(server):
    with opened(server) as file:
        file.fetch([(0, 300_000)])
        n_requests = len(server.asked)
        file.fetch([(0, 300_000)])
        assert len(server.asked) == n_requests


def test_every_request_after_the_first_is_about_the_same_version(server):
    with opened(server) as file:
        file.fetch([(0, 300_000)])
    assert {one.headers["If-Range"] for one in server.asked[1:]} == {server.etag}
    assert {one.headers["Accept-Encoding"] for one in server.asked} == {"identity"}


def test_without_an_etag_the_time_of_the_last_change_tells_the_version(server):
    server.etag = 'W/"weak"'
    with opened(server) as file:
        file.read()
    assert {one.headers["If-Range"] for one in server.asked[1:]} == {server.last_modified}


def test_ranges_are_fetched_side_by_side(server):
    server.body = numbered(64 * 2 * 1024)
    with opened(server, block_bytes=1024) as file:
        server.delay_s = 0.2
        start = time.monotonic()
        file.fetch([(place, place + 1) for place in range(2048, len(server.body), 2048)])
        assert time.monotonic() - start < 6.0  # one after the other they would take 12.6 s
        assert len(server.asked) == 64
    assert server.connections <= 16


def test_connections_stay_open(server):
    with opened(server, block_bytes=1024, connections=4) as file:
        for place in range(0, 300_000, 50_000):
            file.fetch([(place + step, place + step + 1) for step in range(0, 20_000, 5_000)])
        assert len(server.asked) > 20
    assert server.connections <= 4


def test_no_thread_and_no_connection_is_left(server):
    before = threading.active_count()
    with opened(server, block_bytes=1024) as file:
        file.fetch([(place, place + 1) for place in range(0, 300_000, 10_000)])
        served = threading.active_count() - before
        assert served <= 2 * 16
    assert file.closed
    assert wait_until(lambda: threading.active_count() <= before)


def test_the_stack_size_of_other_threads_is_as_before(server):
    before = threading.stack_size()
    with opened(server) as file:
        file.fetch([(0, 300_000)])
    assert threading.stack_size() == before


def test_a_closed_file_says_so(server):
    file = opened(server)
    file.close()
    file.close()
    for use in (
        file.read,
        file.tell,
        lambda: file.seek(0),
        lambda: file.fetch([(0, 1)]),
        lambda: file.read_range(0, 1),
    ):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_values_pass_and_headers_stay(server):
    server.body = numbered(100 * 1024)
    with opened(server, block_bytes=1024, most_cached_bytes=20 * 1024) as file:
        file.fetch([(1024, 5 * 1024)])
        n_requests = len(server.asked)
        for start in range(5 * 1024, 100 * 1024, 1024):
            assert file.read_range(start, start + 4) == server.body[start : start + 4]
        assert file.held_bytes <= 20 * 1024
        n_requests += 95
        assert len(server.asked) == n_requests
        assert file.read_range(0, 5 * 1024) == server.body[: 5 * 1024]
        assert len(server.asked) == n_requests
        file.read_range(5 * 1024, 5 * 1024 + 1)
        assert len(server.asked) == n_requests + 1


def test_memory_is_bounded_even_for_headers(server):
    server.body = numbered(100 * 1024)
    with opened(server, block_bytes=1024, most_cached_bytes=20 * 1024) as file:
        for start in range(0, 100 * 1024, 10 * 1024):
            file.fetch([(start, start + 10 * 1024)])
            assert file.held_bytes <= 20 * 1024
        assert file.read() == server.body
        assert file.held_bytes <= 20 * 1024


def test_values_that_are_still_unread_do_not_make_room_for_more(server):
    server.body = numbered(100 * 1024)
    with opened(server, block_bytes=1024, most_cached_bytes=20 * 1024) as file:
        file.fetch([], values=[(10 * 1024, 25 * 1024)])
        file.fetch([], values=[(50 * 1024, 70 * 1024)])
        n_requests = len(server.asked)
        file.read_range(10 * 1024, 25 * 1024)
        assert len(server.asked) == n_requests


def test_values_make_room_for_others_where_that_is_said_and_those_wanted_stay(server):
    server.body = numbered(100 * 1024)
    with opened(server, block_bytes=1024, most_cached_bytes=20 * 1024) as file:
        file.fetch([], values=[(10 * 1024, 25 * 1024)])
        wanted = [(10 * 1024, 14 * 1024), (50 * 1024, 64 * 1024)]
        file.fetch([], values=wanted, in_place_of_others=True)
        n_requests = len(server.asked)
        for start, stop in wanted:
            assert file.read_range(start, stop) == server.body[start:stop]
        assert len(server.asked) == n_requests
        assert file.held_bytes <= 20 * 1024


def test_what_follows_something_unforeseen_is_read_with_it(server):
    with opened(server, block_bytes=1024, unforeseen_bytes=8 * 1024) as file:
        file.read_range(100 * 1024, 100 * 1024 + 1)
        assert server.ranges()[1:] == [f"bytes={100 * 1024}-{108 * 1024 - 1}"]
        file.read_range(107 * 1024, 108 * 1024)
        assert len(server.asked) == 2


def test_what_does_not_fit_into_memory_is_left_out_and_read_later(server):
    server.body = numbered(100 * 1024)
    with opened(server, block_bytes=1024, most_cached_bytes=20 * 1024) as file:
        file.fetch([], values=[(50 * 1024, 100 * 1024)])
        assert file.held_bytes == 20 * 1024
        assert file.read_range(50 * 1024, 51 * 1024) == server.body[50 * 1024 : 51 * 1024]
        assert len(server.asked) == 2
        assert file.read_range(80 * 1024, 100 * 1024) == server.body[80 * 1024 :]


def test_dropped_values_are_let_go_and_headers_are_not(server):
    with opened(server) as file:
        file.fetch([], values=[(2 * BLOCK, 4 * BLOCK)])
        assert file.held_bytes == 3 * BLOCK
        file.drop(2 * BLOCK + 1, 4 * BLOCK)
        assert file.held_bytes == 2 * BLOCK
        file.drop(0, 300_000)
        assert file.held_bytes == BLOCK


def test_values_that_turn_out_to_be_headers_are_kept_without_asking_again(server):
    with opened(server) as file:
        file.fetch([], values=[(2 * BLOCK, 3 * BLOCK)])
        n_requests = len(server.asked)
        file.fetch([(2 * BLOCK, 3 * BLOCK)])
        file.drop(0, 300_000)
        assert file.held_bytes == 2 * BLOCK
        assert len(server.asked) == n_requests


def test_a_server_that_claims_any_size_costs_no_memory(server):
    claimed = 10**17
    server.fault = lambda asked, reply: type(reply)(
        206, reply.body, {**reply.headers, "Content-Range": f"{asked.range.replace('=', ' ')}/{claimed}"}
    )
    with opened(server, most_cached_bytes=4 * BLOCK) as file:
        assert file.size == claimed
        file.fetch([(0, claimed)])
        assert file.held_bytes == 4 * BLOCK


def test_the_report_counts_requests_bytes_and_seconds(server):
    server.delay_s = 0.05
    with opened(server) as file:
        file.fetch([(0, 300_000)])
        report = file.report
    assert report.requests == len(server.asked) == 2
    assert 300_000 < report.bytes < 300_000 + 2 * 500
    assert 0.1 <= report.seconds < 2


@pytest.mark.parametrize("name", REAL)
def test_h5py_reads_the_same_as_from_the_local_file(name, quick):
    path = REPOSITORY / "tests/data/wu2020_tcells_200.h5ad" if name == "wu2020" else shared_file(name)
    with RangeServer(path.read_bytes()) as server, RangeFile(located(server.url()), quick) as remote:
        with h5py.File(path, "r") as expected, h5py.File(remote, "r") as file:
            assert everything(file) == everything(expected)
        assert remote.failure is None
        assert remote.report.bytes < 1.1 * path.stat().st_size + 10_000


def test_h5py_passes_on_what_went_wrong(server, shipped):
    server.body = shipped.read_bytes()
    with opened(server, block_bytes=1024) as remote, h5py.File(remote, "r") as file:
        server.etag = '"second"'
        with pytest.raises(RemoteError, match="changed while it was read"):
            everything(file)
        assert "changed" in str(remote.failure)


def test_no_thread_is_started_while_h5py_waits(server, shipped, monkeypatch):
    """Any thread may be the one that collects the rubbish of h5py; for that it waits until h5py does not."""
    server.body = shipped.read_bytes()
    with opened(server, block_bytes=512) as remote, h5py.File(remote, "r") as file:
        monkeypatch.setattr(parallel, "start_threads", None)
        everything(file)
        assert len(server.asked) > 10


def test_an_interruption_ends_all_threads_and_is_remembered(server, monkeypatch):
    before = threading.active_count()
    with opened(server, block_bytes=1024) as file:
        read = range_file.read_part

        def interrupted(*arguments, **options):
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            return read(*arguments, **options)

        monkeypatch.setattr(range_file, "read_part", interrupted)
        server.delay_s = 2.0
        with pytest.raises(KeyboardInterrupt):
            file.fetch([(place, place + 1) for place in range(0, 300_000, 10_000)])
        with pytest.raises(RemoteError, match="was not read to the end: interrupted; open it again"):
            file.read_range(0, 1)
    assert wait_until(lambda: threading.active_count() <= before)


def test_where_threads_cannot_be_had_the_work_is_done_all_the_same(server, monkeypatch):
    with opened(server, block_bytes=1024) as file:

        def refuse(thread):
            raise RuntimeError("can't start new thread")

        # The server has its threads already: one connection is open, and no other is needed.
        monkeypatch.setattr(parallel.threading.Thread, "start", refuse)
        file.fetch([(0, 300_000)])
        assert file.read_range(0, file.size) == server.body


def test_settings_are_those_of_a_public_program():
    assert not RemoteSettings().allow_private
    assert RemoteSettings().connections == 16


def everything(file: h5py.File) -> dict[str, object]:
    found: dict[str, object] = {}

    def visit(name: str, part: h5py.Group | h5py.Dataset) -> None:
        found[name] = sorted(part.attrs)
        if isinstance(part, h5py.Dataset) and part.shape is not None and part.dtype.kind != "V":
            found[f"{name}/values"] = np.asarray(part[()]).tolist().__repr__()

    file.visititems(visit)
    return found
