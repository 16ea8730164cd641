"""The report and the log file."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest

from tests.blender.support import EXTENSION, PATIENCE_S, add_character, generate, part, refusal, start_of_script
from tests.blender.test_panels import drawn, operators


@pytest.fixture
def log_in(tmp_path):
    """A log of its own, in a folder that is not ASCII."""
    made = []

    def make(folder: Path = tmp_path / "Jürgen 李"):
        handler = part("operators.setup.log_file").LogFile(folder)
        made.append(handler)
        return handler

    yield make
    for handler in made:
        handler.close()


def record(text: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("test", level, __file__, 1, text, None, None)


def test_report_holds_what_helps_and_not_the_users_name(monkeypatch):
    home = bpy.utils.resource_path("USER").split(os.sep + "tmp" + os.sep)[0] or "/tmp"
    monkeypatch.setattr(Path, "home", classmethod(lambda _: Path(bpy.utils.resource_path("USER"))))
    add_character()
    generate(seconds=1.0)
    monkeypatch.setattr(part("motionlcm_blender.export.clip_output"), "retarget", lambda *_: 1 / 0)
    refusal()
    report = part("operators.setup.diagnostics").report()
    for text in (
        bpy.app.version_string,
        sys.version.split()[0],
        "numpy: ",
        "torch: not there",
        "Card: ",
        "tiny",
        "sha256: ",
        "20 frames, 1 takes",
        "ZeroDivisionError",
        "Traceback",
        "Extension: 0.2.0",
        "Device chosen: numpy",
    ):
        assert text in report, (text, report)
    assert bpy.utils.resource_path("USER") not in report and "~" in report and home


def test_it_goes_to_the_clipboard_from_preferences_and_panel(monkeypatch):
    engine = part("operators.session.model_info")
    engine.read_card(part("operators.session.model_choice").chosen())
    assert "motionlcm.copy_report" in operators(drawn("MOTIONLCM_PT_model"))
    assert bpy.ops.motionlcm.copy_report() == {"FINISHED"}


def test_no_report_fails_for_a_broken_model(tmp_path):
    bpy.context.preferences.addons[EXTENSION].preferences.model_folder = str(tmp_path / "gone")
    assert "Not read: " in part("operators.setup.diagnostics").report()


def test_log_turns_over_and_stays_small(log_in, tmp_path):
    handler = log_in()
    for number in range(600):
        handler.emit(record(f"{number} " + "x" * 10_000))
    files = sorted(p.name for p in handler.folder.glob("*.log*"))
    assert files == ["motionlcm.log", "motionlcm.log.1", "motionlcm.log.2"]
    assert all(p.stat().st_size <= 1 << 20 for p in handler.folder.glob("*.log*"))
    assert "599 " in (handler.folder / "motionlcm.log").read_text(encoding="utf-8")


def test_two_blenders_write_into_files_of_their_own(log_in, tmp_path):
    first, second = log_in(), log_in()
    first.emit(record("from the first, Größe"))
    second.emit(record("from the second"))
    assert "first, Größe" in (first.folder / "motionlcm.log").read_text(encoding="utf-8")
    assert "second" in (first.folder / "motionlcm-2.log").read_text(encoding="utf-8")
    first.close()
    third = log_in()
    third.emit(record("from the third"))
    assert "third" in (first.folder / "motionlcm.log").read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_makes_no_trouble(log_in, tmp_path):
    (tmp_path / "file").touch()
    handler = log_in(tmp_path / "file" / "log")
    handler.emit(record("lost", logging.ERROR))
    handler.emit(record("lost too"))
    assert len(handler.errors) == 1 and handler.opened is None


def test_a_full_disk_makes_no_trouble(log_in, capsys):
    if not Path("/dev/full").exists():
        pytest.skip("no disk that is always full")
    handler = log_in()
    handler.emit(record("fits"))
    handler.opened.stream.close()
    handler.opened.stream = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115  the handler closes it
    handler.opened.shouldRollover = lambda _record: 0
    handler.emit(record("does not fit"))
    with contextlib.suppress(OSError):
        handler.opened.stream.close()
    handler.opened.stream = None
    assert "Logging error" not in capsys.readouterr().err


def test_warnings_reach_the_console_as_before(log_in, monkeypatch, capsys):
    messages = []
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.lastResort, "handle", lambda record: messages.append(record.getMessage()))
    handler = log_in()
    handler.emit(record("quiet"))
    handler.emit(record("loud", logging.WARNING))
    assert messages == ["loud"]


def test_what_happens_in_blender_is_in_the_log(tmp_path):
    """In a Blender of its own, since this one's log goes elsewhere."""
    script = (
        start_of_script(repr(str(tmp_path)))
        + f"""
log_file = import_module("{EXTENSION}.operators.setup.log_file")
assert not log_file.folder().exists(), "switching on writes nothing"
import_module("{EXTENSION}.operators.scene.messages").show_message("Told to all.", error=True)
assert "ERROR" in (log_file.folder() / "motionlcm.log").read_text()
assert ".user" in str(log_file.folder())
addon_utils.disable("{EXTENSION}")
os._exit(0)
"""
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Told to all." in done.stderr
