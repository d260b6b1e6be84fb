# Two commands do all the set-up: `make train` and `make test`. PYTHON=python3.12 chooses another.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
WORKDIR ?= runs/digits_mlp
CONFIG ?= configs/digits_mlp.py
# The runs that pictures of docs/ are drawn from.
PICTURED := digits_cycle digits_mlp digits_vae digits_conditional mnist_conditional digits_ebgan digits_began digits_progressive photographs_cycle photographs_paired_colourisation scans_segmentation

.PHONY: help train test test-telling test-faults test-all test-newest install lint format constraints docs pictures collapse tour claims clean

help:
	@echo "make train        install, train the default GAN on real digits, print where the pictures are"
	@echo "make test         install, check style, run the default tests"
	@echo "make test-telling the most telling of the slow tests, as continuous integration does"
	@echo "make test-faults  kills, damage, full disks, hostile folders: the long ones too"
	@echo "make test-all     the same with the slow tests"
	@echo "make test-newest  the default tests against the newest releases, in .venv-newest"
	@echo "make docs         build the site with the API reference into site/; broken links are errors"
	@echo "make pictures     train what the pictures of docs/ show and draw them again, all but the next"
	@echo "make collapse     run the study of mode collapse, 2 hours on 2 cores; stop and resume at will"
	@echo "make tour         show the classical claims with our own numbers, as one page; resumes"
	@echo "make claims       replay published claims about update schemes beside their numbers; resumes"
	@echo "make constraints  resolve constraints.txt anew"

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ganjax needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 8; }
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check $(if $(NEWEST),--upgrade,--constraint constraints.txt) --editable '.[dev]'
	@touch $@

train: install
	$(RUN) scripts/train.py --config $(CONFIG) --workdir $(WORKDIR)

# A file's tests stay in one process, where they share what is compiled.
PYTEST := $(RUN) -m pytest -n 2 --dist loadfile

test: install lint
	$(PYTEST) -m "not slow"

test-telling: install
	$(PYTEST) -m "slow and telling"

test-faults: install
	$(PYTEST) tests/faults

test-all: install lint
	$(PYTEST)

test-newest:
	rm -f .venv-newest/installed
	$(MAKE) install VENV=.venv-newest NEWEST=1
	.venv-newest/bin/python -m pytest -n 2 --dist loadfile -m "not slow"

lint: install
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: install
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

# One file for Python 3.11 to 3.13: one JAX for all of them, everything else as that allows; without
# PyTorch, which benchmarks alone need.
constraints:
	$(PYTHON) -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet uv
	echo 'jax==0.10.2' | .venv-uv/bin/uv pip compile --universal --python-version 3.11 \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet \
	  --extra browser --extra prepare --extra tensorboard --extra dev --constraint - --output-file constraints.txt --upgrade pyproject.toml

# All of docs/ but collapse.png and unrolling.png, whose study is long (`make collapse`). Runs that
# are done already are not trained again; remove runs/ to begin anew.
pictures: install
	$(RUN) scripts/prepare.py --set mnist
	for name in $(PICTURED); do \
	  $(RUN) scripts/train.py --config configs/$$name.py --workdir runs/$$name || exit; \
	done
	$(RUN) scripts/evaluate.py --workdir runs/digits_mlp --picture docs/digits_mlp.png
	$(RUN) scripts/evaluate.py --workdir runs/mnist_conditional --n 500 --picture docs/mnist.png
	$(RUN) scripts/evaluate.py --workdir runs/digits_ebgan --picture docs/digits_ebgan.png
	$(RUN) scripts/evaluate.py --workdir runs/digits_began --picture docs/digits_began.png
	$(RUN) scripts/sample.py --workdir runs/digits_conditional --n 100 --out docs/digits_conditional.png
	$(RUN) scripts/restore.py --workdir runs/digits_vae --n 64 --restarts 16 --weight 0.32 \
	  --picture docs/restoration.png
	$(RUN) scripts/walk.py --workdir runs/digits_mlp --rows 8 --picture docs/walk.png --gif docs/walk.gif
	$(RUN) scripts/walk.py --workdir runs/digits_mlp --arithmetic 3bold-3thin+8thin --mean_of 3 \
	  --picture docs/arithmetic.png
	$(RUN) scripts/benchmarks/translated.py --workdir runs/photographs_cycle --picture docs/translation.png
	$(RUN) scripts/benchmarks/translated.py --workdir runs/digits_cycle --picture docs/turned.png --columns 12
	$(RUN) scripts/translate.py --workdir runs/photographs_paired_colourisation --n 16 --out docs/paired.png
	$(RUN) scripts/translate.py --workdir runs/scans_segmentation --n 16 --out docs/scans.png
	$(RUN) scripts/benchmarks/growth.py --workdir runs/digits_progressive --picture docs/digits_progressive.png
	$(RUN) scripts/benchmarks/few_labels.py --config configs/digits_semi_supervised.py \
	  --labels 2 --seeds 1 --picture docs/semi_supervised.png
# docs/autoencoders.png and docs/colourisation.png:
	$(RUN) scripts/benchmarks/autoencoders.py --pictures docs \
	  --parts denoising --parts vae --parts adversarial --parts colourisation
	$(RUN) scripts/benchmarks/packing.py --seeds 1 --picture docs/packing.png \
	  --cells "grid, plain;grid, packed_2;grid, packed_3;grid, packed_4"
	$(RUN) scripts/benchmarks/f_gan.py --config configs/mixture_f_gan.py --picture docs/f_gan.png
	$(RUN) scripts/dynamics.py --steps 0.2 --length 120 --picture docs/dynamics.png \
	  --schemes simultaneous,alternating,runge_kutta,extragradient,optimistic,consensus,competitive,unrolled,lookahead,negative_momentum,prediction,anchored
	$(RUN) scripts/benchmarks/intervals.py --table docs/results/comparing.json --picture docs/comparing.png
	$(RUN) scripts/benchmarks/intervals.py --table docs/results/stacked.json \
	  --score "modes of 1,000" --picture docs/stacked.png
	$(RUN) scripts/benchmarks/pods.py --picture docs/pods.png
	$(RUN) scripts/benchmarks/devices.py --json runs/devices.json
	$(RUN) scripts/benchmarks/laws.py --devices runs/devices.json --picture docs/scaling.png

collapse: install
	$(RUN) scripts/benchmarks/collapse.py --out runs/collapse --picture docs/collapse.png \
	  --cells=unrolled_0,unrolled_1,unrolled_5,unrolled_10
	$(RUN) scripts/benchmarks/collapse.py --out runs/collapse --picture docs/unrolling.png \
	  --cells=unrolled_0_faster,unrolled_5_faster

# In an environment of its own: the API comes from the sources, which need not be importable.
docs:
	test -x .venv-docs/bin/mkdocs || { $(PYTHON) -m venv .venv-docs && \
	  .venv-docs/bin/python -m pip install --quiet --disable-pip-version-check \
	  $$($(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"])'); }
	PATH=$(CURDIR)/.venv-docs/bin:$$PATH NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

tour: install
	$(RUN) scripts/tour.py --out runs/tour
	$(RUN) scripts/tour.py --out runs/tour --lang ko

claims: install
	$(RUN) scripts/reproduce.py --all --json runs/claims/claims.json

clean:
	rm -rf .venv .venv-newest .venv-uv .venv-docs site .pytest_cache .ruff_cache .hypothesis
