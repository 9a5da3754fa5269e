"""Whatever NCBI answers, it is either what was asked for or an error in one sentence; and it is asked politely."""

import logging
import multiprocessing
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from mcp_server.geo import throttle as throttle_module
from mcp_server.geo.client import GeoClient
from mcp_server.geo.errors import AskedError, BusyError, ExpiredError, GeoError
from mcp_server.geo.settings import GeoSettings, geo_settings
from mcp_server.geo.throttle import Throttle
from tests.geo import server as faults
from tests.geo.conftest import quick_settings
from tests.geo.server import EutilsServer, series

QUESTION = {"db": "gds", "term": "GSE[ETYP]", "retmax": "2"}
SUMMARY = {"db": "gds", "id": "200900001"}

PASSING = {
    "rate limit in an answer": faults.RATE_LIMIT,
    "429": faults.with_status(429),
    "403": faults.with_status(403),
    "500": faults.with_status(500),
    "502": faults.with_status(502),
    "503": faults.with_status(503, retry_after=None),
    "web page": faults.page(),
    "captcha": faults.captcha,
    "half of the JSON": faults.short,
    "broken connection": faults.cut,
    "failed search": faults.search_failed,
    "failed back end": faults.back_end_failed,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=list(PASSING))
def test_a_fault_that_passes_is_not_seen(eutils: EutilsServer, client: GeoClient, fault: faults.Fault):
    eutils.fail(fault)
    assert client.post_json("esearch", QUESTION)["esearchresult"]["count"] == "5"
    assert client.requests == 2


@pytest.mark.parametrize("fault", PASSING.values(), ids=list(PASSING))
def test_a_fault_that_stays_is_said_in_one_sentence(eutils: EutilsServer, client: GeoClient, fault: faults.Fault):
    eutils.always = fault
    with pytest.raises(BusyError) as caught:
        client.post_json("esearch", QUESTION)
    said = str(caught.value)
    assert said.endswith("asked 3 times: try again later")
    assert "\n" not in said
    assert client.requests == 3


def test_a_silence_that_passes_is_not_seen(eutils: EutilsServer, quick: GeoSettings):
    eutils.fail(faults.silent(4))
    with GeoClient(replace(quick, timeout_s=2.0)) as client:
        assert client.post_json("esearch", QUESTION)["esearchresult"]["count"] == "5"
        assert client.requests == 2


def test_a_silence_that_stays_is_said_in_one_sentence(eutils: EutilsServer, quick: GeoSettings):
    eutils.always = faults.silent(2)
    with (
        GeoClient(replace(quick, timeout_s=0.5)) as client,
        pytest.raises(BusyError, match=r"^127\.0\.0\.1 is silent for 0\.5 seconds; asked 3 times: try again later$"),
    ):
        client.post_json("esearch", QUESTION)


def test_who_waits_is_told_why(eutils: EutilsServer, client: GeoClient, caplog: pytest.LogCaptureFixture):
    eutils.fail(faults.with_status(503, retry_after="1"))
    client.post_json("esearch", QUESTION)
    assert caplog.messages == ["NCBI does not answer now (HTTP 503); asking again in 1 s"]


def test_a_server_that_asks_for_a_long_wait_is_left_alone(eutils: EutilsServer, client: GeoClient):
    eutils.always = faults.with_status(429, retry_after="3600")
    with pytest.raises(BusyError, match="asks to wait for 3600 seconds"):
        client.post_json("esearch", QUESTION)
    assert client.requests == 1


def test_the_wait_that_is_asked_for_is_kept(eutils: EutilsServer, client: GeoClient):
    eutils.fail(faults.with_status(429, retry_after="1"))
    client.post_json("esearch", QUESTION)
    first, second = eutils.asked
    assert second.at - first.at >= 1.0


@pytest.mark.parametrize(
    ("utility", "parameters", "error", "told"),
    [
        ("esearch", {"db": "fleegle", "term": "x"}, AskedError, "Invalid db name specified: fleegle"),
        ("esummary", {"db": "gds", "id": ""}, AskedError, "Empty id list"),
        ("esummary", {"db": "gds", "id": ",".join(map(str, range(501)))}, AskedError, "Too many UIDs"),
        ("esummary", {"db": "gds", "query_key": "1", "WebEnv": "MCID_gone"}, ExpiredError, "Unable to obtain query #1"),
        ("enothing", {"db": "gds"}, GeoError, "HTTP 404"),
    ],
)
def test_what_cannot_pass_is_asked_once(
    client: GeoClient, utility: str, parameters: dict[str, str], error: type[GeoError], told: str
):
    with pytest.raises(error, match=told):
        client.post_json(utility, parameters)
    assert client.requests == 1


@pytest.mark.parametrize(
    ("name", "utility", "error"),
    [
        ("eutils/rate_limit_exceeded.json", "esearch", BusyError),
        ("handmade/rate_limit_documented_form.json", "esearch", BusyError),
        ("eutils/ncbi_esearch.baderror.json", "esearch", AskedError),
        ("eutils/ncbi_esummary.error.json", "esummary", AskedError),
        ("handmade/esummary_too_many_uids.json", "esummary", AskedError),
        ("handmade/esummary_empty_id_list.json", "esummary", AskedError),
        ("handmade/esummary_expired_webenv.json", "esummary", ExpiredError),
        ("handmade/esummary_transient_cpp_exception.json", "esummary", BusyError),
        ("handmade/captcha_200.html", "esearch", BusyError),
        ("handmade/maintenance_200.html", "esearch", BusyError),
    ],
)
def test_errors_as_ncbi_writes_them_are_known(
    shared: Path, eutils: EutilsServer, client: GeoClient, name: str, utility: str, error: type[GeoError]
):
    eutils.always = faults.recording(name)
    with pytest.raises(error):
        client.post_json(utility, QUESTION | SUMMARY)


def test_an_answer_that_is_too_long_is_given_up(eutils: EutilsServer, tmp_path: Path):
    client = GeoClient(replace(quick_settings(eutils, tmp_path), most_answer_bytes=100))
    with client, pytest.raises(GeoError, match="longer than 100 bytes"):
        client.post_json("esearch", QUESTION)
    assert client.requests == 1


def test_questions_are_posted_with_who_asks(eutils: EutilsServer, client_with_key: GeoClient):
    client_with_key.post_json("esearch", QUESTION)
    (asked,) = eutils.asked
    assert asked.method == "POST"
    assert asked.form["tool"] == "anndata-design-inspector"
    assert asked.form["email"] == "someone@example.org"
    assert asked.form["api_key"] == "c0ffee-secret"


def test_the_key_is_in_no_error_log_or_text(
    eutils: EutilsServer, client_with_key: GeoClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
):
    caplog.set_level(logging.DEBUG)
    told = [repr(client_with_key.settings)]
    for fault in (*PASSING.values(), faults.refused("API key invalid: c0ffee-secret", status=400)):
        eutils.always = fault
        with pytest.raises(GeoError) as caught:
            client_with_key.post_json("esearch", QUESTION)
        told += [str(caught.value), repr(caught.value)]
    out, err = capfd.readouterr()
    assert "secret" not in " ".join((*told, caplog.text, out, err))


def test_a_key_that_is_refused_is_named_by_its_variable(eutils: EutilsServer, client_with_key: GeoClient):
    eutils.always = faults.refused("API key invalid", status=400)
    with pytest.raises(AskedError, match="NCBI_API_KEY"):
        client_with_key.post_json("esearch", QUESTION)


def _ask(url: str, folder: Path, n: int) -> None:
    settings = GeoSettings(folder=folder, eutils=url, gap_s=0.1)
    with GeoClient(settings) as client:
        for _ in range(n):
            client.post_json("esearch", QUESTION)


def test_two_processes_keep_the_gap_together(eutils: EutilsServer, tmp_path: Path):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_ask, args=(eutils.url, tmp_path / "geo", 8)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    arrivals = [asked.at for asked in eutils.asked]
    assert len(arrivals) == 16
    # In no second are more than ten let through; what is between leaving and arriving is not in our hands.
    assert max(sum(start <= at < start + 1 for at in arrivals) for start in arrivals) <= 11
    assert arrivals[-1] - arrivals[0] >= 15 * 0.1 - 0.1


def test_turns_are_a_gap_apart(tmp_path: Path):
    throttle = Throttle(tmp_path, "eutils", 0.05)
    times = []
    for _ in range(5):
        throttle.wait()
        times.append(time.time())
    throttle.close()
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.045


def test_a_clock_that_is_put_back_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    throttle = Throttle(tmp_path, "eutils", 0.05)
    with monkeypatch.context() as later:
        later.setattr(throttle_module, "_now_ms", lambda: time.time_ns() // 10**6 + 3_600_000)
        throttle.wait()
    throttle.close()
    begun = time.monotonic()
    Throttle(tmp_path, "eutils", 0.05).wait()
    assert time.monotonic() - begun < 10


def test_a_folder_that_cannot_be_written_is_named(no_such_folder: Path):
    with pytest.raises(GeoError, match="EDVIZ_GEO_STATE"):
        Throttle(no_such_folder, "eutils", 0.05).wait()


def test_a_file_of_turns_that_is_broken_is_named(tmp_path: Path):
    (tmp_path / "turns.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(GeoError, match="remove the file"):
        Throttle(tmp_path, "eutils", 0.05).wait()


@pytest.mark.parametrize(
    "address", ["http://ncbi.example.org/", "ftp://a/", "eutils", "https://user@a/", "https://a/?b"]
)
def test_a_server_that_could_be_listened_to_gets_no_key(address: str):
    with pytest.raises(GeoError, match="EDVIZ_GEO_EUTILS"):
        geo_settings({"EDVIZ_GEO_EUTILS": address})


def test_proxies_of_the_environment_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with EutilsServer([series(900_001)]) as proxy:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/entrez/eutils/"))
        settings = GeoSettings(folder=tmp_path, eutils="http://127.0.0.1:9/entrez/eutils/", gap_s=0.001)
        with GeoClient(settings) as client:
            assert client.post_json("esearch", QUESTION)["esearchresult"]["count"] == "1"
        assert proxy.n_asked("esearch") == 1
