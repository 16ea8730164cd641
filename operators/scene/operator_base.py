"""The base of all operators that can be refused: an error becomes a sentence in the panel, in the log and a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from . import messages


class MotionLCMOperator:
    """Base of operators, beside `bpy.types.Operator`; subclasses implement `perform`."""

    if TYPE_CHECKING:

        def report(self, kind: set[str], message: str) -> None: ...

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        """Do the operator's work. Any exception refuses the operator. Returns the result, None if finished."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            result = self.perform(context)
        except Exception as error:  # noqa: BLE001  each exception becomes a sentence in the panel
            return self.refuse(error)
        return {"FINISHED"} if result is None else result

    def refuse(self, error: BaseException) -> set[str]:
        """Show an error as a sentence. Returns what `execute` returns."""
        messages.show_message(messages.sentence_for(error), error=True)
        return self.report_message(messages.status)

    def report_message(self, status: messages.TaskStatus) -> set[str]:
        """Report the sentence of the status. With a window the panel shows it too; scripts in the background get an
        exception."""
        self.report({"ERROR" if bpy.app.background else "WARNING"}, status.message)
        return {"CANCELLED"}
