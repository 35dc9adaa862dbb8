# Two commands do everything on a machine that has Python >= 3.11 and make:
#   make demo    the main job on a synthetic district     make test    every check of the project
PYTHON ?= python3
OFFICIALS ?= 2000
ITEMS ?= 5000
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.9

.PHONY: bench campaign demo test install java check stubs requirements clean

install: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("libmatch needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# KILL=1 kills the matcher (SIGKILL) in the middle of the upload; the result must be the same.
demo: $(STAMP)
	@$(BIN)/python -m demo --officials $(OFFICIALS) --items $(ITEMS) --out build/demo $(if $(KILL),--kill-matcher)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy libmatch services demo tests benchmarks
	$(BIN)/lint-imports

# Spark is one of the engines that the tests run; it needs a Java runtime.
java:
	@command -v java >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless; } \
	  || { echo "The tests need Java 17 (Debian: openjdk-17-jre-headless); please install it." >&2; exit 1; }

test: check java
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# The tests of crashes, load and models at full length: hours instead of minutes.
campaign: $(STAMP) java
	$(BIN)/pytest -m campaign --long --timeout 7200

# Ratios to references in the same run; FULL=1 from 10,000 to 10,000,000 rows.
bench: $(STAMP)
	$(BIN)/python -m benchmarks $(if $(FULL),--full)

stubs: $(STAMP)
	$(BIN)/python -m protos.generate

requirements:
	$(BIN)/uv pip compile --quiet --extra dev --generate-hashes --no-emit-index-url --custom-compile-command "make requirements" -o requirements.txt pyproject.toml

clean:
	rm -rf build $(VENV)
