# The commands of daily work. Each sets up what it needs first, and says nothing when there is nothing to set up.
# `make help` lists them; `.venv/bin/punnet --help` does the same and more.

PYTHON ?= python3
ARGS ?=
RUN := $(PYTHON) deploy/boot.py local --
DEV := $(PYTHON) deploy/boot.py dev --
UP := $(if $(SPLIT),--split) $(if $(PORT),--port $(PORT)) $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help up reset status web test prove test-browser lint format schema lock

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST)

up:  ## the whole shop at http://localhost:8080; SPLIT=1 a process per subgraph, PORT=… another port
	@$(RUN) punnet up $(UP)

reset:  ## drop all local data
	@$(RUN) punnet reset $(ARGS)

status:  ## what is running, and where
	@$(RUN) punnet status $(ARGS)

web:  ## build the GraphiQL bundle (`make up` does it too)
	@$(RUN) punnet web build $(ARGS)

test:  ## all tests, on a real PostgreSQL and a real NATS; ARGS=… goes to pytest
	@$(DEV) pytest $(ARGS)

prove:  ## the laws of the shop under fire, on shops of its own; ARGS=--only R1,R5 --scale 0.1
	@$(DEV) punnet prove $(ARGS)

test-browser:  ## GraphiQL in a headless Chromium, which must be installed
	@$(DEV) pytest tests/browser $(ARGS)

lint:  ## formatting, lint, types, doors between rooms, schema artefacts, locks
	@$(DEV) sh deploy/lint.sh

format:  ## rewrite the sources in the one format
	@$(DEV) ruff format .

schema:  ## export the subgraphs' SDL and compose the supergraph
	@$(RUN) punnet schema export

lock:  ## pin all packages anew, by hash and without addresses
	@sh deploy/lock.sh $(PYTHON)
