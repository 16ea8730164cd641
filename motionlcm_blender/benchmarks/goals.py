"""Goals for handed-over motion, each with what it measures now: the second table of `motionlcm bench --quality`.

A goal is a number that a person who watches motion cares about. Where it is a share of captured motion, the captured
figure is measured on the training clips and written down here with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..generation.pipeline import MotionLCM
from . import goal_paths, goal_sequences, goal_takes


@dataclass(frozen=True)
class Goal:
    """A number to reach.

    Attributes:
        key: Name of the figure among those of the sections.
        text: What is measured, with its unit.
        least: Smallest value that meets the goal, or None.
        most: Largest value that meets the goal, or None.
    """

    key: str
    text: str
    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        """Whether a value meets the goal; a value that is not a number does not."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def bound(self) -> str:
        """The goal as text."""
        parts = [f"at least {self.least:g}"] if self.least is not None else []
        return " and ".join(parts + ([f"at most {self.most:g}"] if self.most is not None else []))


GOALS = (
    Goal("facing_forward_deg", "facing beside the way, worst path, mean degrees", most=5.0),
    Goal("facing_forward_max_deg", "facing beside the way, worst frame, degrees", most=45.0),
    Goal("facing_backward_share", "takes that walk backward within 15 degrees, share", least=0.9),
    Goal("facing_sideways_share", "takes that sidestep within 20 degrees, share", least=0.9),
    Goal("lean_share", "lean into curves, share of v2/(r g)", least=0.2, most=0.4),
    Goal("corner_jerk_m_s3", "pelvis jerk on a zigzag, m/s3", most=145.0),
    Goal("cadence_off", "steps a minute beside captured, 0.3 to 2 m/s, worst speed, share", most=0.15),
    Goal("fast_walk_named", "walks above 2.3 m/s that are named", least=1.0),
    Goal("run_acceleration_share", "runs on paths: vertical pelvis acceleration against captured, worst", least=0.75),
    Goal("run_flight_share", "runs on paths: time in the air against captured, worst", least=0.75),
    Goal("run_drag_cm", "runs on paths: worst drag of a foot, cm", most=12.0),
    Goal("below_floor_share", "takes with a foot more than 3 cm under the floor, share", most=0.01),
    Goal("below_floor_worst_cm", "feet under the floor at worst, cm", most=5.0),
    Goal("drag_ends_share", "takes that drag a standing foot in the first or last second, share", most=0.05),
    Goal("drag_inside_share", "takes that drag a standing foot elsewhere, share", most=0.05),
    Goal("held_slide_mm", "slide of held feet, mm a frame", most=2.0),
    Goal("knees_rad_s2", "knees, rad/s2 (captured walks 116)", most=130.0),
    Goal("floor_gap_cm", "falls, crawls, jumps, handstands: lowest joint on the first frame, worst, cm", most=10.0),
    Goal("long_travel_kept", "60 s of walking and jogging: travel of the last third against the first", least=0.9),
    Goal("long_body_kept", "60 s of walking, jogging, dancing, boxing: body speed likewise, worst", least=0.9),
    Goal("seam_jerk_share", "long motion: jerk at the seams against the 99th percentile inside", most=1.0),
    Goal("shot_way_share", "shots: way against the same prompt alone, worst pair", least=0.85),
    Goal("shot_jerk_share", "shots: jerk at the seam against the larger side's 99th percentile, worst pair", most=1.5),
    Goal("spread_share", "spread of eight takes against captured, worst prompt", least=0.6),
    Goal("loop_energy_share", "loops: body speed against the clip's, worst", least=0.8),
    Goal("loop_odd_strides", "loops: steps that one foot takes more than the other, most", most=0.0),
    Goal("loop_skate_more_cm_s", "loops: foot skate more than the clip's, mean, cm/s", most=0.0),
    Goal("far_pin_jump_cm", "far pins: first frame beside the start (sway: 4), cm", most=4.2),
    Goal("far_pin_answered", "far pins that are met to 5 cm or named in a sentence, share", least=1.0),
    Goal("between_floor_cm", "in-betweens: feet under the floor at worst, cm", most=3.0),
    Goal("between_arrival_m_s", "in-betweens: speed of the body on arrival in a standing pose, m/s", most=0.3),
    Goal("limb_share", "frames with a limb through the body that were free before, share", most=0.01),
    Goal("elbow_pop_share", "elbows: 99th percentile of acceleration against the network's", most=1.1),
)  # fmt: skip
SECTIONS: tuple[Callable[[MotionLCM, int], dict[str, float]], ...] = (
    goal_paths.facing_figures,
    goal_paths.gait_figures,
    goal_takes.feet_figures,
    goal_sequences.long_figures,
    goal_sequences.shot_figures,
    goal_takes.spread_figures,
    goal_takes.loop_figures,
    goal_takes.pin_figures,
)


def measure_goals(
    model: MotionLCM, seeds: int, on_line: Callable[[str], None] = lambda _line: None
) -> dict[str, float]:
    """Measure everything that the goals name, and what explains it.

    Args:
        model: The model.
        seeds: Number of takes of each prompt.
        on_line: Called with a line about each section.

    Returns:
        Figures by name.

    Raises:
        MotionLCMError: Generating failed.
    """
    found: dict[str, float] = {}
    for section in SECTIONS:
        found |= section(model, seeds)
        on_line(section.__name__.replace("_", " "))
    return found


def goals_report(figures: dict[str, Any], goals: Iterable[Goal] = GOALS) -> str:
    """Format goals and measurements as a table in Markdown, then the other figures."""
    rows = ["| | goal | now | |", "|---|---|---|---|"]
    known = set()
    for goal in goals:
        known.add(goal.key)
        value = float(figures.get(goal.key, float("nan")))
        rows.append(f"| {goal.text} | {goal.bound} | {value:.3g} | {'met' if goal.met(value) else '**missed**'} |")
    rows += ["", "Behind them:", "", "| | |", "|---|---|"]
    rows += [f"| {key.replace('_', ' ')} | {value:.3g} |" for key, value in figures.items() if key not in known]
    return "\n".join(rows)
