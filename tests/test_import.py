"""What `import edviz` loads, and what it offers."""

import subprocess
import sys

import edviz


def test_import_is_light() -> None:
    code = "import edviz, sys; print(*{'h5py', 'numpy', 'lark', 'rich', 'mcp'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == []


def test_public_names_are_there() -> None:
    assert set(edviz.__all__) <= set(dir(edviz))
    design = edviz.loads("Genotype(2) > Mouse(4)")
    assert isinstance(design, edviz.Design)
    assert edviz.loads(edviz.dumps(design)) == design
    assert "Mouse" in edviz.render(design)
    assert not hasattr(edviz, "read_h5ad")


def test_the_version_is_that_of_the_project() -> None:
    import tomllib

    from tests.h5ad.files import REPOSITORY

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert edviz.__version__ == project["version"]
