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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import blender_environments as environments

ROOT = environments.ROOT
INSTALLED = ROOT / "tests" / "installed"
LIMIT_S = 5400
"""Beside other heavy work one suite was seen to take half an hour."""
AT_A_TIME = 2
"""Versions whose tests on the checkout run at once; what is measured runs alone."""
GOAL_S = 5.0
MOST_MIB = 400


def run(python: Path, arguments: list[str], folder: Path, output: IO[str] | None = None, **variables: str) -> int:
    """pytest of one environment, in one folder; 124 if it did not end in time. output: where its words go."""
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


def on_checkout(version: str, python: Path, all_tests: bool) -> int:
    """tests/blender in one version; its words come in one piece, as two versions are tested at a time."""
    started = time.monotonic()
    chosen = [] if all_tests else ["-m", "each_blender"]
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        code = run(python, ["tests/blender", *chosen, "--durations=10"], ROOT, output)
        output.seek(0)
        words = output.read()
    seconds = time.monotonic() - started
    part = "all tests" if all_tests else "tests marked each_blender"
    print(f"\n=== Blender {version}, on the checkout: {part} ({seconds:.0f} s) ===\n{words}", flush=True)
    return code


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    parser.add_argument("--repository", type=Path, help="of tools/release.py; without it, updates are not tested")
    parser.add_argument("--full", action="store_true", help="all tests in each version")
    parser.add_argument("versions", nargs="*", help="default: all")
    arguments = parser.parse_args()
    archive = arguments.zip.resolve()
    if not archive.is_file():
        parser.error(f"{archive} is not there: build it first (make build)")
    failed, skipped = [], []
    pythons: dict[str, Path] = {}
    for version in arguments.versions or environments.VERSIONS:
        if environments.find_python(environments.VERSIONS[version][1]) is None:
            skipped.append(version)
            print(f"\n!!! Blender {version} SKIPPED: no Python {environments.VERSIONS[version][1]} here", flush=True)
            continue
        try:
            pythons[version] = environments.ensure(version)
        except environments.EnvironmentProblem as problem:
            print(problem, flush=True)
            failed.append(version)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        full = set(pythons) if arguments.full or arguments.versions else whole(list(pythons))
        # Those that take longest begin first, so that two are at work until the end.
        order = sorted(pythons, key=lambda version: version not in full)
        done = pool.map(lambda version: on_checkout(version, pythons[version], version in full), order)
        codes = dict(zip(order, done, strict=True))
    for version, python in pythons.items():
        started = time.monotonic()
        print(f"\n=== Blender {version}, as it is installed ===", flush=True)
        more = [
            run(python, ["-c", "pytest.ini", "test_installed_zip.py"], INSTALLED, MOTIONLCM_ZIP=str(archive)),
            first_start(python, archive),
        ]
        if arguments.repository is not None:
            variables = {"MOTIONLCM_REPOSITORY": str(arguments.repository.resolve())}
            more.append(run(python, ["-c", "pytest.ini", "test_repository.py"], INSTALLED, **variables))
        codes[version] = codes[version] or int(any(more))
        print(f"=== Blender {version}: {'FAILED' if codes[version] else 'passed'} ({time.monotonic() - started:.0f} s)")
    failed += [version for version, code in codes.items() if code]
    passed = [version for version, code in codes.items() if not code]
    outcome = {"failed": failed, "passed": passed, "skipped": skipped}
    print("\nBlender versions: " + ", ".join(f"{len(each)} {word} {each}" for word, each in outcome.items()))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
