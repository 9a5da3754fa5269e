"""A trend says what NCBI counted and nothing else."""

from datetime import date
from pathlib import Path

import pytest

from mcp_server.geo.errors import AskedError, GeoError
from mcp_server.geo.settings import GeoSettings
from mcp_server.geo.trend import count_by_year, picture_of
from tests.geo import server as faults
from tests.geo.conftest import quick_settings
from tests.geo.server import EutilsServer, series

TODAY = date(2024, 6, 1)
SENTENCE = "This SuperSeries is composed of the SubSeries listed below."


@pytest.fixture
def server():
    known = [
        series(900_001, pdat="2022/02/01"),
        series(900_002, pdat="2023/12/31"),
        series(900_003, pdat="2023/01/01", suppfile="MTX"),
        series(900_004, pdat="2024/01/01", summary=SENTENCE),
        series(900_005, pdat="2024/02/01", suppfile="H5"),
        series(900_006, pdat="2024/03/01", suppfile=""),
    ]
    with EutilsServer(known) as running:
        yield running


@pytest.fixture
def settings(server: EutilsServer, tmp_path: Path) -> GeoSettings:
    return quick_settings(server, tmp_path)


def test_every_year_has_a_denominator_and_this_one_is_partial(settings: GeoSettings):
    trend = count_by_year("", first_year=2021, settings=settings, today=TODAY)
    assert [(each.year, each.n, each.n_all, each.is_partial) for each in trend.years] == [
        (2021, 0, 0, False),
        (2022, 1, 1, False),
        (2023, 1, 2, False),
        (2024, 1, 3, True),
    ]
    assert trend.super_series == 1
    assert trend.complete


def test_two_questions_a_year_are_asked_and_one_about_superseries(server: EutilsServer, settings: GeoSettings):
    trend = count_by_year("invented", first_year=2022, settings=settings, today=TODAY)
    assert trend.requests == len(server.asked) == 7
    assert all(asked.form["retmax"] == "0" for asked in server.asked)
    assert trend.term == "(invented) AND GSE[ETYP] AND h5ad[suppFile]"


def test_years_that_cannot_be_had_are_not_made_up(server: EutilsServer, settings: GeoSettings):
    server.fail(*[lambda _, reply: reply] * 4, *[faults.with_status(503)] * 3)
    trend = count_by_year("", first_year=2021, settings=settings, today=TODAY)
    assert [each.year for each in trend.years] == [2023, 2024]
    assert not trend.complete
    assert "nothing before 2023 could be had" in (trend.reason or "")
    assert trend.super_series is None


def test_without_any_year_there_is_no_trend(server: EutilsServer, settings: GeoSettings):
    server.always = faults.captcha
    with pytest.raises(GeoError, match="captcha"):
        count_by_year("", settings=settings, today=TODAY)


def test_a_file_type_that_ncbi_does_not_know_is_not_counted(shared: Path, server: EutilsServer, settings: GeoSettings):
    server.always = faults.recording("handmade/esearch_unknown_field.json")
    with pytest.raises(AskedError, match="nothing was counted"):
        count_by_year("", settings=settings, today=TODAY)


@pytest.mark.parametrize(("first", "last"), [(1999, 2020), (2023, 2022), (2020, 2025)])
def test_years_that_cannot_be_are_refused(settings: GeoSettings, first: int, last: int):
    with pytest.raises(AskedError, match="years go from 2000 to 2024"):
        count_by_year("", first_year=first, last_year=last, settings=settings, today=TODAY)


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_a_trend_is_drawn(settings: GeoSettings, kind: str, start: bytes):
    trend = count_by_year("", first_year=2022, settings=settings, today=TODAY)
    assert picture_of(trend, kind).startswith(start)


def test_a_picture_of_another_kind_is_refused(settings: GeoSettings):
    with pytest.raises(GeoError, match="png"):
        picture_of(count_by_year("", first_year=2024, settings=settings, today=TODAY), "doc")


def test_the_picture_has_the_numbers_that_were_counted(settings: GeoSettings):
    from mcp_server.geo.trend import figure_of

    trend = count_by_year("", first_year=2022, settings=settings, today=TODAY)
    left, right = figure_of(trend).axes
    assert [bar.get_height() for bar in left.patches] == [1, 1, 1]
    assert [round(bar.get_height(), 1) for bar in right.patches] == [100.0, 50.0, 33.3]
    assert [label.get_text() for label in left.get_xticklabels()] == ["2022", "2023", "2024*"]
