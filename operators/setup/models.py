"""The available models: the bundled model and the imported ones."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..scene import addon, messages
from ..scene.operator_base import MotionLCMOperator
from ..session import model_choice, model_info, model_session

if TYPE_CHECKING:
    from ..session.model_info import ModelCard

HOME = "models"
"""Sub-folder in the extension's user folder."""


@dataclass(frozen=True)
class Known:
    """A model to choose from. folder: empty for the bundled model. error: the reason why it cannot be used."""

    folder: str
    label: str
    licence: str
    error: str


def home() -> Path:
    """The folder of imported models, which may not exist. Raises ModelFolderError when this is not run as an
    extension."""
    from ...motionlcm_blender.errors import ModelFolderError

    try:
        return Path(bpy.utils.extension_path_user(addon.ROOT_PACKAGE, path=HOME, create=False))
    except ValueError as error:
        raise ModelFolderError("Models can be stored only if MotionLCM is installed as an extension.") from error


class ModelList:
    """The models that were found on the disk. Panels draw the cached list; only `read` searches the disk.

    known: None before the first search.
    """

    def __init__(self) -> None:
        self.known: tuple[Known, ...] | None = None

    def read(self) -> tuple[Known, ...]:
        """Search the disk for models and cache the list."""
        from ...motionlcm_blender.errors import MotionLCMError
        from ...motionlcm_blender.importing.model_import import models_in

        found = [_of("", model_info.read_card(model_choice.Choice(None, "auto")))]
        try:
            imported = models_in(home())
        except MotionLCMError:
            imported = []
        found += [
            _of(str(folder), model_info.read_card(model_choice.Choice(str(folder), "auto"))) for folder in imported
        ]
        self.known = tuple(found)
        return self.known

    def forget(self) -> None:
        """Drop the cached list; the next draw schedules a search."""
        self.known = None

    def is_imported(self, folder: str | None) -> bool:
        """Whether a folder is one of the imported models, from the cached list; for drawing."""
        return bool(folder) and any(model.folder and same(model.folder, str(folder)) for model in self.known or ())


def _of(folder: str, card: "ModelCard") -> Known:
    own = Path(folder).name
    label = f"{card.name} ({own})" if folder and card.name else card.name or own or "?"
    return Known(folder, label, card.licence, card.error)


def same(one: str, other: str) -> bool:
    return Path(one) == Path(other)


def choose(folder: str) -> None:
    """Set the model in the preferences; empty for the bundled model. Raises ModelFolderError."""
    from ...motionlcm_blender.errors import ModelFolderError
    from ...motionlcm_blender.networks.model_folder import ModelFolder

    preferences = addon.preferences()
    if preferences is None:
        raise ModelFolderError("Models can be chosen only if MotionLCM is installed as an extension.")
    if folder:
        ModelFolder.open(folder)
    preferences.model_folder = folder


class MOTIONLCM_OT_choose_model(MotionLCMOperator, bpy.types.Operator):
    """Use this model for new motions. Existing motions stay unchanged"""

    bl_idname = "motionlcm.choose_model"
    bl_label = "Choose Model"
    bl_options = {"REGISTER"}

    folder: bpy.props.StringProperty(
        name="Folder",
        description="Folder of the model. Without a folder, the bundled model is used",
        options={"SKIP_SAVE"},
    )

    def perform(self, _context: bpy.types.Context) -> None:
        choose(self.folder)


class MOTIONLCM_OT_remove_model(MotionLCMOperator, bpy.types.Operator):
    """Delete an imported model from the disk. Its motions stay, but cannot be generated again"""

    bl_idname = "motionlcm.remove_model"
    bl_label = "Remove Model"
    bl_options = {"REGISTER"}

    folder: bpy.props.StringProperty(
        name="Folder", description="Folder of the imported model to delete", options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        answer: set[str] = context.window_manager.invoke_confirm(
            self,
            event,
            title=iface_("Remove Model"),
            icon="WARNING",
            confirm_text=iface_("Delete"),
            message=iface_('"{name}" is deleted from the disk').format(name=Path(self.folder).name),
        )
        return answer

    def perform(self, _context: bpy.types.Context) -> None:
        from ...motionlcm_blender.errors import ModelFolderError
        from ...motionlcm_blender.importing.official import remove_model

        if not self.folder:
            raise ModelFolderError("The bundled model cannot be removed.")
        chosen = model_choice.chosen().folder
        is_chosen = chosen is not None and same(chosen, self.folder)
        if is_chosen and messages.status.running:
            raise ModelFolderError("This model is in use by a running generation: cancel the generation, or wait.")
        remove_model(Path(self.folder), home())
        if is_chosen:
            choose("")
        model_session.get().forget()
        get().read()
        messages.show_message(f"The model {Path(self.folder).name} was removed.")


_models: ModelList | None = None


def get() -> ModelList:
    """The list of this Blender, available after registration."""
    assert _models is not None, "the extension is not registered"
    return _models


def register_properties() -> None:
    global _models
    _models = ModelList()


def unregister_properties() -> None:
    global _models
    _models = None


CLASSES = (MOTIONLCM_OT_choose_model, MOTIONLCM_OT_remove_model)
