"""Parameters that come from the shared collection of files."""

import pytest

from tests.h5ad.files import SHARED
from tests.hdf5.walking import valid_files


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `valid_file` once for each shared file that HDF5 can open."""
    if "valid_file" not in metafunc.fixturenames:
        return
    if SHARED.is_dir():
        metafunc.parametrize("valid_file", valid_files())
    else:
        reason = f"the shared files are not at {SHARED}; set EDVIZ_SHARED to the folder that holds h5ad/"
        metafunc.parametrize("valid_file", [pytest.param("", marks=pytest.mark.skip(reason=reason))])
