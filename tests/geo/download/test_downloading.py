"""Downloads from a server that does everything wrong that a server can."""

import errno
import hashlib
import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_server.geo.download.downloading import download_file, download_files
from mcp_server.geo.download.errors import CapError, DownloadError, PlaceTakenError, RoomError, TransferError
from tests.geo.download import faults
from tests.geo.download.quick import NOISE

MORE = 1_500_000
"""Enough to make a broken connection worth its while."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_whole(folder: Path) -> None:
    assert (folder / "noise.bin").read_bytes() == NOISE
    assert names(folder) == ["noise.bin", "noise.bin.download.json"]


def test_a_file_comes_whole_with_a_record_of_what_it_is(server, noise, folder, quick) -> None:
    found = download_file(noise, folder, quick)
    assert_whole(folder)
    assert (found.sha256, found.size, found.was_there) == (sha256(NOISE), len(NOISE), False)
    record = json.loads(Path(found.record).read_text())
    assert (record["url"], record["size"], record["sha256"]) == (noise.url, len(NOISE), sha256(NOISE))
    assert (record["etag"], record["last_modified"]) == (server.etag, server.last_modified)
    assert [one.headers["Accept-Encoding"] for one in server.asked] == ["identity"]


def test_a_file_that_was_brought_before_is_not_asked_for_again(server, noise, folder, quick) -> None:
    first = download_file(noise, folder, quick)
    again = download_file(noise, folder, quick)
    assert again == replace(first, was_there=True)
    assert len(server.asked) == 1


PASSING = {
    "overloaded": faults.status(403),
    "too many requests": faults.status(429, Retry_After="0"),
    "server error": faults.status(500),
    "bad gateway": faults.status(502),
    "unavailable": faults.status(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "dropped at once": faults.cut(0),
    "dropped early": faults.cut(1000),
    "dropped late": faults.cut(MORE),
    "truncated by a byte": faults.cut(len(NOISE) - 1),
    "stalled at once": faults.stall(0),
    "stalled": faults.stall(MORE),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_not_even_seen(fault, server, noise, folder, quick) -> None:
    server.faults.append(fault)
    assert download_file(noise, folder, quick).sha256 == sha256(NOISE)
    assert_whole(folder)
    assert len(server.asked) == 2


@pytest.mark.parametrize("fault", [faults.cut(MORE), faults.stall(MORE)], ids=["dropped", "stalled"])
def test_the_rest_is_asked_for_with_the_version_of_the_start(fault, server, noise, folder, quick) -> None:
    server.faults.append(fault)
    download_file(noise, folder, quick)
    rest = server.asked[1].headers
    assert (rest["Range"], rest["If-Range"]) == (f"bytes={MORE}-", server.etag)


LASTING = {
    "refused": (faults.status(403), r"HTTP 403\): it refuses"),
    "not there": (faults.status(404), r"HTTP 404\): it is not there: not public, withdrawn, or renamed"),
    "withdrawn": (faults.status(410), r"HTTP 410\): it was withdrawn"),
    "no such range": (faults.status(416), r"HTTP 416"),
    "too many requests": (faults.status(429), r"HTTP 429\): it has been asked too often"),
    "asked to wait an hour": (faults.status(503, Retry_After="3600"), "it asks to wait for 60 minutes"),
    "server error": (faults.status(500), r"HTTP 500\): it cannot answer now"),
    "redirect to nowhere": (faults.status(302), r"HTTP 302\)"),
    "stalled": (faults.stall(0), "no byte of noise.bin came for 0.5 seconds"),
    "dropped": (faults.cut(0), "the connection for noise.bin broke"),
    "a page": (faults.page, "a web page instead of noise.bin"),
    "a page without a type": (faults.page_without_a_type, "a web page instead of noise.bin"),
    "shorter": (faults.of_length(100), r"is now of 100 bytes, and was listed with 3,000,000"),
    "longer": (faults.of_length(len(NOISE) + 1), r"is now of 3,000,001 bytes"),
    "endless": (faults.endless, "more than the 3,000,000 bytes"),
    "encoded": (faults.encoded, "encoded as 'br'"),
    "led elsewhere": (faults.to("https://example.org/noise.bin"), "example.org/noise.bin is not on http://127.0.0.1"),
    "led to a file": (faults.to("file:///etc/passwd"), "/etc/passwd is not on"),
    "led to another port": (faults.to("http://127.0.0.1:1/noise.bin"), "127.0.0.1:1/noise.bin is not on"),
    "led to nonsense": (faults.to("http://["), "leads on to something that is no address"),
    "led in circles": (faults.to("/noise.bin"), "leads from address to address"),
}


@pytest.mark.parametrize(("fault", "words"), LASTING.values(), ids=LASTING)
def test_what_stays_wrong_is_one_sentence_and_no_file(fault, words, server, noise, folder, quick) -> None:
    server.fault = fault
    with pytest.raises(TransferError, match=words) as raised:
        download_file(noise, folder, quick)
    assert "\n" not in str(raised.value)
    assert names(folder) == []
    server.fault = None
    assert download_file(noise, folder, quick).sha256 == sha256(NOISE)
    assert_whole(folder)


def test_a_redirect_on_the_same_server_is_followed(server, noise, folder, quick) -> None:
    server.faults.append(faults.to("/elsewhere/noise.bin"))
    download_file(noise, folder, quick)
    assert [one.path for one in server.asked] == ["/noise.bin", "/elsewhere/noise.bin"]


ANEW = {
    "all of it": lambda server: faults.whole(server),
    "from another place": lambda server: faults.other_range(f"bytes {MORE - 1}-{len(NOISE) - 1}/{len(NOISE)}"),
    "of another size": lambda server: faults.other_range(f"bytes {MORE}-{len(NOISE)}/{len(NOISE) + 1}"),
    "not to the end": lambda server: faults.other_range(f"bytes {MORE}-{MORE + 9}/{len(NOISE)}"),
    "of unknown size": lambda server: faults.other_range(f"bytes {MORE}-{len(NOISE) - 1}/*"),
    "nothing": lambda server: faults.status(416),
}


@pytest.mark.parametrize("answer", ANEW.values(), ids=ANEW)
def test_an_answer_that_does_not_go_on_where_the_file_ends_is_never_joined(
    answer, server, noise, folder, quick
) -> None:
    server.faults.extend([faults.cut(MORE), answer(server)])
    download_file(noise, folder, quick)
    assert_whole(folder)


def test_a_file_that_changes_while_it_comes_is_taken_from_its_start(server, noise, folder, quick) -> None:
    changed = bytes(reversed(NOISE))

    def change(asked, reply):
        server.body, server.etag = changed, '"second"'
        return faults.cut(MORE)(asked, reply)

    server.faults.append(change)
    assert download_file(noise, folder, quick).sha256 == sha256(changed)
    assert json.loads((folder / "noise.bin.download.json").read_text())["etag"] == '"second"'


def test_a_part_of_another_version_that_ignores_if_range_is_not_joined(server, noise, folder, quick) -> None:
    def other(asked, reply):
        reply.headers["ETag"] = '"second"'

    server.faults.extend([faults.cut(MORE), other])
    download_file(noise, folder, quick)
    assert_whole(folder)


def test_without_a_version_the_file_is_taken_from_its_start(server, noise, folder, quick) -> None:
    server.etag = server.last_modified = None
    server.faults.append(faults.cut(MORE))
    download_file(noise, folder, quick)
    assert_whole(folder)
    assert server.ranges() == [None, None]


def test_a_weak_tag_is_no_version(server, noise, folder, quick) -> None:
    server.etag, server.last_modified = 'W/"first"', None
    server.faults.append(faults.cut(MORE))
    download_file(noise, folder, quick)
    assert server.ranges() == [None, None]


def test_what_arrived_before_an_error_is_gone_on_with(server, noise, folder, quick) -> None:
    server.faults.extend([faults.cut(MORE), *[faults.status(503)] * quick.attempts])
    with pytest.raises(TransferError):
        download_file(noise, folder, quick)
    assert (folder / "noise.bin.part").stat().st_size == MORE
    download_file(noise, folder, quick)
    assert server.asked[-1].range == f"bytes={MORE}-"
    assert_whole(folder)


def test_a_part_that_is_whole_needs_no_server(server, noise, folder, quick) -> None:
    server.faults.append(faults.cut(MORE))
    server.fault = faults.status(503)
    with pytest.raises(TransferError):
        download_file(noise, folder, quick)
    asked = len(server.asked)
    (folder / "noise.bin.part").write_bytes(NOISE)
    download_file(noise, folder, quick)
    assert_whole(folder)
    assert len(server.asked) == asked


def test_a_part_of_another_file_is_thrown_away(server, noise, folder, quick) -> None:
    server.faults.append(faults.cut(MORE))
    server.fault = faults.status(503)
    with pytest.raises(TransferError):
        download_file(replace(noise, url=server.url("other.bin")), folder, quick)
    server.fault = None
    download_file(noise, folder, quick)
    assert server.asked[-1].range is None
    assert_whole(folder)


TAKEN = ("noise.bin", "noise.bin.part", "noise.bin.download.json")


@pytest.mark.parametrize("name", TAKEN)
def test_a_file_that_is_something_else_is_not_touched(name, server, noise, folder, quick) -> None:
    folder.mkdir()
    (folder / name).write_bytes(NOISE)
    with pytest.raises(PlaceTakenError, match=name):
        download_file(noise, folder, quick)
    assert (folder / name).read_bytes() == NOISE
    assert names(folder) == [name]
    assert server.asked == []


def test_a_link_in_the_place_of_the_part_leads_nowhere(server, noise, folder, quick, tmp_path) -> None:
    server.faults.append(faults.cut(MORE))
    server.fault = faults.status(503)
    with pytest.raises(TransferError):
        download_file(noise, folder, quick)
    server.fault = None
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (folder / "noise.bin.part").unlink()
    (folder / "noise.bin.part").symlink_to(victim)
    with pytest.raises(PlaceTakenError):
        download_file(noise, folder, quick)
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"x" + data[1:]], ids=["shorter", "other"])
def test_a_file_that_was_changed_since_is_not_believed(change, server, noise, folder, quick) -> None:
    download_file(noise, folder, quick)
    (folder / "noise.bin").write_bytes(change(NOISE))
    with pytest.raises(PlaceTakenError, match="is no more what was downloaded"):
        download_file(noise, folder, quick)
    assert (folder / "noise.bin").read_bytes() == change(NOISE)


def test_a_file_that_was_moved_and_linked_to_is_believed(noise, folder, quick, tmp_path) -> None:
    download_file(noise, folder, quick)
    (folder / "noise.bin").rename(tmp_path / "elsewhere.bin")
    (folder / "noise.bin").symlink_to(tmp_path / "elsewhere.bin")
    assert download_file(noise, folder, quick).was_there
    (tmp_path / "elsewhere.bin").unlink()
    with pytest.raises(PlaceTakenError, match="is no more what was downloaded"):
        download_file(noise, folder, quick)


def test_a_file_that_was_only_touched_is_read_and_believed(server, noise, folder, quick) -> None:
    download_file(noise, folder, quick)
    os.utime(folder / "noise.bin", (0, 0))
    assert download_file(noise, folder, quick).was_there
    assert len(server.asked) == 1


def test_a_file_that_was_replaced_on_the_server_is_not_overwritten(server, noise, folder, quick) -> None:
    download_file(noise, folder, quick)
    with pytest.raises(PlaceTakenError, match="move it away"):
        download_file(replace(noise, size=10), folder, quick)
    assert_whole(folder)


def test_a_full_disk_keeps_what_has_arrived(server, noise, folder, quick, monkeypatch) -> None:
    write, room = os.write, [1_000_000]

    def filling(handle, data):
        # As a disk does: the last bytes that fit are written, then none.
        fits = min(len(data), room[0])
        if len(data) > 1000 and not fits:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room[0] -= fits
        return write(handle, data[:fits])

    monkeypatch.setattr(os, "write", filling)
    with pytest.raises(RoomError, match=r"is full .*1.0 MB stay in noise.bin.part: make room, and the same"):
        download_file(noise, folder, quick)
    assert (folder / "noise.bin.part").read_bytes() == NOISE[:1_000_000]
    monkeypatch.undo()
    download_file(noise, folder, quick)
    assert server.asked[-1].range == "bytes=1000000-"
    assert_whole(folder)


def test_a_disk_with_too_little_room_is_told_before_anything_is_asked(server, noise, folder, quick) -> None:
    with pytest.raises(RoomError, match=r"3.0 MB are still to come and .* are free"):
        download_files([noise], folder, replace(quick, kept_free=1 << 60))
    assert server.asked == []
    assert not folder.exists()


def test_more_than_the_cap_needs_a_yes_that_names_the_size(server, noise, folder, quick) -> None:
    with pytest.raises(CapError, match=r"3.0 MB \(3,000,000 bytes\), more than the 1.0 MB .*max_size .* 3000000"):
        download_files([noise], folder, quick, max_size=1_000_000)
    assert server.asked == []
    found = download_files([noise], folder, quick, max_size=3_000_000)
    assert found.size == 3_000_000
    # What is there costs nothing.
    assert download_files([noise], folder, quick, max_size=0).files[0].was_there


def test_one_file_that_cannot_be_had_stops_no_other(server, noise, folder, quick) -> None:
    server.fault = lambda asked, reply: faults.status(404)(asked, reply) if "lost" in asked.path else None
    lost = replace(noise, url=server.url("lost.bin"), name="lost.bin")
    found = download_files([lost, noise], folder, quick)
    assert [file.name for file in found.files] == ["noise.bin"]
    assert [(file.name, "HTTP 404" in file.error) for file in found.failed] == [("lost.bin", True)]


def test_a_taken_place_is_told_before_anything_is_asked(server, noise, folder, quick) -> None:
    folder.mkdir()
    (folder / "last.bin").write_bytes(b"precious")
    with pytest.raises(PlaceTakenError, match=r"last\.bin"):
        download_files([noise, replace(noise, name="last.bin")], folder, quick)
    assert server.asked == []


def test_an_address_elsewhere_is_not_asked(noise, folder, quick, monkeypatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was made"))
    for url in ("https://example.org/noise.bin", "http://user@127.0.0.1/", "ftp://127.0.0.1/", "noise.bin", "http://["):
        with pytest.raises(TransferError, match="is not on"):
            download_file(replace(noise, url=url), folder, quick)
    assert not folder.exists()


def test_two_files_of_one_name_are_refused(noise, folder, quick) -> None:
    with pytest.raises(DownloadError, match=r"several files are called noise\.bin"):
        download_files([noise, noise], folder, quick)


def test_a_folder_that_cannot_be_made_is_one_sentence(noise, no_such_folder, quick) -> None:
    with pytest.raises(DownloadError, match="cannot make the folder"):
        download_file(noise, no_such_folder, quick)


BAD_NAMES = {
    "": "has no name",
    "../up.h5ad": "paths",
    "a/b.h5ad": "paths",
    "a\\b.h5ad": "paths",
    "C:cells.h5ad": "paths",
    "..": "begins with a dot",
    ".bashrc": "begins with a dot",
    "-rf": "begins with a dot, a dash",
    "~root": "a tilde",
    "con": "device",
    "NUL.h5ad": "device",
    "com1.tar.gz": "device",
    "a\0b": "cannot be seen",
    "a\nb": "cannot be seen",
    "a\x1b[31mb": "cannot be seen",
    "a\u202eb": "cannot be seen",
    "cells. ": "ends with",
    "cells.": "ends with",
    "x" * 201: "longer than 200 bytes",
    "é" * 101: "longer than 200 bytes",
    "cells.h5ad.part": "stand beside a download",
    "cells.h5ad.download.json": "stand beside a download",
}


@pytest.mark.parametrize(("name", "words"), BAD_NAMES.items(), ids=map(repr, BAD_NAMES))
def test_a_name_that_could_lead_elsewhere_is_refused(name, words, server, noise, folder, quick) -> None:
    with pytest.raises(DownloadError, match=words) as raised:
        download_file(replace(noise, name=name), folder, quick)
    assert str(raised.value).isprintable()
    assert not folder.exists()
    assert server.asked == []


GOOD_NAMES = ("GSE1_a b+c#d%20(e).h5ad.bin", "données.bin", "x" * 200, "constant.bin", "COM.bin", "a..b")


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_that_only_looks_odd_is_kept(name, noise, folder, quick) -> None:
    found = download_file(replace(noise, name=name), folder, quick)
    assert Path(found.path) == folder / name
    assert (folder / name).read_bytes() == NOISE
