"""The tools that run the tests: all suites run though one fails, and a starved window test is recognised."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("tools for Linux", allow_module_level=True)

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import test_blender as blender_test  # noqa: E402
import test_gui as window_test  # noqa: E402
import window_chroot  # noqa: E402
from processor_share import STARVED, ProcessorShare  # noqa: E402


def proc_with(folder: Path, threads: dict[str, tuple[int, str, str]]) -> Path:
    """A /proc of PID/TID: (session, name, schedstat)."""
    for place, (session, name, counted) in threads.items():
        pid, tid = place.split("/")
        task = folder / pid / "task" / tid
        task.mkdir(parents=True)
        (folder / pid / "stat").write_text(f"{pid} ({name}) S 1 {session} {session} 0 -1 4194560")
        (task / "schedstat").write_text(counted)
    (folder / "meminfo").write_text("")
    return folder


def test_time_ran_and_time_waited_of_one_session_are_counted(tmp_path: Path) -> None:
    proc = proc_with(
        tmp_path,
        {
            "40/40": (40, "xvfb-run", "100 100 3"),
            "41/41": (40, "a name) with 7 ", "200 500 3"),
            "41/43": (40, "a name) with 7 ", "100 0 3"),
            "50/50": (50, "another session", "9000 9000 3"),
            "60/60": (40, "not counted", ""),
        },
    )
    given = ProcessorShare(40, proc)
    assert given.share == 1.0 and not given.starved
    given.look()
    assert given.share == pytest.approx(400 / 1000) and given.starved
    shutil.rmtree(tmp_path / "41")  # it has ended: what it was given stays known
    (tmp_path / "40" / "task" / "40" / "schedstat").write_text("1100 100 9")
    given.look()
    assert given.share == pytest.approx(1400 / 2000) and given.share > STARVED and not given.starved


class Scripted:
    """Stands in for a window: returns prepared runs and notes the arguments of each."""

    def __init__(self, *runs: window_test.Run) -> None:
        self.runs, self.runs_started = list(runs), []

    def __call__(self, script: str, niceness: int, number: int = 1, slot: int = 0) -> window_test.Run:
        self.runs_started.append((script, niceness, number))
        return self.runs[len(self.runs_started) - 1]


def run_of(problem: str, share: float) -> window_test.Run:
    ended = window_chroot.Ended(124 if problem else 0, share, share < STARVED)
    return window_test.Run([] if problem else ["a check"], problem, ended)


FIRST, SECOND = ("a.py", window_chroot.WINDOW_NICENESS, 1), ("a.py", window_chroot.REPEAT_NICENESS, 2)


def test_one_that_starved_is_repeated_with_a_higher_priority(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert window_chroot.REPEAT_NICENESS < window_chroot.WINDOW_NICENESS
    drive = Scripted(run_of("no job ended in 240 s", 0.11), run_of("", 0.9))
    monkeypatch.setattr(window_test, "drive", drive)
    assert window_test.drive_fed("a.py") == run_of("", 0.9) and drive.runs_started == [FIRST, SECOND]
    printed = capsys.readouterr().out
    assert "STARVED: a.py was given 11%" in printed and "no job ended" in printed and "Repeated once" in printed


def test_one_that_fails_or_passes_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in (run_of("wrong", 0.8), run_of("", 0.8), run_of("", 0.1)):
        drive = Scripted(run)
        monkeypatch.setattr(window_test, "drive", drive)
        assert window_test.drive_fed("a.py") == run and drive.runs_started == [FIRST]
    assert capsys.readouterr().out == ""


def test_the_second_run_decides_and_reports_starving_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_test, "drive", Scripted(run_of("slow", 0.1), run_of("wrong", 0.9)))
    assert window_test.drive_fed("a.py").problem == "wrong"
    monkeypatch.setattr(window_test, "drive", Scripted(run_of("slow", 0.1), run_of("slow", 0.2)))
    problem = window_test.drive_fed("a.py").problem
    assert problem.startswith("slow; it starved again (20%") and "does not describe the extension" in problem


def test_two_scripts_run_at_a_time_each_in_a_slot_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    both, slots = threading.Barrier(2, timeout=60.0), []

    def drive(script: str, niceness: int, number: int = 1, slot: int = 0) -> window_test.Run:
        slots.append(slot)
        both.wait()
        return run_of(script, 0.9)

    monkeypatch.setattr(window_test, "AT_A_TIME", 2)
    monkeypatch.setattr(window_test, "drive", drive)
    scripts = ["a.py", "b.py", "c.py", "d.py"]
    assert [(script, run.problem) for script, run in window_test.drive_all(scripts)] == list(
        zip(scripts, scripts, strict=True)
    )
    assert sorted(slots[:2]) == sorted(slots[2:]) == [0, 1]


def test_the_oldest_and_the_newest_blender_run_all_tests() -> None:
    assert blender_test.whole(["4.2", "4.5", "5.0", "5.2"]) == {"4.2", "5.2"}
    assert blender_test.whole(["4.2", "4.5", "5.0"]) == {"4.2", "5.0"}
    assert blender_test.whole(["4.5"]) == {"4.5"}
    assert blender_test.whole([]) == set()


def goals(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    (folder / "Makefile").write_text("good better:\n\t@echo made $@\nbad:\n\t@echo broken; exit 3\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["sh", str(TOOLS / "run_goals.sh"), *names],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_all_goals_run_though_one_fails_and_the_end_names_it(tmp_path: Path) -> None:
    done = goals(tmp_path, "good", "bad", "better")
    assert done.returncode == 1
    assert "made good" in done.stdout and "broken" in done.stdout and "made better" in done.stdout
    assert done.stdout.splitlines()[-1] == "FAILED: bad"
    done = goals(tmp_path, "good", "better")
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "All passed: good better"


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_goals_of_one_argument_run_at_once_and_all_to_their_end(tmp_path: Path) -> None:
    done = goals(tmp_path, "bad good", "better")
    assert done.returncode == 1 and "made good" in done.stdout and "made better" in done.stdout
    assert done.stdout.splitlines()[-1] == "FAILED: bad good"
