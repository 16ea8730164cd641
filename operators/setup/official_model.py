"""Get Official Model: import of MotionLCM's published weights, from disk or from the internet.

A worker thread reads, downloads and converts; a timer on the main thread takes its result. One import at a time.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_

from ..scene import messages, user_paths
from ..scene.messages import TaskStatus
from ..scene.operator_base import MotionLCMOperator
from ..session.background_task import BackgroundTask, Report
from . import models

if TYPE_CHECKING:
    from ...motionlcm_blender.importing.model_import import Imported
    from ...motionlcm_blender.importing.official import Wanted

INTERVAL = 0.1
"""Seconds between two polls of the worker."""
PATIENCE = 10.0
"""Seconds to wait for a cancelled worker when the extension is disabled."""
IN_DIALOG, IN_BROWSER = 80, 34
"""Characters per line."""
LICENCE = (
    "The published weights are for non-commercial use only.",
    "Their training data HumanML3D, from AMASS and HumanAct12, has the same restriction.",
    "Commercial use of motions from these weights needs the authors' permission.",
    "The terms are at github.com/Dai-Wenxun/MotionLCM and amass.is.tue.mpg.de.",
)
"""Shown in all dialogs for official models."""
CONTROLS = (
    ("AUTO", "From File Name", "Use the ControlNet that the file name names, or the only ControlNet of the file"),
    ("pelvis", "Pelvis", "Import the ControlNet for the pelvis. Use it for paths"),
    (
        "joints",
        "Six Joints",
        "Import the ControlNet for one of pelvis, feet, head and hands at a time. Use it for paths and pins",
    ),
    (
        "start",
        "Initial Motion",
        "Import the ControlNet for the first frames. Use it for shots that continue one another",
    ),
    ("none", "None", "Import no ControlNet. The model follows prompts alone"),
)


@dataclass
class Status(TaskStatus):
    """The visible status of the running or the last import. made: the folder of the imported model."""

    made: str = ""


def _redraw() -> None:
    messages.redraw("PREFERENCES")


status = Status()
task = BackgroundTask("MotionLCM official model", status, _redraw, INTERVAL, PATIENCE)


def may_go_online() -> bool:
    """Whether the user allows online access."""
    return bool(bpy.app.online_access)


def start(wanted: "Wanted", choose: bool, wait: bool | None = None) -> None:
    """Start an import, unless one is running. wait: return when it is done; None: if Blender has no window.

    Raises ModelFolderError or DownloadError, before any change, if the import cannot start.
    """
    from ...motionlcm_blender.errors import DownloadError, ModelFolderError

    if task.running:
        raise ModelFolderError("Another import of a model is running: wait, or cancel it.")
    if wanted.fetch and not may_go_online():
        raise DownloadError(
            "Online access is disabled: enable it in the preferences under System, Network, or choose files on disk."
        )

    def work(report: Report, cancelled: "Callable[[], bool]") -> "Imported":
        from ...motionlcm_blender.importing.official import get_official_model

        return get_official_model(wanted, report, cancelled)

    status.message, status.error, status.made = "", False, ""
    task.start(work, partial(_taken, choose), wait)


def _taken(choose: bool, outcome: "Imported | BaseException") -> None:
    """Take the outcome of the import."""
    try:
        if isinstance(outcome, BaseException):
            raise outcome
        _finish(outcome, choose)
    except Exception as error:  # noqa: BLE001  each exception becomes a sentence
        _show(messages.sentence_for(error), error=True)


def _finish(made: "Imported", choose: bool) -> None:
    folder = str(made.folder.path)
    models.get().read()
    status.made = folder
    if choose:
        models.choose(folder)
    what = "; ".join(f"{name}: {held}" for name, held in made.recognised.items())
    used = "It is chosen." if choose else "Choose it in the Model panel."
    _show(f"{made.folder.name} was imported ({what}). {used}", warnings=made.notes)


def _show(message: str, error: bool = False, warnings: tuple[str, ...] = ()) -> None:
    status.message, status.error = " ".join((message, *warnings)), error
    messages.show_message(message, error=error, warnings=warnings)


def unregister_properties() -> None:
    task.stop()
    models.get().forget()


def _draw_licence(layout: bpy.types.UILayout, operator: bpy.types.Operator, letters: int) -> None:
    """Draw the terms, in lines of limited length because labels do not wrap, and the consent."""
    column = layout.column(align=True)
    for sentence in LICENCE:
        for line in textwrap.wrap(iface_(sentence), letters, break_on_hyphens=False):
            column.label(text=line, translate=False)
    layout.prop(operator, "accept_licence")


class _GetModel(MotionLCMOperator):
    """Base of the operators that import models, from disk and from the internet."""

    accept_licence: bpy.props.BoolProperty(
        name="I accept these terms",
        description="Use the weights only as their authors allow. The model folder records the date of acceptance",
        options={"SKIP_SAVE"},
    )
    accept_unverified: bpy.props.BoolProperty(
        name="Use Unverified Files",
        description="Use files without a known checksum. Code in the files is never run",
        options={"SKIP_SAVE"},
    )
    control: bpy.props.EnumProperty(name="ControlNet", description="ControlNet to import", items=CONTROLS)
    choose: bpy.props.BoolProperty(
        name="Use Model After Import", description="Use the model as soon as the import is done", default=True
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not status.running:
            return True
        cls.poll_message_set(rpt_("Another import of a model is running"))  # type: ignore[attr-defined]
        return False

    def begin(self, wanted: "Wanted") -> set[str]:
        """Start with the operator's further settings; a refusal is shown and reported."""
        control = None if self.control == "AUTO" else self.control
        try:
            if not self.accept_licence:
                from ...motionlcm_blender.errors import LicenceNotAccepted

                raise LicenceNotAccepted('The import needs your consent to the licence: tick "I accept these terms".')
            start(replace(wanted, control=control, accept_licence=True), self.choose)
        except Exception as error:  # noqa: BLE001  each exception becomes a sentence
            _show(messages.sentence_for(error), error=True)
        if status.error and not status.running:
            return self.report_message(messages.status)
        return {"FINISHED"}


def _folder(path: str) -> Path | None:
    return user_paths.absolute(path) if path.strip() else None


class MOTIONLCM_OT_get_official_model(_GetModel, bpy.types.Operator):
    """Import the published MotionLCM weights (non-commercial use only) from disk or from the internet"""

    bl_idname = "motionlcm.get_official_model"
    bl_label = "Get Official Model"
    bl_options = {"REGISTER"}

    source: bpy.props.EnumProperty(
        name="From",
        translation_context="MotionLCM",
        description="Source of the files",
        items=(
            ("DISK", "Disk", "Import a checkpoint, a .zip or a folder on disk. A file dialog opens next"),
            ("NET", "Internet", "Download the weights from the addresses that their authors publish"),
        ),
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        answer: set[str] = context.window_manager.invoke_props_dialog(self, width=460, confirm_text=iface_("Continue"))
        return answer

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        _draw_licence(layout, self, IN_DIALOG)
        layout.row().prop(self, "source", expand=True)
        if self.source == "NET":
            if not may_go_online():
                layout.label(text="Online access is disabled: see Preferences, System, Network", icon="ERROR")
            layout.prop(self, "accept_unverified")
        layout.prop(self, "control")
        layout.prop(self, "choose")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        from ...motionlcm_blender.importing.official import Wanted

        if self.source == "DISK" and self.accept_licence and not bpy.app.background:
            bpy.ops.motionlcm.import_official_model(
                "INVOKE_DEFAULT", accept_licence=True, control=self.control, choose=self.choose
            )
            return {"FINISHED"}
        try:
            wanted = Wanted(models.home(), fetch=self.source == "NET", accept_unverified=self.accept_unverified)
        except Exception as error:  # noqa: BLE001  each exception becomes a sentence
            return self.refuse(error)
        return self.begin(wanted)


class MOTIONLCM_OT_import_official_model(_GetModel, bpy.types.Operator):
    """Import the published MotionLCM weights from a checkpoint, a .zip or a folder on disk"""

    bl_idname = "motionlcm.import_official_model"
    bl_label = "Import Official Model"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(
        name="File or Folder",
        description="Checkpoint (.ckpt, .pt, .safetensors), a .zip of checkpoints, or a folder with checkpoints",
        subtype="FILE_PATH",
        options=user_paths.BLEND_RELATIVE,
    )
    filter_glob: bpy.props.StringProperty(default="*.ckpt;*.pt;*.pth;*.safetensors;*.zip", options={"HIDDEN"})
    statistics: bpy.props.StringProperty(
        name="Statistics",
        description="Folder of Mean.npy, Std.npy, Mean_raw.npy and Std_raw.npy, if these files are not beside "
        "the checkpoint",
    )
    text_encoder: bpy.props.StringProperty(
        name="Text Encoder",
        description="Folder of sentence-t5-large, if it is neither beside the checkpoint nor in the Hugging Face cache",
    )
    fetch: bpy.props.BoolProperty(
        name="Download Missing Files",
        description="Download statistics and text encoder if the disk does not have them",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        _draw_licence(layout, self, IN_BROWSER)
        layout.prop(self, "control")
        layout.prop(self, "statistics")
        layout.prop(self, "text_encoder")
        layout.prop(self, "fetch")
        if self.fetch:
            layout.prop(self, "accept_unverified")
        layout.prop(self, "choose")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        from ...motionlcm_blender.importing.official import Wanted

        try:
            wanted = Wanted(
                models.home(),
                _folder(self.filepath),
                _folder(self.statistics),
                _folder(self.text_encoder),
                fetch=self.fetch,
                accept_unverified=self.accept_unverified,
            )
        except Exception as error:  # noqa: BLE001  each exception becomes a sentence
            return self.refuse(error)
        return self.begin(wanted)


class MOTIONLCM_OT_cancel_official_model(bpy.types.Operator):
    """Stop the import. Downloaded files are kept, so that a later import can continue"""

    bl_idname = "motionlcm.cancel_official_model"
    bl_label = "Cancel Import"
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        return {"FINISHED"} if task.cancel() else {"CANCELLED"}


CLASSES = (
    MOTIONLCM_OT_get_official_model, MOTIONLCM_OT_import_official_model, MOTIONLCM_OT_cancel_official_model,
)  # fmt: skip
