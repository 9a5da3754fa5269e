"""Parameters that come from the shared collection of files."""

import json

import pytest

from tests.h5ad.files import SHARED


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `expected_file` once for each file with expected columns."""
    if "expected_file" not in metafunc.fixturenames:
        return
    table = SHARED / "encodings" / "expected_obs.json"
    if table.is_file():
        metafunc.parametrize("expected_file", sorted(json.loads(table.read_text())))
    else:
        reason = f"there is no {table}; set EDVIZ_SHARED to the folder that holds h5ad/"
        metafunc.parametrize("expected_file", [pytest.param("", marks=pytest.mark.skip(reason=reason))])
