"""Official models through the operators: from disk, from a .zip, refused, cancelled, chosen, used and removed."""

from __future__ import annotations

import functools
import http.server
import json
import os
import pickle
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.blender.support import (
    EXTENSION,
    PATIENCE_S,
    add_character,
    generate,
    panel_status,
    part,
    poly_curve,
    refusal,
    settings,
)
from tests.blender.test_panels import Layout, drawn, operators, texts
from tests.official_files import (
    SMALL,
    SMALL_V2,
    official,
    save_statistics,
    teacher,
    tensor_pickle,
    write_checkpoint,
    zip_of,
)
from tests.official_files import parts as some
from tests.small_t5 import write_plain_t5


@pytest.fixture
def home() -> Iterator[Path]:
    """Where models are kept, empty at the beginning and at the end."""
    folder = part("operators.setup.models").home()
    shutil.rmtree(folder, ignore_errors=True)
    part("operators.setup.models").get().forget()
    part("operators.setup.official_model").status.message = ""
    yield folder
    getting = part("operators.setup.official_model")
    getting.unregister_properties()
    vars(getting.status).update(vars(getting.Status()))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with statistics and the text encoder, as a download would have them."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no hub"))
    folder = tmp_path / "official"
    save_statistics(folder / "humanml3d")
    write_plain_t5(folder / "sentence-t5-large")
    return folder


def bring(path: Path, **options) -> Path:
    """Import and return the model's folder."""
    consent = {"accept_licence": True, **options}
    assert bpy.ops.motionlcm.import_official_model(filepath=str(path), **consent) == {"FINISHED"}
    return Path(part("operators.setup.official_model").status.made)


def refused(path: Path, **options) -> str:
    consent = {"accept_licence": True, **options}
    sentence = refusal(lambda: bpy.ops.motionlcm.import_official_model(filepath=str(path), **consent))
    assert sentence.endswith(".") and "\n" not in sentence and "Traceback" not in sentence
    return sentence


def left(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir()) if home.exists() else []


def chosen() -> str:
    return bpy.context.preferences.addons[EXTENSION].preferences.model_folder


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_folder_becomes_a_model_that_is_chosen(place, home, version):
    write_checkpoint(place / f"motionlcm_humanml_s_pelvis_{version.lower()}.ckpt", official(SMALL[version]))
    folder = bring(place)
    assert folder == home / "official" and left(home) == ["official"] and chosen() == str(folder)
    config = json.loads((folder / "config.json").read_text())
    assert "non-commercial" in config["licence"] and config["licence_accepted"]
    message = panel_status().message
    assert f"{version}: VAE, MotionLCM student, ControlNet for the pelvis, trajectory encoder" in message
    assert not list(folder.rglob("*.bin"))


def test_consent_is_required(place, home):
    file = write_checkpoint(place / "pelvis.ckpt", official(SMALL_V2))
    assert "tick" in refused(file, accept_licence=False)
    assert "tick" in refusal(lambda: bpy.ops.motionlcm.get_official_model(source="DISK"))
    assert left(home) == []


def dialog(operator: str) -> Layout:
    """What an operator's own draw draws."""
    rna = getattr(bpy.ops.motionlcm, operator).get_rna_type()
    values = {p.identifier: p.default for p in rna.properties if hasattr(p, "default")} | {"fetch": True}
    layout = Layout()
    cls = getattr(bpy.types, f"MOTIONLCM_OT_{operator}")
    cls.draw(type("Drawn", (), {**values, "source": "NET", "bl_rna": rna, "layout": layout})(), bpy.context)
    return layout


@pytest.mark.parametrize("operator", ["get_official_model", "import_official_model"])
def test_the_licence_is_shown_where_consent_is_given(operator):
    layout = dialog(operator)
    assert "non-commercial" in texts(layout) and "HumanML3D" in texts(layout)
    properties = [given["property"] for name, given in layout.seen if name == "prop"]
    assert properties[0] == "accept_licence" and "accept_unverified" in properties
    prop = getattr(bpy.ops.motionlcm, operator).get_rna_type().properties["accept_licence"]
    assert not prop.default and prop.is_skip_save


def test_a_zip_is_unpacked_and_leaves_nothing_beside_the_model(place, home, tmp_path):
    write_checkpoint(place / "motionlcm_humanml_s_all.ckpt", official(SMALL_V2))
    archive = Path(shutil.make_archive(str(tmp_path / "Official Models"), "zip", place))
    shutil.rmtree(place)
    folder = bring(archive)
    assert left(home) == ["official-models"] and folder == home / "official-models"
    assert part("motionlcm_blender.networks.model_folder").ModelFolder.open(folder).controlled_joints[1:]
    assert bring(archive).name == "official-models-2"


def test_parts_in_files_of_their_own_and_which_controlnet(place, home):
    weights = official(SMALL_V2)
    write_checkpoint(place / "mld_humanml.ckpt", teacher(official(SMALL_V2, seed=9)) | some(weights, "vae"))
    write_checkpoint(place / "motionlcm_pelvis.ckpt", some(weights, "denoiser", "controlnet", "traj_encoder"))
    changed = {name: values + 0.01 for name, values in weights.items()}
    write_checkpoint(place / "motionlcm_t.ckpt", some(changed, "denoiser", "controlnet", "traj_encoder"))
    assert "both hold a ControlNet" in refused(place)
    folder = bring(place, control="start")
    assert folder.name == "official-start"
    assert part("motionlcm_blender.networks.model_folder").ModelFolder.open(folder).can_continue


def test_the_text_encoder_of_the_hub_or_of_an_earlier_model_is_found(place, home, tmp_path, monkeypatch):
    write_checkpoint(place / "pelvis.ckpt", official(SMALL_V2))
    hub = tmp_path / "hub" / "models--sentence-transformers--sentence-t5-large"
    version = hub / "snapshots" / "0123abcd"
    version.parent.mkdir(parents=True)
    shutil.move(place / "sentence-t5-large", version)
    assert "text encoder" in refused(place)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    first = bring(place)
    assert json.loads((first / "config.json").read_text())["text_encoder"]["name"] == "sentence-t5-large"
    shutil.rmtree(tmp_path / "hub")
    second = bring(place)
    assert json.loads((second / "config.json").read_text())["text_encoder"]["name"] == "sentence-t5-large"
    shutil.move(second / "text_encoder", version)
    shutil.rmtree(home)
    for location in (hub, tmp_path / "hub", version):
        version.parent.mkdir(parents=True, exist_ok=True)
        bring(place, text_encoder=str(location))


class Evil:
    def __reduce__(self):
        return print, ("run",)


def hostile(folder: Path) -> Path:
    class Runs:
        def __reduce__(self):
            return os.system, (f"touch {folder}/ran",)

    return zip_of(folder / "hostile_pelvis.ckpt", pickle.dumps({"state_dict": Runs()}, 2))


def truncated(folder: Path) -> Path:
    file = write_checkpoint(folder / "truncated_pelvis.ckpt", official(SMALL_V2))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return file


def wrong_shape(folder: Path) -> Path:
    weights = official(SMALL_V2)
    weights["vae.final_layer.weight"] = weights["vae.final_layer.weight"][:, :-1].copy()
    return write_checkpoint(folder / "wrong_pelvis.ckpt", weights)


def not_finite(folder: Path) -> Path:
    weights = official(SMALL_V2)
    weights["vae.final_layer.bias"] = np.full_like(weights["vae.final_layer.bias"], np.nan)
    return write_checkpoint(folder / "nan_pelvis.ckpt", weights)


def lying(folder: Path) -> Path:
    return zip_of(folder / "lying.ckpt", tensor_pickle("vae.a", 1 << 30, (1 << 30,), (1,)), {"0": b"1234"})


def bomb(folder: Path) -> Path:
    with (
        zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("model.ckpt", "w") as file,
    ):
        for _ in range(100):
            file.write(bytes(1 << 20))
    return folder / "bomb.zip"


def compressed_checkpoint(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "folded.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        archive.writestr("archive/data/0", bytes(1 << 22))
    return folder / "folded.ckpt"


def leading_out(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "out.zip", "w") as archive:
        archive.writestr("../../out.ckpt", b"x")
    return folder / "out.zip"


def damaged_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "damaged.zip", "w") as archive:
        archive.writestr("model.ckpt", bytes(range(256)) * 100)
    content = bytearray((folder / "damaged.zip").read_bytes())
    content[500] ^= 255
    (folder / "damaged.zip").write_bytes(content)
    return folder / "damaged.zip"


def no_zip(folder: Path) -> Path:
    (folder / "no.zip").write_bytes(b"this is no zip")
    return folder / "no.zip"


def bare_pickle(folder: Path) -> Path:
    (folder / "old.ckpt").write_bytes(pickle.dumps(Evil()))
    return folder / "old.ckpt"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (hostile, "runs commands"),
        (truncated, "truncated or damaged"),
        (wrong_shape, "vae.final_layer.weight"),
        (not_finite, "not finite"),
        (lying, "damaged"),
        (bomb, "unfolds to far more"),
        (compressed_checkpoint, "compressed or encrypted"),
        (leading_out, "leads out of it"),
        (damaged_zip, "truncated or damaged"),
        (no_zip, "neither a PyTorch nor a safetensors file"),
        (bare_pickle, "format of before 2020"),
        (lambda folder: folder / "nothing.ckpt", "There is no file or folder"),
    ],
)
def test_what_is_no_model_ends_in_a_sentence_and_leaves_nothing(place, home, make, sentence, capfd):
    before = sorted(place.rglob("*"))
    file = make(place)
    model = chosen()
    assert sentence in refused(file)
    assert left(home) == [] and chosen() == model
    assert not (place / "ran").exists() and "run\n" not in capfd.readouterr().out
    assert not (home.parent / "out.ckpt").exists()
    assert set(place.rglob("*")) <= {*before, file}


def test_what_an_ended_blender_left_is_cleared_away(place, home):
    for name, age in ((".unpacked-old", 2), (".official.1.part", 2), (".unpacked-new", 0), (".downloads", 2)):
        (home / name).mkdir(parents=True)
        os.utime(home / name, times=(time.time() - age * 86_400,) * 2)
    refused(bare_pickle(place))
    assert left(home) == [".downloads", ".unpacked-new"]


def test_wrong_statistics_leave_nothing(place, home):
    write_checkpoint(place / "pelvis.ckpt", official(SMALL_V2))
    mean = np.load(place / "humanml3d" / "Mean.npy")
    mean[4:67] *= 0.6
    np.save(place / "humanml3d" / "Mean.npy", mean)
    assert "do not belong together" in refused(place)
    assert left(home) == []


def test_without_leave_to_go_online_nothing_is_fetched(place, home, monkeypatch):
    getting = part("operators.setup.official_model")
    monkeypatch.setattr(getting, "may_go_online", lambda: False)
    sentence = refusal(lambda: bpy.ops.motionlcm.get_official_model(source="NET", accept_licence=True))
    assert "Online access is disabled" in sentence and left(home) == []
    shutil.rmtree(place / "sentence-t5-large")
    file = write_checkpoint(place / "pelvis.ckpt", official(SMALL_V2))
    assert "Online access is disabled" in refused(file, fetch=True)


def served(folder: Path, entries: dict[str, str]) -> tuple:
    """A server of this folder, and its files as a list of sources. entries: name -> kind."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    source = part("motionlcm_blender.importing.source_list").Source
    sha256 = part("motionlcm_blender.files.safetensors_files").sha256
    address = f"http://127.0.0.1:{server.server_address[1]}"
    listed = [
        source(name, kind, (f"{address}/{name}",), "https://example.org", sha256(folder / name), None, "CC0")
        for name, kind in entries.items()
    ]
    return server, listed


def test_what_is_missing_is_fetched(place, home, tmp_path, monkeypatch):
    getting, downloads = part("operators.setup.official_model"), part("motionlcm_blender.importing.official")
    monkeypatch.setattr(getting, "may_go_online", lambda: True)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    site = tmp_path / "site"
    shutil.move(place, site)
    place.mkdir()
    write_checkpoint(site / "motionlcm_pelvis.ckpt", official(SMALL_V2))
    entries = {path.relative_to(site).as_posix(): "text encoder" for path in site.rglob("*") if path.is_file()}
    entries |= {name: "statistics" for name in entries if name.endswith(".npy")}
    entries["motionlcm_pelvis.ckpt"] = "checkpoint"
    server, listed = served(site, entries)
    try:
        monkeypatch.setattr(downloads, "read_sources", lambda: tuple(listed))
        assert bpy.ops.motionlcm.get_official_model(source="NET", accept_licence=True) == {"FINISHED"}
        assert left(home) == ["motionlcm"] and chosen().endswith("motionlcm")
        shutil.rmtree(home)
        file = write_checkpoint(place / "six_joints.ckpt", official(SMALL_V2))
        bring(file, fetch=True)
        assert left(home) == ["six-joints"]
        shutil.rmtree(home)
        broken = [s for s in listed if s.kind != "statistics"]
        wrong = [replace(s, sha256="0" * 64) for s in listed if s.kind == "statistics"]
        monkeypatch.setattr(downloads, "read_sources", lambda: (*broken, *wrong))
        assert "sha256 is another" in refused(file, fetch=True)
        assert set(left(home)) <= {".downloads"}  # what is whole is kept for the next try
        assert not list(home.rglob("*.npy"))
    finally:
        server.shutdown()
        server.server_close()


def test_the_published_list_requires_consent_and_names_the_page(place, home, monkeypatch):
    monkeypatch.setattr(part("operators.setup.official_model"), "may_go_online", lambda: True)
    sentence = refusal(
        lambda: bpy.ops.motionlcm.get_official_model(source="NET", accept_licence=True, accept_unverified=True)
    )
    assert "in a browser from https://github.com/Dai-Wenxun/MotionLCM" in sentence
    shutil.rmtree(place / "sentence-t5-large")
    file = write_checkpoint(place / "pelvis.ckpt", official(SMALL_V2))
    assert "cannot be verified" in refused(file, fetch=True)
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_blender_goes_on_while_the_worker_works_and_cancel_stops_it(place, home):
    getting = part("operators.setup.official_model")
    file = write_checkpoint(place / "pelvis.ckpt", official(SMALL_V2))
    wanted = part("motionlcm_blender.importing.official").Wanted(home, file, accept_licence=True)
    before = chosen()
    getting.start(wanted, choose=False, wait=False)
    assert getting.status.running and not bpy.ops.motionlcm.import_official_model.poll()
    assert "motionlcm.cancel_official_model" in operators(drawn("MOTIONLCM_PT_model"))
    with pytest.raises(Exception, match="Another import of a model is running"):
        getting.start(wanted, choose=False, wait=False)
    until = time.monotonic() + PATIENCE_S
    while getting.task.poll() is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert not getting.status.running and left(home) == ["pelvis"] and chosen() == before
    layout = drawn("MOTIONLCM_PT_model")
    assert operators(layout)["motionlcm.choose_model"] == "Use This Model" and "was imported" in texts(layout)

    getting.start(wanted, choose=False, wait=False)
    assert bpy.ops.motionlcm.cancel_official_model() == {"FINISHED"}
    while getting.task.poll() is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert getting.status.message == "Cancelled." and left(home) == ["pelvis"]
    assert not getting.task.cancel()


def test_the_menu_lists_models_and_removing_gives_back_ours(place, home):
    models, engine = part("operators.setup.models"), part("operators.session.model_info")
    write_checkpoint(place / "pelvis.ckpt", official(SMALL_V2))
    folder = bring(place)
    found = models.get().read()
    assert [model.folder for model in found] == ["", str(folder)]
    assert found[1].label == "MotionLCM V2 (official)" and "non-commercial" in found[1].licence
    menu = drawn("MOTIONLCM_MT_models")
    labels = [given.get("text") for name, given in menu.seen if name == "operator"]
    assert "MotionLCM V2 (official)" in labels and "motionlcm.get_official_model" in operators(menu)
    panel = drawn("MOTIONLCM_PT_model")
    engine.read_card(part("operators.session.model_choice").chosen())
    panel = drawn("MOTIONLCM_PT_model")
    assert "motionlcm.remove_model" in operators(panel) and "non-commercial" in texts(panel)
    assert "W. Dai" in texts(panel)

    assert bpy.ops.motionlcm.choose_model(folder="") == {"FINISHED"} and chosen() == ""
    assert "motionlcm.remove_model" not in operators(drawn("MOTIONLCM_PT_model"))
    assert bpy.ops.motionlcm.choose_model(folder=str(folder)) == {"FINISHED"}
    for other in ("", str(place), str(home), str(home / ".." / "x"), str(home / "official" / "text_encoder")):
        refusal(lambda other=other: bpy.ops.motionlcm.remove_model(folder=other))
    assert place.exists() and folder.exists()
    assert bpy.ops.motionlcm.remove_model(folder=str(folder)) == {"FINISHED"}
    assert left(home) == [] and chosen() == "" and len(models.get().known) == 1
    assert "not there" in refusal(lambda: bpy.ops.motionlcm.choose_model(folder=str(folder)))


def test_a_damaged_imported_model_is_listed_with_what_is_wrong(place, home):
    write_checkpoint(place / "pelvis.ckpt", official(SMALL_V2))
    folder = bring(place)
    (folder / "model.safetensors").unlink()
    assert "missing" in part("operators.setup.models").get().read()[1].error
    assert "ERROR" in {given.get("icon") for name, given in drawn("MOTIONLCM_MT_models").seen if name == "operator"}


def test_paths_pins_and_shots_with_an_official_model(place, home):
    write_checkpoint(place / "six_joints.ckpt", official(SMALL_V2))
    bring(place / "six_joints.ckpt")
    character = add_character()
    action = generate(path=poly_curve([(0, 0), (0, -2)]), seconds=3.0)
    assert action["motionlcm_model"] == "MotionLCM V2" and "non-commercial" in action["motionlcm_licence"]
    settings().path = None
    pin = settings().pins.add()
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (0.2, 0.0, 1.0)
    pin.target, pin.joint, pin.first, pin.last = target, "r_wrist", 20, 40
    generate(seconds=3.0)
    settings().pins.clear()

    (place / "six_joints.ckpt").rename(place / "pelvis.ckpt")
    bring(place / "pelvis.ckpt")
    pin = settings().pins.add()
    pin.target, pin.joint, pin.first, pin.last = target, "r_wrist", 20, 40
    assert "not trained to put the right wrist anywhere" in refusal()
    settings().pins.clear()
    generate(path=poly_curve([(0, 0), (0, -2)]), seconds=3.0)

    (place / "pelvis.ckpt").rename(place / "initial.ckpt")
    bring(place / "initial.ckpt")
    assert "not trained to put the pelvis anywhere" in refusal()
    api = part("operators.api")
    settings().path = None
    api.add_shot(character, "a person walks", 3.0)
    api.add_shot(character, "a person waves", 3.0)
    api.generate(character)
    assert all(shot.action is not None for shot in character.motionlcm.shots)
