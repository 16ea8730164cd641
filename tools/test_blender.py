"""The extension's tests in every Blender version: tests/blender on the checkout, tests/installed on what was built.

    python tools/test_blender.py --zip FILE [--repository FOLDER] [--full] [VERSION ...]

On the checkout the oldest and the newest version run all tests, those between the ones marked `each_blender`: what
leans on parts of Blender that differ from version to version. --full runs all tests in each; so does naming a version.
A version whose Python is not on this machine is skipped, loudly; everything else that fails, fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import blender_environments as environments

ROOT = environments.ROOT
INSTALLED = ROOT / "tests" / "installed"
LIMIT_S = 5400
"""Beside other heavy work one suite was seen to take half an hour."""
AT_A_TIME = 2
"""Versions whose tests run at once; what is measured runs alone."""
GOAL_S = 5.0
MOST_MIB = 400


def run(python: Path, arguments: list[str], folder: Path, output: IO[str] | None = None, **variables: str) -> int:
    """pytest of one environment, in one folder; 124 if it did not end in time. output: the file of its output."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, timeout=LIMIT_S, check=False, stdout=output, stderr=output
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"not finished after {LIMIT_S} s: stopped", file=output, flush=True)
        return 124


def whole(versions: Sequence[str]) -> set[str]:
    """The versions that run all tests of tests/blender: the oldest and the newest of those that are here."""
    return {*versions[:1], *versions[-1:]}


def in_one_piece(title: str, run_all: Callable[[IO[str]], int]) -> int:
    """Run something whose output goes to a file, and print it with a title: two versions are tested at a time."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        code = run_all(output)
        output.seek(0)
        text = output.read()
    print(f"\n=== {title} ({time.monotonic() - started:.0f} s) ===\n{text}", flush=True)
    return code


def on_checkout(version: str, python: Path, all_tests: bool) -> int:
    """tests/blender in one version."""
    arguments = ["tests/blender", "--durations=10", *([] if all_tests else ["-m", "each_blender"])]
    part = "all tests" if all_tests else "tests marked each_blender"
    title = f"Blender {version}, on the checkout: {part}"
    return in_one_piece(title, lambda output: run(python, arguments, ROOT, output))


def as_installed(version: str, python: Path, archive: Path, repository: Path | None) -> int:
    """tests/installed in one version: the zip, and the repository where there is one; 1 if any test failed."""

    def both(output: IO[str]) -> int:
        tests = [("test_installed_zip.py", {"MOTIONLCM_ZIP": str(archive)})]
        if repository is not None:
            tests.append(("test_repository.py", {"MOTIONLCM_REPOSITORY": str(repository.resolve())}))
        codes = [run(python, ["-c", "pytest.ini", file], INSTALLED, output, **more) for file, more in tests]
        return int(any(codes))

    return in_one_piece(f"Blender {version}, as it is installed", both)


def first_start(python: Path, archive: Path) -> int:
    """Print how long a Blender that has never seen the extension takes to keys, cut off from every network.

    Returns 0, unless it fails or takes too much memory. Time depends on other work of the machine: it is only printed.
    """
    alone = ["unshare", "-n"] if shutil.which("unshare") and not _code(["unshare", "-n", "true"]) else []
    variables = {"MOTIONLCM_ZIP": str(archive), "MOTIONLCM_STARTED": str(time.time()), "OMP_NUM_THREADS": "1"}
    command = [*alone, str(python), str(INSTALLED / "first_start.py")]
    environment = {**os.environ, **variables}
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        print(f"first start not finished after {LIMIT_S} s: stopped", flush=True)
        return 124
    if answer.returncode:
        print(f"first start failed: {answer.stderr.strip()}", flush=True)
        return 1
    measured = json.loads(answer.stdout.strip().splitlines()[-1])
    seconds, mib = measured["seconds"], measured["mib"]
    network = "without a network" if alone and measured["interfaces"] in ([], ["lo"]) else "!!! WITH the network"
    late = f" !!! later than {GOAL_S:.0f} s" if seconds["keys"] > GOAL_S else ""
    print(
        f"first start {network}: process to keys {seconds['keys']:.2f} s{late} (Blender {seconds['blender']:.2f}, "
        f"installed {seconds['installed']:.2f}, ready {seconds['ready']:.2f}), second motion {seconds['second']:.2f} s"
    )
    print(
        f"memory beside Blender's own: at most {mib['all']:.0f} MiB, {mib['generation']:.0f} of them for generating "
        f"196 frames, of which {mib['kept']:.0f} are kept",
        flush=True,
    )
    return int(mib["all"] > MOST_MIB)


def _code(command: list[str]) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode


def find_versions(chosen: Sequence[str]) -> tuple[dict[str, Path], list[str], list[str]]:
    """Pythons of the chosen versions, or of all; versions without an environment; versions without a Python."""
    pythons: dict[str, Path] = {}
    failed, skipped = [], []
    for version in chosen or environments.VERSIONS:
        if environments.find_python(environments.VERSIONS[version][1]) is None:
            skipped.append(version)
            print(f"\n!!! Blender {version} SKIPPED: no Python {environments.VERSIONS[version][1]} here", flush=True)
            continue
        try:
            pythons[version] = environments.ensure(version)
        except environments.EnvironmentProblem as problem:
            print(problem, flush=True)
            failed.append(version)
    return pythons, failed, skipped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    parser.add_argument("--repository", type=Path, help="of tools/release.py; without it, updates are not tested")
    parser.add_argument("--full", action="store_true", help="all tests in each version")
    parser.add_argument("versions", nargs="*", help="default: all")
    arguments = parser.parse_args()
    archive, repository = arguments.zip.resolve(), arguments.repository
    if not archive.is_file():
        parser.error(f"{archive} is not there: build it first (make build)")
    pythons, failed, skipped = find_versions(arguments.versions)
    full = set(pythons) if arguments.full or arguments.versions else whole(list(pythons))
    # Those that take longest begin first, so that two are at work until the end.
    order = sorted(pythons, key=lambda version: version not in full)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        checkout = pool.map(lambda version: on_checkout(version, pythons[version], version in full), order)
        codes = dict(zip(order, checkout, strict=True))
        installed = pool.map(lambda version: as_installed(version, pythons[version], archive, repository), order)
        codes = {version: codes[version] or code for version, code in zip(order, installed, strict=True)}
    for version, python in pythons.items():
        print(f"\n=== Blender {version}, first start ===", flush=True)
        codes[version] = first_start(python, archive) or codes[version]
        print(f"=== Blender {version}: {'FAILED' if codes[version] else 'passed'}", flush=True)
    failed += [version for version, code in codes.items() if code]
    passed = [version for version, code in codes.items() if not code]
    outcome = {"failed": failed, "passed": passed, "skipped": skipped}
    print("\nBlender versions: " + ", ".join(f"{len(each)} {word} {each}" for word, each in outcome.items()))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
