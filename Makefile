# BaseChat from a checkout. `make up` and `make test` install what they need into this folder
# (.tools, .venv, .cache, web/node_modules), except Debian packages. GNU make, Linux and macOS.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help up down test coverage check lint bench bench-gateway chaos test-containers setup web chromium clean

export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export UV_PYTHON_DOWNLOADS := never
export UV_COMPILE_BYTECODE := 1
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export npm_config_cache := $(CURDIR)/.cache/npm
export npm_config_update_notifier := false
export NEXT_TELEMETRY_DISABLED := 1
ifeq ($(HOME),)
export HOME := $(CURDIR)/.cache/home
endif
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

STEP := scripts/step
ONCE := scripts/once
BIN := .venv/bin
PYTHON_CODE := src tests bench scripts/prose

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

up: setup web ## Install what is missing and start BaseChat in the background (UP="--port 9000" for options)
	@$(BIN)/basechat up --detach $(UP)

down: ## Stop BaseChat
	@if [ -x $(BIN)/basechat ]; then $(BIN)/basechat down; else echo "BaseChat is not set up here."; fi

test: setup web chromium check ## Run all checks: lint, types, contracts, web specs, tests
	@$(BIN)/pytest -n 2 --dist loadfile -m "not containers" $(PYTEST)

coverage: setup web ## Measure the lines that the tests execute, against a floor; takes a third longer than the tests
	@$(BIN)/pytest -n 2 --dist loadfile -m "not containers and not browser" --cov=src/basechat --cov-report= $(PYTEST)
	@$(BIN)/coverage report --skip-covered --sort=cover

check: setup web lint
	@$(STEP) "python: types" $(BIN)/mypy
	@$(STEP) "web: types" scripts/npm run typecheck
	@$(STEP) "web: specs" scripts/npm run test

lint: setup .cache/web-modules ## Check style, format, import contracts and prose
	@$(STEP) "python: lint" $(BIN)/ruff check $(PYTHON_CODE)
	@$(STEP) "python: format" $(BIN)/ruff format --check $(PYTHON_CODE)
	@$(STEP) "python: import contracts" $(BIN)/lint-imports
	@$(STEP) "prose" scripts/prose
	@$(STEP) "web: lint" scripts/npm run lint

bench: setup web ## Measure the numbers of bench/README.md
	@$(BIN)/python -m bench $(BENCH)

bench-gateway: setup ## Measure llm-agent beside LiteLLM's proxy
	@$(ONCE) .cache/bench/litellm/.fingerprint "$$(scripts/fingerprint bench/gateway/litellm.txt)" \
	    $(STEP) "litellm, for the bench" scripts/litellm
	@$(BIN)/python -m bench.gateway $(BENCH)

chaos: setup web ## Break BaseChat under load and count lost messages (CHAOS="--faults 60 --seed 7")
	@$(BIN)/python -m tests.chaos $(CHAOS)

test-containers: setup ## Run the guide's quick start on the Docker engine of `docker`
	@$(BIN)/pytest -m containers $(PYTEST)

setup: .tools/bin/uv
	@node=$$(scripts/node-group) && $(ONCE) .venv/.fingerprint "$$(scripts/fingerprint pyproject.toml uv.lock) $$node" \
	    $(STEP) "python dependencies" .tools/bin/uv sync --frozen --python "$$(scripts/python)" $$node

.tools/bin/uv: scripts/uv.txt
	@mkdir -p .cache/home
	@scripts/python >/dev/null
	@$(STEP) "uv" scripts/uv
	@touch $@

web: setup .cache/web-modules ## Build the web app if its sources changed
	@$(ONCE) src/basechat/web_dist/.fingerprint "$$(scripts/fingerprint web)" $(STEP) "web app" scripts/web

.cache/web-modules: web/package.json web/package-lock.json | setup
	@$(STEP) "web dependencies" scripts/npm ci --no-audit --no-fund
	@touch $@

chromium:
	@scripts/chromium

clean: down ## Remove everything installed or built; the data in .basechat stays
	@rm -rf .tools .venv .cache web/node_modules web/.next web/out src/basechat/web_dist test-results
