"""Live without Blender: the newest request wins, the states of a change, and the pace of a path."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from motionlcm_blender.benchmarks.live import bench_live, live_report
from motionlcm_blender.live.gesture import SETTLE_SECONDS, Gesture, Next, Phase
from motionlcm_blender.live.newest_request import NewestRequest
from motionlcm_blender.live.path_pace import pace_colours, path_pace
from tests.tiny_model import write_tiny_model

PATIENCE = 60.0


class Held:
    """Work that waits until it is let go, and what it was given."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.cancelled: list[int] = []
        self.started, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, request, cancelled) -> int:
        self.begun.append(request)
        self.started.release()
        self.go.acquire()
        if cancelled():
            self.cancelled.append(request)
        if request < 0:
            raise ValueError("negative")
        return 10 * request


@pytest.fixture
def held():
    work = Held()
    worker = NewestRequest(work, "test")
    yield work, worker
    for _ in range(20):
        work.go.release()
    worker.stop(PATIENCE)


def answered(worker):
    assert worker.wait(PATIENCE)
    return worker.take()


def test_one_runs_and_only_the_newest_follows(held):
    work, worker = held
    worker.offer(1)
    work.started.acquire()
    for number in (2, 3, 4):
        worker.offer(number)
    assert worker.busy and work.begun == [1] and worker.take() is None
    work.go.release()
    work.started.acquire()  # 4 starts by itself: nobody took the answer of 1
    assert work.begun == [1, 4]
    assert worker.take().outcome == 10
    work.go.release()
    answer = answered(worker)
    assert (answer.request, answer.outcome) == (4, 40) and worker.take() is None
    assert (worker.counts.offered, worker.counts.dropped, worker.counts.answered) == (4, 2, 2)


def test_an_answer_that_nobody_took_is_replaced(held):
    work, worker = held
    worker.offer(1)
    work.started.acquire()
    worker.offer(2)
    work.go.release()
    work.go.release()
    assert answered(worker).request == 2


def test_an_exception_is_an_answer(held):
    work, worker = held
    worker.offer(-1)
    work.go.release()
    assert isinstance(answered(worker).outcome, ValueError)
    worker.offer(1)
    work.go.release()
    assert answered(worker).outcome == 10


def test_cancel_drops_what_runs_and_what_waits(held):
    work, worker = held
    worker.offer(1)
    work.started.acquire()
    worker.offer(2)
    worker.cancel()
    work.go.release()
    assert answered(worker) is None
    assert work.cancelled == [1] and work.begun == [1]


def test_a_request_at_once_cancels_what_runs(held):
    work, worker = held
    worker.offer(1)
    work.started.acquire()
    worker.offer(2, at_once=True)
    work.go.release()
    work.go.release()
    assert answered(worker).request == 2 and work.cancelled == [1]


def test_the_thread_ends_and_starts_again():
    worker = NewestRequest(lambda request, _cancelled: request, "test of an end", idle_seconds=0.0)
    for number in range(3):
        worker.offer(number)
        assert answered(worker).outcome == number
    worker.stop(PATIENCE)
    assert not [t for t in threading.enumerate() if t.name == "test of an end"]
    worker.offer(7)
    assert answered(worker).outcome == 7
    worker.stop(PATIENCE)


def test_the_first_state_is_the_base():
    gesture = Gesture()
    assert not gesture.saw("a", 0.0) and gesture.base == "a" and gesture.phase is Phase.STILL
    assert not gesture.saw("a", 1.0)


def test_a_drag_is_followed_and_finished_when_its_operator_ends():
    gesture = Gesture()
    gesture.rest_at("a")
    assert gesture.saw("b", 1.0) and not gesture.saw("b", 1.01) and gesture.saw("c", 1.02)
    assert gesture.step(9.0, dragging=True) is Next.NOTHING and gesture.accepts("b", False)
    assert gesture.step(9.01, dragging=False) is Next.FINISH
    assert gesture.step(9.02, dragging=False) is Next.NOTHING
    assert gesture.accepts("c", True) and not gesture.accepts("b", True)
    gesture.finished()
    assert (gesture.phase, gesture.base) == (Phase.STILL, "c") and not gesture.accepts("c", False)


def test_a_number_is_finished_after_a_pause():
    gesture = Gesture()
    gesture.rest_at("a")
    gesture.saw("b", 1.0)
    assert gesture.step(1.0 + 0.5 * SETTLE_SECONDS, False) is Next.NOTHING
    gesture.saw("c", 1.0 + 0.9 * SETTLE_SECONDS)
    assert gesture.step(1.0 + 1.1 * SETTLE_SECONDS, False) is Next.NOTHING
    assert gesture.step(1.0 + 2.0 * SETTLE_SECONDS, False) is Next.FINISH


def test_esc_brings_back_what_was_before():
    gesture = Gesture()
    gesture.rest_at("a")
    gesture.saw("b", 1.0)
    gesture.step(1.1, True)
    gesture.saw("a", 1.2)
    assert gesture.step(1.3, False) is Next.RESTORE and gesture.phase is Phase.STILL
    assert not gesture.accepts("b", False)


def test_a_change_while_it_is_finished_is_followed():
    gesture = Gesture()
    gesture.rest_at("a")
    gesture.saw("b", 1.0)
    gesture.step(2.0, False)
    assert gesture.phase is Phase.FINISHING and gesture.saw("c", 2.1)
    assert not gesture.accepts("b", True) and gesture.accepts("c", False)
    assert gesture.step(3.0, False) is Next.FINISH
    gesture.finished()
    assert gesture.base == "c"


def test_bench_counts_motions(tmp_path):
    write_tiny_model(tmp_path / "tiny")
    result = bench_live("numpy", tmp_path / "tiny", frames=40, steps=1, seconds=0.1)
    (run,) = result["runs"]
    assert run["motions_per_second"] > 0.0 and run["latency_ms"] > 0.0
    assert "numpy: " in live_report(result) and "motions a second" in live_report(result)


def line(speed: float, frames: int = 100) -> np.ndarray:
    return np.stack([np.zeros(frames), speed * np.arange(frames) / 20.0], axis=-1)


def test_pace_of_a_straight_walk():
    pace = path_pace(line(1.2), "a person walks")
    assert np.allclose(pace.speed, 1.2, atol=1e-6) and not pace.sharp.any() and not pace.too_fast.any()
    assert (pace.gait == 1).all() and len(pace.gait_changes) == 0


def test_too_fast_depends_on_the_prompt():
    assert path_pace(line(3.0), "a person walks").too_fast.all()
    assert not path_pace(line(3.0), "a person runs").too_fast.any()


def test_gait_changes_where_a_walk_becomes_a_run():
    steps = np.where(np.arange(100) < 50, 1.0, 4.0) / 20.0
    path = np.stack([np.zeros(100), np.cumsum(steps)], axis=-1)
    changes = path_pace(path, "a person runs").gait_changes
    assert len(changes) == 1 and abs(int(changes[0]) - 50) <= 5


def test_a_hairpin_at_speed_is_sharp_and_a_wide_bend_is_not():
    there = line(2.5, 50)
    hairpin = np.concatenate([there, there[::-1] + [0.1, 0.0]])
    sharp = path_pace(hairpin, "a person runs").sharp
    assert sharp[45:55].any() and not sharp[:40].any() and not sharp[60:].any()
    angle = np.linspace(0.0, np.pi, 100)
    assert not path_pace(2.0 * np.stack([np.cos(angle), np.sin(angle)], -1), "a person walks").sharp.any()


def test_colours_go_from_cool_to_red():
    slow, fast = (pace_colours(path_pace(line(v), "a person walks"))[50] for v in (1.0, 3.5))
    assert slow[0] < 0.5 < slow[1] and fast[0] > 0.9 and fast[1] < 0.2 and fast[3] == 1.0
