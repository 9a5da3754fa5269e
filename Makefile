# make card              the main job on the file that the repository ships
# make card FILE=x.h5ad  the main job on a file of one's own
# make test              install what the tests need, and test
# make lint              style, types, directions of imports, the skill
# make clean             remove what the other commands made

PYTHON ?= python3
FILE ?= tests/data/wu2020_tcells_200.h5ad
SKILL = build/anndata-design-inspector
SKILL_PARTS = $(wildcard SKILL.md LICENSE references scripts edviz mcp_server)

CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name one with PYTHON=")'

.PHONY: help card test lint skill clean

help:
	@sed -n 's/^# make/make/p' Makefile

card: .venv-card/installed
	@.venv-card/bin/python scripts/write_card.py "$(FILE)"

test: .venv/installed
	.venv/bin/python -m pytest

lint: .venv/installed skill
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	cd scripts && MYPYPATH=.. ../.venv/bin/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache *.py
	.venv/bin/lint-imports
	.venv/bin/agentskills validate $(SKILL)

# The folder of a skill has the name of the skill, which a checkout need not have.
skill:
	rm -rf $(SKILL)
	mkdir -p $(SKILL)
	cp -R $(SKILL_PARTS) $(SKILL)
	find $(SKILL) -name __pycache__ -type d -prune -exec rm -rf {} +

clean:
	rm -rf .venv .venv-card build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv-card/installed: scripts/write_card.py
	@$(CHECK_PYTHON)
	@echo "Making .venv-card with what write_card.py needs (once)."
	@$(PYTHON) -m venv .venv-card
	@sed -n '2,/^# \/\/\/$$/{/^# \/\/\/$$/!s/^# //p}' scripts/write_card.py | .venv-card/bin/python -c 'import sys, tomllib; print(*tomllib.load(sys.stdin.buffer)["dependencies"], sep="\n")' > .venv-card/requirements.txt
	@.venv-card/bin/python -m pip install --quiet --disable-pip-version-check -r .venv-card/requirements.txt
	@touch $@

.venv/installed: pyproject.toml constraints.txt
	@$(CHECK_PYTHON)
	@echo "Making .venv with all that the tests need."
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[filters,gzip,test,training,embedding,plots]' -c constraints.txt
	@touch $@
