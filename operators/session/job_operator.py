"""The base of operators that enqueue jobs."""

from __future__ import annotations

import bpy

from ..scene import messages
from ..scene.operator_base import MotionLCMOperator


class JobOperator(MotionLCMOperator):
    """Base of operators whose `perform` enqueues jobs. Without a window the jobs are finished at its return, and may
    have failed."""

    def execute(self, context: bpy.types.Context) -> set[str]:
        result = super().execute(context)
        if result == {"FINISHED"} and messages.status.error:
            return self.report_message(messages.status)
        return result
