"""PyTorch beside Blender: installed from fake wheels, tried, used, taken away; and all that can go wrong with it.

Each failure is one sentence, and NumPy continues to generate motions.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.blender.support import (
    EXTENSION,
    PATIENCE_S,
    REPOSITORY,
    add_character,
    generate,
    panel_status,
    part,
    refusal,
)
from tests.fake_wheels import ABORTS, LACKS_A_LIBRARY, TORCH, write_fake_wheels, write_wheel


def torch_import():
    return part("operators.session.torch_import")


def runtime():
    return part("operators.setup.torch_installation")


def core(name: str):
    return part(f"motionlcm_blender.torch_install.{name}")


def preferences():
    return bpy.context.preferences.addons[EXTENSION].preferences


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """The extension's own folder, under a name that is not ASCII; no card, and nothing known from other tests."""
    folder = tmp_path / "Jürgen Müller 李" / "motionlcm"
    monkeypatch.setattr(torch_import(), "_folder", folder)
    monkeypatch.setattr(runtime(), "known_hardware", core("hardware").Hardware("none"))
    monkeypatch.setattr(torch_import(), "known_condition", None)
    monkeypatch.setattr(torch_import(), "_trials", {})
    vars(runtime().status).update(vars(runtime().TaskStatus()))
    before = list(sys.path)
    yield folder
    sys.path[:] = before
    preferences().wheel_folder = ""
    part("operators.session.model_session").get().forget()


@pytest.fixture
def wheels(tmp_path) -> Path:
    folder = write_fake_wheels(tmp_path / "wheels für 李")
    preferences().wheel_folder = str(folder)
    return folder


def refused(operator) -> str:
    """Press a button that must refuse, and return its one sentence."""
    with pytest.raises(RuntimeError) as caught:
        operator()
    sentence = runtime().status.message
    assert runtime().status.error and sentence in str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and "unexpected" not in sentence
    return sentence


def numpy_still_works() -> None:
    preferences().device = "AUTO"
    add_character()
    action = generate(seconds=1.0)
    assert action is not None and not panel_status().error
    assert part("operators.session.model_session").get().in_use.device == "numpy"


def as_if_it_worked(monkeypatch, device: str = "cpu", note: str = "") -> None:
    """Installations in this process, with a trial that finds nothing wrong."""
    found = {"device": device, "device_name": "Test Card", "milliseconds": 5.0, "difference_mm": 0.1, "note": note}
    monkeypatch.setattr(core("install"), "check_in_process", lambda *_: found)
    real = torch_import()._imported

    def imported(where):
        return real(where) if where.importing.exists() else ""  # this Blender is to stay without a torch

    monkeypatch.setattr(torch_import(), "_imported", imported)


def install_here(wheels: Path | None, cancelled=lambda: False, **changes):
    setup = replace(runtime().setup(), wheels=str(wheels) if wheels else None, **changes)
    return core("install").install(setup, lambda share, what: None, cancelled)


def test_without_permission_for_the_network_nothing_is_fetched(monkeypatch, own_folder):
    monkeypatch.setattr(runtime(), "online", lambda: False)
    assert "Online access is disabled" in refused(bpy.ops.motionlcm.enable_gpu)
    assert not own_folder.exists()
    numpy_still_works()


def test_the_plan_names_packages_size_source_and_folder(own_folder):
    plan = "\n".join(runtime().plan())
    for text in ("torch==2.13.0", "transformers==", "GB", "pypi.org", str(own_folder), "on the processor"):
        assert text in plan
    preferences().wheel_folder = "/some/wheels"
    assert "/some/wheels" in "\n".join(runtime().plan())


def test_the_plan_names_the_index_that_is_installed_from(monkeypatch):
    card = core("hardware").Hardware("cuda", "NVIDIA GeForce RTX 3060", "551.23", 12288, architecture="8.6")
    monkeypatch.setattr(runtime(), "known_hardware", card)
    assert "Download from pypi.org, download.pytorch.org/whl/cu126" in runtime().plan()
    assert runtime().setup().build == "cu126"
    preferences().wheel_folder = "/some/wheels"
    assert not any("pytorch.org" in line for line in runtime().plan())


def test_a_driver_that_is_too_old_is_reported_before_any_download(monkeypatch):
    note = core("torch_builds").cuda_problem("470.42", "8.6", "Linux")
    monkeypatch.setattr(runtime(), "known_hardware", core("hardware").Hardware("none", driver="470.42", note=note))
    plan = runtime().plan()
    assert note in plan and "on the processor" in plan[0] and "install 525.60.13" in note
    assert runtime().setup().build == "cpu"


def test_installed_from_a_folder_of_wheels_without_network(wheels, monkeypatch):
    as_if_it_worked(monkeypatch)
    state = install_here(wheels)
    places = torch_import().places()
    assert state.step == "ready" and state.versions["torch"] == "2.13.0"
    assert (places.packages / "transformers").is_dir() and places.unfinished == [] and not places.cache.exists()
    assert not list(places.packages.glob("numpy*")), "Blender's NumPy would be shadowed"
    condition = torch_import().poll_status()
    assert condition.kind == "ready" and condition.state == state
    assert state.sentence == "" and state.device_name == "Test Card"


def test_what_is_installed_comes_last_on_the_path(wheels, monkeypatch):
    as_if_it_worked(monkeypatch)
    install_here(wheels)
    before = list(sys.path)
    assert torch_import().usable("numpy") == ("numpy", "") and sys.path == before
    assert torch_import().usable("auto") == ("auto", "")
    assert sys.path == [*before, str(torch_import().places().packages)]
    torch_import().usable("auto")
    assert sys.path.count(str(torch_import().places().packages)) == 1
    assert Path(np.__file__).parent.parent in map(Path, before)


def test_a_card_that_failed_its_trial_is_not_requested(wheels, monkeypatch):
    as_if_it_worked(monkeypatch, "cpu", "The processor is used, not the graphics card: no kernel image.")
    assert install_here(wheels).sentence
    assert torch_import().usable("auto") == ("cpu", "") and torch_import().usable("cuda") == ("cuda", "")


def test_a_torch_that_crashes_at_import_is_not_used(tmp_path, wheels):
    write_fake_wheels(wheels, torch=ABORTS)
    assert "crashes" in refused(bpy.ops.motionlcm.enable_gpu)
    condition = torch_import().poll_status()
    assert condition.kind == "broken" and "crashes" in condition.sentence
    numpy_still_works()
    assert "torch" not in sys.modules and str(torch_import().places().packages) not in sys.path
    assert bpy.ops.motionlcm.disable_gpu() == {"FINISHED"}
    assert torch_import().poll_status().kind == "absent"


def test_a_torch_that_lacks_a_library_is_not_used(wheels):
    write_fake_wheels(wheels, torch=LACKS_A_LIBRARY)
    assert "libcudart.so.13" in refused(bpy.ops.motionlcm.enable_gpu)
    assert "libcudart.so.13" in refused(bpy.ops.motionlcm.check_gpu)
    numpy_still_works()


def test_checked_again_once_the_cause_is_gone(wheels, monkeypatch):
    write_fake_wheels(wheels, torch=LACKS_A_LIBRARY)
    refused(bpy.ops.motionlcm.enable_gpu)
    as_if_it_worked(monkeypatch)
    setup = runtime().setup()
    assert core("install").check_again(setup, lambda *_: None, lambda: False).step == "ready"
    assert torch_import().poll_status().kind == "ready"


def test_a_half_downloaded_wheel(wheels):
    wheel = wheels / "torch-2.13.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes()[:400])
    assert "damaged" in refused(bpy.ops.motionlcm.enable_gpu)
    assert torch_import().poll_status().kind == "unfinished"
    numpy_still_works()
    write_fake_wheels(wheels, torch=ABORTS)  # and it goes on from there
    assert "crashes" in refused(bpy.ops.motionlcm.enable_gpu)


def test_a_folder_that_lacks_a_wheel(wheels):
    (wheels / "filelock-4.3.1-py3-none-any.whl").unlink()
    assert "no PyTorch of the right version" in refused(bpy.ops.motionlcm.enable_gpu)
    preferences().wheel_folder = str(wheels / "gone")
    assert "no folder" in refused(bpy.ops.motionlcm.enable_gpu)
    numpy_still_works()


def test_packages_that_need_another_numpy_are_refused(wheels):
    write_fake_wheels(wheels, numpy_wanted="numpy>=9,<10")
    assert "needs NumPy >=9,<10" in refused(bpy.ops.motionlcm.enable_gpu)
    numpy_still_works()


def test_a_folder_that_may_not_be_written_to(wheels, own_folder, monkeypatch):
    if os.name == "nt" or os.geteuid() == 0:  # root may write anywhere: a file is in the way instead
        own_folder.parent.mkdir(parents=True)
        own_folder.write_text("in the way")
    else:
        own_folder.mkdir(parents=True)
        own_folder.chmod(0o500)
    sentence = refused(bpy.ops.motionlcm.enable_gpu)
    assert "written" in sentence or "refused" in sentence
    numpy_still_works()


def test_no_permission_in_the_midst_of_it(wheels, monkeypatch):
    def forbidden(*_arguments, **_named):
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(core("install"), "_run_installer", forbidden)
    with pytest.raises(core("errors").RuntimeProblem, match="may not be written to: /somewhere"):
        install_here(wheels)
    assert torch_import().poll_status().kind == "unfinished"


@pytest.fixture
def small_disk(own_folder):
    """A disk of its own with room for next to nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root mounts disks")
    own_folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(own_folder)], check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield own_folder
    subprocess.run(["umount", "-l", str(own_folder)], check=True)


def test_a_full_disk_in_the_midst_of_it(wheels, small_disk, monkeypatch):
    noise = np.random.default_rng(0).integers(33, 126, 3 << 20, dtype=np.uint8).tobytes().decode()
    write_wheel(wheels, "filelock", "4.3.1", {"filelock/__init__.py": f"# {noise}"})
    monkeypatch.setattr(core("install"), "_enough_room", lambda *_: None)
    with pytest.raises(core("errors").RuntimeProblem) as caught:
        install_here(wheels)
    assert str(caught.value) == core("errors").FULL
    assert torch_import().poll_status().kind == "unfinished" and torch_import().poll_status().state is not None
    numpy_still_works()


def test_too_little_disk_space_is_reported_before(wheels, small_disk):
    noise = np.random.default_rng(0).integers(33, 126, 3 << 20, dtype=np.uint8).tobytes().decode()
    write_wheel(wheels, "filelock", "4.3.1", {"filelock/__init__.py": f"# {noise}"})
    assert "GB are free" in refused(bpy.ops.motionlcm.enable_gpu)
    numpy_still_works()


def start(stage: str) -> None:
    """Enable the GPU as a window would, and wait until it is at a stage."""
    runtime().enable(wait=False)
    deadline = time.monotonic() + PATIENCE_S
    while stage not in runtime().status.stage:
        assert time.monotonic() < deadline and runtime().status.running, runtime().status
        time.sleep(0.01)


def wait() -> None:
    (worker,) = runtime().task.threads
    worker.join(PATIENCE_S)
    assert not worker.is_alive()
    runtime().task.poll()
    assert not runtime().status.running


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that work for an installation there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_cancelled_and_gone_on_with(wheels, own_folder):
    start("Fetching PyTorch")
    assert bpy.ops.motionlcm.cancel_gpu() == {"FINISHED"}
    wait()
    assert runtime().status.message.startswith("Cancelled") and not runtime().status.error
    assert torch_import().poll_status().kind == "unfinished" and processes_in(own_folder) == []
    numpy_still_works()
    write_fake_wheels(wheels, torch=ABORTS)
    assert "crashes" in refused(bpy.ops.motionlcm.enable_gpu)  # it came to its end this time
    assert bpy.ops.motionlcm.cancel_gpu() == {"CANCELLED"}


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_an_installer_that_is_killed_midway(wheels, own_folder):
    start("Fetching PyTorch")
    ours = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if _parent(path) == os.getpid() and b"torch_install.child" in (path.parent / "cmdline").read_bytes()
    ]
    assert len(ours) == 1
    os.kill(ours[0], signal.SIGKILL)
    wait()
    message = runtime().status.message
    assert runtime().status.error and message.endswith(".") and "Resume" in message
    condition = torch_import().poll_status()
    assert condition.kind in ("unfinished", "busy") and not torch_import().places().packages.exists()
    numpy_still_works()
    write_fake_wheels(wheels, torch=ABORTS)
    assert "crashes" in refused(bpy.ops.motionlcm.enable_gpu)


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def test_two_blenders_at_once(wheels):
    with core("paths").locked(torch_import().places().lock):
        assert "Another Blender" in refused(bpy.ops.motionlcm.enable_gpu)
        assert "Another Blender" in refused(bpy.ops.motionlcm.disable_gpu)
        numpy_still_works()
    assert not part("motionlcm_blender.files.file_locks").is_locked(torch_import().places().lock)


def test_a_working_installation_survives_one_that_fails(wheels, monkeypatch):
    with monkeypatch.context() as patched:
        as_if_it_worked(patched)
        before = install_here(wheels)
    wheel = wheels / "torch-2.13.0-py3-none-any.whl"
    kept = wheel.read_bytes()
    wheel.write_bytes(kept[:400])
    assert "damaged" in refused(bpy.ops.motionlcm.enable_gpu)
    assert torch_import().poll_status().kind == "ready" and torch_import().poll_status().state == before
    write_fake_wheels(wheels, torch=ABORTS)
    assert "crashes" in refused(bpy.ops.motionlcm.enable_gpu)
    assert torch_import().poll_status().state == before
    assert (torch_import().places().packages / "torch/__init__.py").read_text() == TORCH


def test_disabled_by_one_button(wheels, monkeypatch, own_folder):
    as_if_it_worked(monkeypatch)
    install_here(wheels)
    torch_import().usable("auto")
    assert bpy.ops.motionlcm.disable_gpu() == {"FINISHED"}
    assert str(torch_import().places().packages) not in sys.path and torch_import().poll_status().kind == "absent"
    left = [path for path in own_folder.rglob("*") if path.is_file()]
    assert {path.name for path in left} <= {"lock", "install.log"}
    numpy_still_works()


@pytest.mark.parametrize("damage", ["record cut off", "record gone", "torch gone", "left at installing"])
def test_a_broken_install_is_recognised_and_removed(wheels, monkeypatch, damage):
    as_if_it_worked(monkeypatch)
    state = install_here(wheels)
    places = torch_import().places()
    if damage == "record cut off":
        places.state.write_bytes(places.state.read_bytes()[:50])
    elif damage == "record gone":
        places.state.unlink()
    elif damage == "torch gone":
        shutil.rmtree(places.packages / "torch")
    else:
        core("state").write_state(places, replace(state, step="installing"))
    condition = torch_import().poll_status()
    assert condition.kind in ("broken", "unfinished") and condition.sentence.endswith(".")
    numpy_still_works()
    assert bpy.ops.motionlcm.disable_gpu() == {"FINISHED"} and torch_import().poll_status().kind == "absent"


def test_somebody_elses_torch_that_crashes_is_tried_once_and_not_used(tmp_path, monkeypatch, own_folder):
    (tmp_path / "elsewhere/torch").mkdir(parents=True)
    (tmp_path / "elsewhere/torch/__init__.py").write_text(ABORTS)
    sys.path.append(str(tmp_path / "elsewhere"))
    preferences().device = "AUTO"
    add_character()
    generate(seconds=1.0)
    status = panel_status()
    assert any("PyTorch crashes here" in warning for warning in status.warnings) and not status.error
    kept = json.loads(torch_import().places().trials.read_text(encoding="utf-8"))
    assert len(kept) == 1
    monkeypatch.setattr(torch_import(), "_trials", {})
    monkeypatch.setattr(core("trial"), "run_task", None)  # remembered: not tried again
    part("operators.session.model_session").get().forget()
    generate(seconds=1.0)
    preferences().device = "CPU"
    assert "PyTorch crashes here" in refusal()


def test_a_blender_that_crashed_while_loading_torch_does_not_do_so_again(wheels, monkeypatch):
    as_if_it_worked(monkeypatch)
    write_fake_wheels(wheels, torch="assert False, 'crashes'")
    install_here(wheels)
    torch_import().places().importing.touch()  # left by a Blender that is no more
    preferences().device = "AUTO"
    add_character()
    generate(seconds=1.0)
    (warning,) = panel_status().warnings
    assert "Blender closed while it loaded PyTorch" in warning and torch_import().poll_status().kind == "broken"
    assert "torch" not in sys.modules and not torch_import().places().importing.exists()
    generate(seconds=1.0)
    setup = runtime().setup()
    assert core("install").check_again(setup, lambda *_: None, lambda: False).step == "ready"
    assert torch_import().poll_status().kind == "ready"


def test_a_torch_that_hangs_is_given_up():
    code = "import time; time.sleep(600)"
    folder = torch_import()._folder / "hangs"
    (folder / "torch").mkdir(parents=True)
    (folder / "torch/__init__.py").write_text(code)
    started = time.monotonic()
    problem = core("trial").import_in_process([str(folder)], patience=2.0)
    assert "does not start" in problem and time.monotonic() - started < 300.0  # it would hang for 600


@pytest.mark.skipif(os.name == "nt", reason="requires POSIX processes")
def test_nothing_outlives_a_blender_that_was_killed(tmp_path):
    (tmp_path / "hangs/torch").mkdir(parents=True)
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    (tmp_path / "hangs/torch/__init__.py").write_text(code)
    task = {"do": "import", "paths": [str(tmp_path / "hangs")]}
    script = f"""
import sys; sys.path.insert(0, {str(REPOSITORY)!r})
from motionlcm_blender.torch_install.subprocesses import run_task
run_task({task!r}, print, lambda: False)
"""
    parent = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + PATIENCE_S
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int((tmp_path / "pid").read_text())
    parent.kill()
    parent.wait()
    while _is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:1]
    except (OSError, ValueError):
        return False


class Failing:
    """A model on a card that fails."""

    device = "cuda"

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.backend = types.SimpleNamespace(memory=lambda: 123, recorded=None)

    def generate(self, *_arguments):
        raise self.error


def on_a_failing_card(monkeypatch, error: Exception) -> list[str]:
    """Have the automatic device be a card that raises this; returns the devices that are requested."""
    sampler, devices = part("motionlcm_blender.generation.pipeline"), []
    real = sampler.MotionLCM.from_folder

    def from_folder(folder, device="auto"):
        devices.append(device)
        if device == "auto":
            return Failing(error)
        return real(folder, device="numpy")  # PyTorch on the processor is not here

    monkeypatch.setattr(sampler.MotionLCM, "from_folder", from_folder)
    return devices


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's own."""


def test_out_of_memory_on_the_card_falls_back_for_this_request_alone(monkeypatch):
    error = part("motionlcm_blender.networks.backends").device_error(OutOfMemoryError("CUDA out of memory."), "cuda")
    devices = on_a_failing_card(monkeypatch, error)
    preferences().device = "AUTO"
    add_character()
    generate(seconds=1.0)
    (warning,) = panel_status().warnings
    assert "too little free memory" in warning and warning.endswith(
        "This motion was generated by PyTorch on the processor."
    )
    generate(seconds=1.0)
    assert devices == ["auto", "cpu", "auto", "cpu"]


def test_an_unsupported_card_is_not_tried_again(monkeypatch):
    raised = RuntimeError("CUDA error: no kernel image is available for execution on the device\nCompile with ...")
    error = part("motionlcm_blender.networks.backends").device_error(raised, "cuda")
    devices = on_a_failing_card(monkeypatch, error)
    preferences().device = "AUTO"
    add_character()
    generate(seconds=1.0)
    assert "does not support this graphics card" in panel_status().warnings[0]
    generate(seconds=1.0)
    assert devices == ["auto", "cpu"] and panel_status().warnings == ()


def test_a_library_that_went_missing_falls_back(monkeypatch):
    devices = on_a_failing_card(monkeypatch, ModuleNotFoundError("No module named 'torch._inductor'"))
    preferences().device = "AUTO"
    add_character()
    generate(seconds=1.0)
    assert "part of PyTorch is missing" in panel_status().warnings[0] and devices == ["auto", "cpu"]


def test_a_device_chosen_by_name_does_not_fall_back(monkeypatch):
    sampler = part("motionlcm_blender.generation.pipeline")
    error = part("motionlcm_blender.networks.backends").device_error(OutOfMemoryError("CUDA out of memory."), "cuda")
    monkeypatch.setattr(sampler.MotionLCM, "from_folder", lambda *_arguments, **_named: Failing(error))
    preferences().device = "CUDA"
    add_character()
    assert "choose the CPU" in refusal()


def test_preferences_draw_in_every_condition(wheels, monkeypatch):
    state = core("state")
    known = [state.InstallStatus(kind, "Told.") for kind in ("absent", "busy", "unfinished", "broken")]
    known += [state.InstallStatus("ready", "", state.State("ready", versions={"torch": "2.13.0"}, device_name="Card"))]
    shown = part("ui.preferences")
    for condition in known:
        monkeypatch.setattr(torch_import(), "known_condition", condition)
        for running in (False, True):
            runtime().status.running = running
            layout = Layout()
            shown.draw_gpu(preferences(), layout)
            assert ("motionlcm.cancel_gpu" in layout.operators) is running
            assert ("motionlcm.enable_gpu" in layout.operators) is (not running and condition.kind != "ready")
    runtime().status.running = False


class Layout:
    """Takes what is drawn."""

    def __init__(self) -> None:
        self.operators: list[str] = []

    def box(self, **_):
        return self

    column = row = box

    def label(self, **_):
        pass

    progress = label

    def prop(self, *_, **__):
        pass

    def operator(self, name, **_):
        self.operators.append(name)
