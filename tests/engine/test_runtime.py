"""PyTorch beside Blender, the parts that need neither: hardware, fetching, state, lock, what installers print."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from motionlcm_blender.errors import Cancelled
from motionlcm_blender.files.file_locks import crash_note, crashed_within, is_locked
from motionlcm_blender.importing import downloads
from motionlcm_blender.torch_install import download_uv, errors
from motionlcm_blender.torch_install.errors import Busy, RuntimeProblem, explained
from motionlcm_blender.torch_install.hardware_detection import find_hardware
from motionlcm_blender.torch_install.install import meets
from motionlcm_blender.torch_install.paths import InstallPaths, locked
from motionlcm_blender.torch_install.report import composed, without_user
from motionlcm_blender.torch_install.state import State, condition, read_state, write_state
from motionlcm_blender.torch_install.uninstall import finish_removal, remove

CONTENT = bytes(range(256)) * 8192


def card(root: Path, vendor: str, kind: str = "0x030000") -> None:
    device = root / "sys/bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text(vendor + "\n")
    (device / "class").write_text(kind + "\n")


def tool_outputs(**outputs: str):
    return lambda command: outputs.get(Path(command[0]).name.removesuffix(".exe").replace("-", "_"), "")


def test_nvidia_by_its_tool_is_the_largest_card(tmp_path: Path) -> None:
    listing = "NVIDIA T400, 580.65.06, 4096\nNVIDIA GeForce RTX 4090, 580.65.06, 24564\n"
    found = find_hardware(tmp_path, "Linux", "x86_64", tool_outputs(nvidia_smi=listing))
    assert (found.kind, found.name, found.driver, found.memory_mib) == (
        "cuda",
        "NVIDIA GeForce RTX 4090",
        "580.65.06",
        24564,
    )


def test_nvidia_by_its_driver_files(tmp_path: Path) -> None:
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    text = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.133.07  Release Build"
    (tmp_path / "proc/driver/nvidia/version").write_text(text)
    found = find_hardware(tmp_path, "Linux", "x86_64", tool_outputs())
    assert (found.kind, found.driver) == ("cuda", "570.133.07")


def test_nvidia_without_a_driver_is_reported(tmp_path: Path) -> None:
    card(tmp_path, "0x10de")
    found = find_hardware(tmp_path, "Linux", "x86_64", tool_outputs())
    assert found.kind == "none" and "driver" in found.note


def test_amd_apple_intel_and_none(tmp_path: Path) -> None:
    assert find_hardware(tmp_path, "Linux", "x86_64", tool_outputs()).kind == "none"
    node = tmp_path / "amd/sys/class/kfd/kfd/topology/nodes/1"
    node.mkdir(parents=True)
    (node / "properties").write_text("simd_count 64\ngfx_target_version 110000\n")
    found = find_hardware(
        tmp_path / "amd", "Linux", "x86_64", tool_outputs(rocminfo="  Marketing Name:  Radeon RX 7900\n")
    )
    assert (found.kind, found.name) == ("rocm", "Radeon RX 7900")
    found = find_hardware(tmp_path, "Darwin", "arm64", tool_outputs(sysctl="Apple M3\n"))
    assert (found.kind, found.name) == ("mps", "Apple M3")
    assert find_hardware(tmp_path, "Darwin", "x86_64", tool_outputs()).note
    card(tmp_path / "intel", "0x8086")
    assert find_hardware(tmp_path / "intel", "Linux", "x86_64", tool_outputs()).kind == "none"
    for folder in ("sys/module/xe", "dev/dri"):
        (tmp_path / "intel" / folder).mkdir(parents=True)
    assert find_hardware(tmp_path / "intel", "Linux", "x86_64", tool_outputs()).kind == "xpu"


def test_a_processors_own_graphics_hide_no_other_card(tmp_path: Path) -> None:
    """An AMD processor's graphics, for which PyTorch is not made, beside cards that can be used, or could."""
    for name in ("alone", "nvidia", "intel"):
        node = tmp_path / name / "sys/class/kfd/kfd/topology/nodes/1"
        node.mkdir(parents=True)
        (node / "properties").write_text("simd_count 4\ngfx_target_version 100306\n")
    assert "gfx1036" in find_hardware(tmp_path / "alone", "Linux", "x86_64", tool_outputs()).note
    old = tool_outputs(nvidia_smi="NVIDIA RTX A4000, 470.223.02, 16376\n")
    assert "470.223.02" in find_hardware(tmp_path / "alone", "Linux", "x86_64", old).note
    card(tmp_path / "nvidia", "0x10de")
    assert "NVIDIA's driver" in find_hardware(tmp_path / "nvidia", "Linux", "x86_64", tool_outputs()).note
    card(tmp_path / "intel", "0x8086")
    for folder in ("sys/module/xe", "dev/dri"):
        (tmp_path / "intel" / folder).mkdir(parents=True)
    assert find_hardware(tmp_path / "intel", "Linux", "x86_64", tool_outputs()).kind == "xpu"


class Server(BaseHTTPRequestHandler):
    """Serves CONTENT, in parts if a range is requested; breaks off after `most` bytes."""

    most = len(CONTENT)
    ranges: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        begin = 0
        self.ranges.append(self.headers.get("Range", ""))
        if self.headers.get("Range"):
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if begin >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        self.wfile.write(CONTENT[begin : begin + self.most])

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Server.most, Server.ranges = len(CONTENT), []
    yield f"http://127.0.0.1:{server.server_port}/file"
    server.shutdown()
    server.server_close()


def get(url: str, target: Path, sha256: str | None = None, cancelled=lambda: False) -> Path:
    sha256 = sha256 or hashlib.sha256(CONTENT).hexdigest()
    return download_uv.fetch(url, target, sha256, lambda share: None, cancelled)


def test_a_download_that_broke_off_is_gone_on_with(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "WAITS", (0.0,))
    monkeypatch.setattr(downloads, "MOST_ATTEMPTS", 1)
    Server.most = 1_000_000
    with pytest.raises(RuntimeProblem, match="broke off"):
        get(url, tmp_path / "file")
    assert not (tmp_path / "file").exists() and (tmp_path / ".file.part").stat().st_size == 1_000_000
    Server.most = len(CONTENT)
    assert get(url, tmp_path / "file").read_bytes() == CONTENT
    assert Server.ranges == ["", "bytes=1000000-"] and [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_wrong_hash_is_not_used_and_not_gone_on_with(url: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeProblem, match="not the file that was published"):
        get(url, tmp_path / "file", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_cancelled_download_keeps_what_it_has(url: str, tmp_path: Path) -> None:
    cancels = iter([False, False, True])
    with pytest.raises(Cancelled):
        get(url, tmp_path / "file", cancelled=lambda: next(cancels))
    assert (tmp_path / ".file.part").stat().st_size > 0
    assert get(url, tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("code", [404, 503])
def test_an_index_that_does_not_give_uv_leaves_no_connection_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(download_uv, "this_machine", lambda: "linux-x86_64")
    answer = io.BytesIO()

    def refused(*_arguments: object, **_options: object) -> None:
        raise urllib.error.HTTPError("https://pypi.org/simple/uv/", code, "Refused", Message(), answer)

    monkeypatch.setattr(download_uv.urllib.request, "urlopen", refused)
    if code == 404:  # a mirror that has no uv: pip does it
        assert download_uv.ready_uv(tmp_path / "tools", None, print, lambda: False) is None
    else:
        with pytest.raises(RuntimeProblem, match="see to the connection"):
            download_uv.ready_uv(tmp_path / "tools", None, print, lambda: False)
    assert answer.closed


def test_an_index_with_another_uv_alone_leaves_it_to_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_uv, "this_machine", lambda: "linux-x86_64")
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv/index.html").write_text('{"files": [{"filename": "uv-0.1.0-py3-none-any.whl", "url": "x"}]}')
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}")
        assert download_uv.ready_uv(tmp_path / "tools", None, print, lambda: False) is None
        server.shutdown()


def test_uv_with_a_wrong_hash_in_a_folder_of_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_uv, "this_machine", lambda: "linux-x86_64")
    never = partial(pytest.fail, "fetched")
    monkeypatch.setattr(download_uv, "fetch", never)
    assert download_uv.ready_uv(tmp_path / "tools", tmp_path, print, lambda: False) is None
    (tmp_path / download_uv.UV_WHEELS["linux-x86_64"][0]).write_bytes(b"no wheel")
    with pytest.raises(RuntimeProblem, match="sha256"):
        download_uv.ready_uv(tmp_path / "tools", tmp_path, print, lambda: False)
    assert download_uv.UV_WHEELS.get("linux-riscv64") is None


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("error: Failed to extract\n  Caused by: No space left on device (os error 28)", errors.FULL),
        ("error: Permission denied (os error 13)", "/here"),
        ("  x No solution found when resolving dependencies:", "no PyTorch of the right version"),
        ("error: Failed to fetch: `https://pypi.org/simple/torch/`\n dns error", "download failed"),
        ("BadZipFile: File is not a zip file", "damaged"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "damaged"),
        ("Downloading networkx (2.0MiB)\nDownloading crcmod\nstrange things", "strange things"),
        ("", "no output"),
    ],
)
def test_what_installers_print_becomes_one_sentence(printed: str, sentence: str) -> None:
    shown = explained(printed, "/here", None)
    assert sentence in shown and shown.endswith(".") and "\n" not in shown


@pytest.mark.parametrize(
    ("version", "wanted", "held"),
    [
        ("1.26.4", "", True),
        ("1.26.4", ">=1.17", True),
        ("1.26.4", ">=1.17,<2", True),
        ("1.26.4", ">=2.0", False),
        ("2.5.5", "<3.0,>=1.26", True),
        ("1.26.4", "==1.26.*", True),
        ("1.26.4", "!=1.26.*", False),
        ("1.26.4", "~=1.24", True),
        ("2.1", "~=1.24", False),
        ("1.26.0", "==1.26", True),
    ],
)
def test_limits_of_versions(version: str, wanted: str, held: bool) -> None:
    assert meets(version, wanted) is held


def test_the_record_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = InstallPaths.under(tmp_path / "Jürgen 李")
    assert condition(places, "1.26.4").kind == "absent" and read_state(places) is None
    ready = State("ready", numpy="1.26.4", device="cuda")
    write_state(places, ready)
    assert condition(places, "1.26.4").kind == "broken"  # the packages are missing
    (places.packages / "torch").mkdir(parents=True)
    (places.packages / "torch/__init__.py").touch()
    assert condition(places, "1.26.4") == condition(places, "1.25.0") and condition(places, "1.26.4").kind == "ready"
    assert condition(places, "2.5.5").kind == "broken"

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("motionlcm_blender.files.atomic_write.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_state(places, State("failed"))
    assert read_state(places) == ready and sorted(p.name for p in places.home.iterdir()) == ["packages", "state.json"]
    places.state.write_text(json.dumps({"format": 1})[:-3])
    assert condition(places, "1.26.4").kind == "broken"


def test_two_processes_and_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    script = f"""
import sys, time; sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from motionlcm_blender.torch_install.paths import locked
with locked(Path({str(path)!r})):
    print("held", flush=True); time.sleep(60)
"""
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        assert is_locked(path)
        with pytest.raises(Busy, match="Another Blender"), locked(path, 0.1):
            pass
    finally:
        other.kill()  # a lock ends with its process
        other.wait()
        other.stdout.close()
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)


def test_a_note_remains_after_a_crash_and_after_nothing_else(tmp_path: Path) -> None:
    note = tmp_path / "new folder" / "note"
    script = f"""
import os, sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from motionlcm_blender.files.file_locks import crash_note
with crash_note(Path({str(note)!r})):
    if sys.argv[1] == "crash": os._exit(3)
    if sys.argv[1] == "raise": raise OSError
"""
    for ends in ("well", "raise"):
        subprocess.run([sys.executable, "-c", script, ends], stderr=subprocess.DEVNULL, check=False)
        assert note.parent.is_dir() and not note.exists() and not crashed_within(note)
    assert subprocess.run([sys.executable, "-c", script, "crash"], check=False).returncode == 3
    assert crashed_within(note)
    with crash_note(note):
        assert is_locked(note) and not crashed_within(note)
    assert not note.exists()
    (tmp_path / "file").touch()
    with crash_note(tmp_path / "file" / "note"):  # cannot be written
        pass


def installed(folder: Path) -> InstallPaths:
    places = InstallPaths.under(folder)
    (places.packages / "torch").mkdir(parents=True)
    (places.packages / "torch/__init__.py").touch()
    for extra in (places.cache / "wheels", places.tools):
        extra.mkdir(parents=True)
    write_state(places, State("ready", numpy="1.26.4"))
    return places


def test_removal_leaves_nothing(tmp_path: Path) -> None:
    places = installed(tmp_path)
    assert remove(places)
    assert {path.name for path in places.home.iterdir()} <= {"lock"}
    assert not places.cache.exists() and not places.tools.exists()
    assert condition(places, "1.26.4").kind == "absent"


def test_files_in_use_go_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = installed(tmp_path)

    def in_use(*_arguments: object) -> None:
        raise PermissionError(errno.EACCES, "in use")

    with monkeypatch.context() as patched:
        patched.setattr("motionlcm_blender.torch_install.uninstall.put_away", in_use)
        assert not remove(places)
    assert condition(places, "1.26.4").kind == "unfinished" and places.packages.exists()
    assert finish_removal(places) and not places.packages.exists()
    assert not finish_removal(places)


def test_what_was_renamed_and_could_not_be_deleted_goes_at_the_next_start(tmp_path: Path) -> None:
    places = installed(tmp_path)
    (places.home / "removed-1234" / "torch").mkdir(parents=True)
    assert finish_removal(places) and places.removed == [] and places.packages.exists()


@pytest.mark.parametrize(
    ("text", "home", "user", "without_name"),
    [
        ("/home/jane/x/y.py", "/home/jane", "jane", "~/x/y.py"),
        ("in /home/jane: no", "/home/jane", "jane", "in ~: no"),
        ("/home/jane2/x", "/home/jane", "jane", "/home/jane2/x"),
        (r"C:\Users\Jane Doe\AppData", r"C:\Users\Jane Doe", "Jane Doe", r"~\AppData"),
        (r"c:/users/jane doe/AppData", r"C:\Users\Jane Doe", "Jane Doe", r"~/AppData"),
        (r"'C:\\Users\\Jürgen\\a'", r"C:\Users\Jürgen", "Jürgen", r"'~\\a'"),
        ("/Users/Ju\u0308rgen/a", "/Users/J\u00fcrgen", "J\u00fcrgen", "~/a"),
        ("/media/jane/disk and /mnt/jane", "/home/jane", "jane", "/media/USER/disk and /mnt/USER"),
        ("a jane walks", "/home/jane", "jane", "a jane walks"),
        ("D:\\李\\x", "C:\\Users\\李", "李", "D:\\USER\\x"),
        ("/x/y", "/", "", "/x/y"),
    ],
)
def test_the_users_name_is_taken_out_of_paths(text: str, home: str, user: str, without_name: str) -> None:
    assert without_user(text, home, user) == without_name


def test_a_report_is_sections_of_rows() -> None:
    report = composed([("One", [("a", "1"), ("b", "first\nsecond /home/jane/x")]), ("Two", [])], "/home/jane")
    assert report == "One:\n  a: 1\n  b: first\n    second ~/x\n\nTwo:\n"
