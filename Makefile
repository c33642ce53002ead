# The commands a person needs. Each does the set-up it depends on, and finds it done the next time.

PYTHON ?= python3

# What an installed .venv depends on. A stamp is touched last, so that a set-up which failed or was
# interrupted is taken up again by the next call.
INSTALL := pyproject.toml constraints.txt .ci/python
RUN := .venv/.ready-to-run
TEST := .venv/.ready-to-test

.PHONY: help demo test test-times bare images gallery chaos chaos-cluster fuzz soak check report bench bench-render gpu bench-profiler
.PHONY: bench-rollouts bench-insight bench-cells bench-cluster bench-parameters bench-systems bench-elastic bench-deaths
.PHONY: bench-publishing bench-attach bench-browser bench-still setup clean
.PHONY: system-to-run system-to-test system-to-bench

help: ## list the commands (this)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(RUN) ## set up, then watch a trained critic and its agents (without a display: a video in runs/)
	@.venv/bin/valuescape run demo

# Three at a time, since tests wait, each file in one process; what measures time or needs the machine at the end, by itself.
TOGETHER := -n 3 --dist loadfile

# Tests start some hundred processes, each of which would compile Python's sources if none kept the result.
test test-times: export PYTHONDONTWRITEBYTECODE :=

test: $(TEST) ## set up, then run every test, in 10 minutes on two cores
	@.venv/bin/python -m pytest $(TOGETHER)

test-times: $(TEST) ## run every test; list processor seconds by folder, file and test, and keep those of files
	@.venv/bin/python -m pytest $(TOGETHER) --keep-times

# BARE_RUN='COMMAND' runs that in place of the two.
BARE_RUN ?=

bare: ## run `make demo` and `make test` of HEAD on a bare Debian, made for it (as root; 15 minutes)
	@bash .ci/bare $(if $(BARE_RUN),'$(BARE_RUN)')

images: $(TEST) ## draw the pictures that tests compare with anew; look at each before you keep it
	@VALUESCAPE_REGENERATE_IMAGES=1 .venv/bin/python -m pytest -q tests/visual/test_reference_pictures.py

api: $(RUN) ## write docs/api.md from the docstrings
	@.venv/bin/python docs/api_reference.py

gallery: $(RUN) ## make the pictures of docs/gallery, in 10 minutes
	@.venv/bin/python docs/gallery/make.py

MINUTES ?= 10

soak: $(TEST) ## resize, switch presets, add and remove agents for 10 minutes; ends with an error if memory grows
	@.venv/bin/python tests/soak.py --minutes $(MINUTES)

TIMES ?= 20

fuzz: $(TEST) ## read 54,000 damaged files and options, in 4 minutes; ends with an error if one ends in anything but a sentence
	@PYTHONPATH=tests:tests/helpers .venv/bin/python tests/fuzz

chaos: $(TEST) ## kill and stop processes in earnest, 20 rounds of those tests in 40 minutes; ends at a failure
	@$(MAKE) --no-print-directory fuzz
	@for round in $$(seq $(TIMES)); do .venv/bin/python -m pytest -q -m chaos || exit 1; done

ROUNDS ?= 100

chaos-cluster: $(TEST) ## kill, stop, take back and add nodes of a Ray cluster, 100 rounds in 15 minutes; ends at a failure
	@PYTHONPATH=tests:tests/helpers .venv/bin/python tests/chaos_cluster.py --rounds $(ROUNDS)

check: $(TEST) ## set up, then check format, lint and types
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy --strict
	.venv/bin/mypy --strict tests/typing/a_users_script.py

# ONLY=flock,pendulum/1000* picks rows; BENCH_SAVE= prints them and leaves docs/ as it is.
BENCH_SECONDS ?= 0.5
BENCH_REPEATS ?= 3
BENCH_SAVE ?= --save
PEERS := .venv-peers/.ready

bench: $(TEST) $(PEERS) ## measure the engine against its peers, in 10 minutes; tables go to docs/
	@.venv/bin/python tests/bench engine --only '$(ONLY)' --seconds $(BENCH_SECONDS) \
		--repeats $(BENCH_REPEATS) $(BENCH_SAVE)

bench-render: $(TEST) $(PEERS) | system-to-bench ## measure frames against peers, in 5 minutes; tables go to docs/
	@.venv/bin/python tests/bench frames --only '$(ONLY)' --seconds 2 --repeats $(BENCH_REPEATS) $(BENCH_SAVE)

report: $(TEST) ## scale, stress, soak, chaos, impact, bench, presets, in 30 minutes; to docs/measuring.md
	@.venv/bin/valuescape scale --json docs/bench/scale.json
	@.venv/bin/valuescape impact --set agents.count=1000 --seconds 3 --repeats 5 --json docs/bench/impact.json
	@.venv/bin/valuescape stress crowd --json docs/bench/stress.json
	@.venv/bin/valuescape stress medium --load agents,trails,ticks --json docs/bench/stress-together.json \
		--report runs/stress-together.html
	@.venv/bin/valuescape stress medium --minutes 6 --json docs/bench/soak.json --report runs/soak.html
	@.venv/bin/valuescape stress --chaos --minutes 5 --json docs/bench/chaos.json --report runs/chaos.html
	@.venv/bin/valuescape bench --seconds 1 --json docs/bench/bench.json
	@.venv/bin/python docs/report.py --presets

gpu: $(TEST) ## what this machine's OpenGL does: tests, frames to a million agents, the field; 8 minutes at most
	@PYTHONPATH=tests/helpers:tests/bench .venv/bin/python tests/bench/opengl.py $(GPU)

bench-profiler: $(TEST) ## what measuring itself costs, in a second
	@.venv/bin/python tests/bench/profiler.py

bench-systems: $(TEST) ## what systems of plug-ins cost in the workers, compiled and in arrays, in a minute
	@.venv/bin/python tests/bench/systems.py

bench-rollouts: $(TEST) ## rollouts from every cell of a map, as `analyze` makes them, in 2 minutes
	@.venv/bin/python tests/bench/rollouts.py

bench-insight: $(TEST) ## what following a crowd costs, and how long the truth takes to fill in, in 4 minutes
	@.venv/bin/python tests/bench/crowd.py
	@.venv/bin/python tests/bench/filling.py

bench-publishing: $(TEST) ## what publishing costs a training run, and how soon viewers see it, in 10 minutes
	@.venv/bin/python tests/bench/publishing.py

bench-cells: $(TEST) ## a crowd of up to a million agents as cells, and its frames, in 4 minutes
	@PYTHONPATH=tests/helpers:tests/bench .venv/bin/python tests/bench/cells.py

bench-parameters: $(TEST) ## what parameters of worlds cost, as data instead of constants, in a minute
	@.venv/bin/python tests/bench/parameters.py

bench-elastic: $(TEST) ## how long agents stand still while workers and agents change, in 2 minutes
	@.venv/bin/python tests/bench/elastic.py

bench-attach: $(TEST) ## from an update to its picture, and what a trainer loses to its viewer, in 6 minutes
	@.venv/bin/python tests/bench/attach.py

bench-still: $(TEST) ## what a frame costs in which the map, or the picture, stays the same, in 4 minutes
	@PYTHONPATH=tests/helpers .venv/bin/python tests/bench/still.py

bench-cluster: $(TEST) ## bytes that a frame of a run on a cluster takes, to a million agents, in a minute
	@.venv/bin/python tests/bench/cluster.py

bench-browser: $(TEST) ## frames a second and time from an input to its picture in a browser, viewers, encoders, in 3 minutes
	@.venv/bin/python tests/bench/browser.py

bench-deaths: $(TEST) $(PEERS) ## kill workers and main processes, ours and the peers', in 2 minutes
	@.venv/bin/python tests/bench/deaths.py $(BENCH_SAVE)

setup: $(RUN) ## only set up what `make demo` needs
	@echo "Ready. Next: make demo"

clean: ## remove .venv and every cache; runs/ stays
	rm -rf .venv .venv-peers .mypy_cache .pytest_cache .ruff_cache .hypothesis dist *.egg-info
	find sim gpu render valuescape tests -name __pycache__ -prune -exec rm -rf {} +

# Looked at in every call (it takes milliseconds), for the libraries can go without .venv going, as when
# this folder is mounted into another container.
system-to-run:
	@PYTHON="$(PYTHON)" bash .ci/system run

system-to-test:
	@PYTHON="$(PYTHON)" bash .ci/system test

system-to-bench:
	@PYTHON="$(PYTHON)" bash .ci/system bench

$(RUN): $(INSTALL) | system-to-run
	@PYTHON="$(PYTHON)" bash .ci/python run
	@touch $(RUN)

# What is compared with has an environment of its own: its pins need not suit ours.
$(PEERS): tests/bench/peers.txt constraints.txt
	$(PYTHON) -m venv --clear .venv-peers
	.venv-peers/bin/python -m pip install --disable-pip-version-check -q \
		-r tests/bench/peers.txt -c constraints.txt
	@touch $@

# What the tests need includes what the program needs.
$(TEST): $(INSTALL) | system-to-test
	@PYTHON="$(PYTHON)" bash .ci/python test
	@touch $(RUN) $(TEST)
