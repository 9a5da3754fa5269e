"""What is heavy is imported by the process of a training, and by nothing else."""

import subprocess
import sys

import pytest

from tests.h5ad.files import REPOSITORY
from tests.training.files import cells, written

HEAVY = ("scvi", "torch", "lightning", "scanpy", "anndata", "scib_metrics", "matplotlib", "jax", "sklearn")
SERVER = """
import sys
from pathlib import Path
from mcp_server.server import create_server
from mcp_server.settings import Settings
create_server(Settings((Path.cwd(),), (Path.cwd(),)))
print(*set(sys.argv[1:]) & set(sys.modules))
"""
PLAN = """
import sys
from mcp_server.training.plan import plan_training
plan_training(sys.argv[1])
print(*set(sys.argv[2:]) & set(sys.modules))
"""


def loaded(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_server_imports_nothing_that_trains():
    assert loaded(SERVER, *HEAVY) == []


def test_a_plan_needs_nothing_that_trains(tmp_path):
    assert loaded(PLAN, str(written(cells(), tmp_path)), *HEAVY) == []


@pytest.mark.parametrize("script", ["plan_training", "train_scvi", "embed_cells"])
def test_scripts_import_nothing_that_trains(script):
    code = f"import sys; sys.path.insert(0, 'scripts'); import {script}; print(*set(sys.argv[1:]) & set(sys.modules))"
    assert loaded(code, *HEAVY) == []
