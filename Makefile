# People, hooks and CI call the same few tasks.
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
WORKERS ?= auto

# LightGBM wants the system's OpenMP library. Where there is none, the copy that comes with scikit-learn serves.
OPENMP := $(CURDIR)/.venv/openmp
export LD_LIBRARY_PATH := $(if $(LD_LIBRARY_PATH),$(LD_LIBRARY_PATH):)$(OPENMP)

# Without compiled files beside its modules, each process would compile all libraries anew, which doubles the time of a run.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo serve test check format install lock schemas clean

demo: install          ## The three case studies, from data to an answering endpoint; ends by itself
	$(BIN)/shipway demo demo

serve: install         ## The service of the demo's workspace, kept up
	test -f demo/shipway.toml || $(BIN)/shipway demo demo
	cd demo && ../$(BIN)/shipway serve

test: install          ## All tests, in parallel
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

check: install         ## Lint, types and the architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(BIN)/.installed

$(BIN)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Shipway needs Python 3.11 or newer; call: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@mkdir -p $(OPENMP)
	@$(BIN)/python -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null \
		|| ln -sf $$(ls -d $(CURDIR)/.venv/lib/python3*/site-packages/scikit_learn.libs/libgomp-*.so*) $(OPENMP)/libgomp.so.1
	@touch $@

lock:                  ## Names, versions and hashes only
	$(BIN)/uv pip compile --quiet pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements.lock

schemas: install       ## What editors complete and check project.toml and contract.toml by
	$(BIN)/python -c 'import pathlib; from shipway import wiring; wiring.write_schemas(pathlib.Path())'

clean:
	rm -rf .venv demo .pytest_cache .mypy_cache .ruff_cache
