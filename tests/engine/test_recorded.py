"""Sampling in one recorded piece: the same motions, nothing that waits for the card, and a way on when it fails.

No card is here: the recorder of these tests runs the work again instead of replaying it, and what a card would refuse
while it records is looked for on the device "meta", which has no numbers to wait for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from motionlcm_blender.errors import Cancelled  # noqa: E402
from motionlcm_blender.generation.pipeline import MotionLCM  # noqa: E402
from motionlcm_blender.generation.request import Blend, Hints, Request  # noqa: E402
from motionlcm_blender.motion.skeleton import MAX_FRAMES  # noqa: E402
from motionlcm_blender.networks.model_folder import ModelFolder  # noqa: E402
from motionlcm_blender.networks.samplers import SamplingInput  # noqa: E402
from motionlcm_blender.networks.torch_impl.cuda_graphs import (  # noqa: E402
    MOST_KEYS,
    CapturedGraph,
    CudaGraphSampler,
    CudaRecorder,
    GraphKey,
    graph_key_of,
)
from motionlcm_blender.networks.torch_impl.network import MotionLCMNetwork  # noqa: E402
from tests.engine.golden import VERSIONS, official_weights  # noqa: E402
from tests.repeated import assert_same_output  # noqa: E402

BUNDLED = ModelFolder.open().architecture
LATENT_WIDTH = BUNDLED.latent_width

Work = Callable[[], Any]


def again(work: Work) -> tuple[Any, Callable[[], None]]:
    """Records by remembering what to run: like a graph it reads and writes the same tensors each time."""
    made = work()

    def replay() -> None:
        made.copy_(work())

    return made, replay


@pytest.fixture(scope="module")
def stepwise() -> MotionLCM:
    return MotionLCM.from_folder(device="cpu")


@pytest.fixture
def recorded() -> Iterator[MotionLCM]:
    model = MotionLCM.from_folder(device="cpu")
    model.backend.recorded = CudaGraphSampler(model.network, "cpu", again)  # type: ignore[attr-defined]
    return model


def sampling_of(model: MotionLCM) -> CudaGraphSampler:
    found = model.backend.recorded  # type: ignore[attr-defined]
    assert isinstance(found, CudaGraphSampler)
    return found


def path(frames: int, metres: float = 4.0) -> Hints:
    return Hints.ground_path(np.stack([np.zeros(frames), np.linspace(0, metres, frames)], 1))


REQUESTS = [
    Request("a person walks forward", 60, seed=3),
    Request("a person walks forward", 60, seed=3, hints=path(60)),
    Request("a person jumps up and down and then turns to the left and kicks", 196, seed=1, takes=3, hints=path(196)),
    Request("a person waves", 41, seed=2, steps=2, takes=2),
    Request("a person runs", 90, seed=2, steps=4, hints=path(90, 9.0)),
    Request("a person runs", 90, seed=2, guidance=5.5),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_a_recorded_piece_makes_the_same(stepwise: MotionLCM, recorded: MotionLCM, request_: Request) -> None:
    expected = stepwise.features(request_)
    for _ in range(3):
        made = recorded.features(request_)
        np.testing.assert_allclose(made, expected, atol=2e-4 * np.abs(expected).max())
    assert sampling_of(recorded).count == 1
    assert not sampling_of(recorded).trouble


def test_one_piece_serves_all_lengths_paths_seeds_and_prompts(stepwise: MotionLCM, recorded: MotionLCM) -> None:
    for seed, frames in enumerate([196, 120, 45, 77, 196]):
        prompt = ["a person walks", "somebody runs fast", "a person walks backward"][seed % 3]
        request = Request(prompt, frames, seed=seed, hints=path(frames, 0.02 * frames))
        np.testing.assert_allclose(recorded.features(request), stepwise.features(request), atol=2e-3)
    assert sampling_of(recorded).count == 1


def test_takes_with_hints_of_their_own(stepwise: MotionLCM, recorded: MotionLCM) -> None:
    tokens = stepwise.architecture.latent_tokens
    noise = np.random.default_rng(0).standard_normal((1, 2, tokens, LATENT_WIDTH), dtype=np.float32)
    text = stepwise.encode_prompt("a person walks", 80)
    request = Request("a person walks", 80, takes=2)
    shown = [path(80, 2.0), path(80, 5.0)]

    def made(model: MotionLCM) -> np.ndarray:
        with model.backend.inference_context():
            return model._sampled(text, noise, request, shown, lambda part, what: None)

    expected = made(stepwise)
    assert np.abs(expected[0] - expected[1]).max() > 0.1
    for _ in range(2):
        np.testing.assert_allclose(made(recorded), expected, atol=2e-3)
    assert sampling_of(recorded).count == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_published_sizes_with_one_text_token(version: str) -> None:
    """V1 has one latent token without an adapter, V2 sixteen; both read one sentence vector."""
    model = MotionLCM.from_state_dict(official_weights(version))
    a, random = model.architecture, np.random.default_rng(3)
    text = random.standard_normal((1, a.text_width), dtype=np.float32)
    noise = random.standard_normal((2, 2, a.latent_tokens, a.latent_width), dtype=np.float32)
    request = Request("a person walks", 70, takes=2, steps=2)

    def made() -> np.ndarray:
        with model.backend.inference_context():
            return model._sampled(text, noise, request, [path(70, 3.0)], lambda part, what: None)

    expected = made()
    sampling = CudaGraphSampler(model.network, "cpu", again)
    model.backend.recorded = sampling  # type: ignore[attr-defined]
    made()
    np.testing.assert_allclose(made(), expected, atol=2e-4 * np.abs(expected).max())
    assert (sampling.count, sampling.trouble) == (1, "")


def test_recording_waits_for_the_second_time_and_few_pieces_are_kept(recorded: MotionLCM) -> None:
    sampling = sampling_of(recorded)
    request = Request("a person walks", 60)
    recorded.features(request)
    assert sampling.count == 0
    recorded.features(request)
    assert sampling.count == 1
    for number in range(MOST_KEYS + 2):  # requested once, they are not captured and displace nothing
        recorded.features(replace(request, guidance=3.1 + 0.1 * number))
    assert sampling.count == 1
    for takes in range(2, MOST_KEYS + 4):
        for _ in range(2):
            recorded.features(replace(request, takes=takes))
    assert sampling.count == MOST_KEYS


def test_cancelling_still_works(recorded: MotionLCM) -> None:
    request = Request("a person walks", 60)
    for _ in range(2):
        recorded.generate(request)
    with pytest.raises(Cancelled):
        recorded.generate(request, cancel=lambda: True)


def wrong(work: Work) -> tuple[Any, Callable[[], None]]:
    made = work()
    return made, lambda: made.fill_(float("nan"))


def stale(work: Work) -> tuple[Any, Callable[[], None]]:
    return work(), lambda: None


def refusing(work: Work) -> tuple[Any, Callable[[], None]]:
    raise RuntimeError("operation not permitted when stream is capturing\nmore of it")


@pytest.mark.parametrize("recorder", [wrong, stale, refusing])
def test_a_card_that_cannot_record_goes_on_step_by_step(
    stepwise: MotionLCM, recorded: MotionLCM, recorder: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sampling = CudaGraphSampler(recorded.network, "cpu", recorder)
    recorded.backend.recorded = sampling  # type: ignore[attr-defined]
    request = Request("a person walks", 60, seed=9)
    for _ in range(3):
        assert_same_output(recorded.features(request), stepwise.features(request))
    assert sampling.trouble
    assert sampling.count == 0
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1


def test_too_little_memory_to_record_is_no_reason_to_give_up(recorded: MotionLCM) -> None:
    full = True

    def recorder(work: Work) -> tuple[Any, Callable[[], None]]:
        if full:
            raise RuntimeError("CUDA error: out of memory")
        return again(work)

    sampling = CudaGraphSampler(recorded.network, "cpu", recorder)
    recorded.backend.recorded = sampling  # type: ignore[attr-defined]
    request = Request("a person walks", 60)
    for _ in range(2):
        recorded.features(request)
    assert (sampling.count, sampling.trouble) == (0, "")
    full = False
    for takes in (1, 2):
        for _ in range(2):
            recorded.features(replace(request, takes=takes))
    assert sampling.count == 1  # what was too large is not tried again


class OnlyOn(TorchDispatchMode):
    """Fails at anything that touches another device, or numbers that Apple's cards do not have."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device, self.seen = device, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves((args, kwargs, made)):
            if isinstance(each, torch.Tensor):
                self.seen += 1
                assert each.device.type == self.device, f"{func} touches {each.device}"
                assert each.dtype != torch.float64, f"{func} is in float64"
        return made


class NothingBrought(TorchFunctionMode):
    """Fails where a number or an array of Python's becomes a tensor: to a card that is a copy."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in (torch.tensor, torch.as_tensor, torch.from_numpy), f"{func.__name__} brings something"
        return func(*args, **(kwargs or {}))


def on_meta(control: bool = True) -> MotionLCMNetwork:
    architecture = replace(ModelFolder.open().architecture, control=control)
    return MotionLCMNetwork(architecture).to("meta").eval().requires_grad_(False)


@pytest.mark.parametrize(
    "plan", [GraphKey(1, 1, 8, 0, 3.0, 1.0), GraphKey(2, 4, 16, 1, 3.0, 0.5), GraphKey(2, 2, 8, 2, 3.0, 1.0)]
)
def test_nothing_in_a_piece_waits_for_the_card_or_leaves_it(plan: GraphKey) -> None:
    watch = OnlyOn("meta")

    def recorder(work: Work) -> tuple[Any, Callable[[], None]]:
        work()  # as `CudaRecorder` does: constants are brought onto the card before it records
        with watch, NothingBrought():
            return work(), lambda: None

    with torch.inference_mode():
        piece = CapturedGraph(on_meta(), plan, "meta", recorder)
    assert piece.made.shape == (plan.takes, MAX_FRAMES, BUNDLED.features)
    assert watch.seen > 500


def test_what_waits_or_leaves_would_be_seen() -> None:
    with pytest.raises(RuntimeError, match="item"):
        bool(torch.ones(3, device="meta").all())
    with NothingBrought(), pytest.raises(AssertionError, match="as_tensor"):
        torch.as_tensor(3, device="meta")
    with OnlyOn("meta"), pytest.raises(AssertionError, match="touches cpu"):
        torch.zeros(2).to("meta")
    with OnlyOn("cpu"), pytest.raises(AssertionError, match="float64"):
        torch.zeros(2).double()


def test_loading_and_sampling_step_by_step_use_no_float64() -> None:
    """Apple's cards have none, and raise a TypeError."""
    for name, values in on_meta().state_dict(keep_vars=True).items():
        assert values.dtype != torch.float64, name
    for name, values in on_meta().named_buffers():
        assert values.dtype != torch.float64, name
    model = MotionLCM.from_folder(device="cpu")
    blends = (Blend(5, 0.4),)
    with OnlyOn("cpu"):
        model.features(Request("a person walks", 60, hints=path(60), steps=2, takes=2, blends=blends))


def test_refining_uses_no_float64_on_the_device() -> None:
    model, request = MotionLCM.from_folder(device="cpu"), Request("a person walks", 60, hints=path(60), refine=True)
    with OnlyOn("cpu"):
        motion = model.generate(request)[0]
    assert motion.report["refine_after_cm"] < motion.report["refine_before_cm"]


def test_the_plan_fills_text_up_to_few_lengths() -> None:
    sampling_input = SamplingInput(
        np.zeros((9, 384), np.float32), np.zeros((1, 2, 16, LATENT_WIDTH), np.float32), 60, 3, 1
    )
    assert graph_key_of(sampling_input) == GraphKey(2, 1, 24, 0, 3.0, 1.0)


def test_torch_takes_what_the_recorder_gives_it() -> None:
    """The recorder itself needs a card; that its calls fit this PyTorch is seen without one."""
    signature = inspect.signature(torch.cuda.graph.__init__)
    signature.bind(None, object(), pool=None, stream=None, capture_error_mode="thread_local")
    assert callable(torch.cuda.CUDAGraph.replay)
    assert callable(torch.cuda.graph_pool_handle)


def test_warming_up_records_what_a_first_request_needs(recorded: MotionLCM) -> None:
    recorded.warm_up()
    assert sampling_of(recorded).count == 2  # with a path and without
    longer = "a person waves with the right hand and then sits down"
    requests = [Request("a person kicks", 100, seed=5), Request(longer, 70, hints=path(70))]
    for request in requests:
        recorded.generate(request)
    assert sampling_of(recorded).count == 2


def test_memory_that_cannot_be_given_back_now_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch refuses while a graph is being captured, for example in another thread."""
    from motionlcm_blender.networks import backends

    def refuse() -> None:
        raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", refuse)
    backends.release_cached_memory()


@pytest.mark.parametrize("fails", [False, True])
def test_the_recorder_works_twice_before_and_cleans_up_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """With stand-ins for torch.cuda: in which order things happen, and what is left when the end of a recording fails,
    as it does when something in it was not allowed."""
    done: list[str] = []

    class Stream:
        def wait_stream(self, _other: object) -> None: ...

    class Graph:
        def replay(self) -> None:
            done.append("replay")

    @contextmanager
    def recording(_graph: object, **_options: object) -> Iterator[None]:
        yield
        if fails:
            raise RuntimeError("capture was invalidated")

    def end_allocating(_index: int, pool: object) -> None:
        done.append(f"{pool} ended")

    for name, value in {
        "device": lambda _device: nullcontext(),
        "Stream": Stream,
        "current_stream": Stream,
        "CUDAGraph": Graph,
        "graph_pool_handle": lambda: "pool",
        "synchronize": lambda: None,
        "current_device": lambda: 0,
        "stream": lambda _stream: nullcontext(),
        "graph": recording,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", end_allocating, raising=False)
    monkeypatch.setattr(torch._C, "_cuda_releasePool", lambda _index, _pool: None, raising=False)
    recorder = CudaRecorder("cuda")

    def work() -> Any:
        done.append("work")
        return torch.zeros(1)

    if fails:
        with pytest.raises(RuntimeError, match="invalidated"):
            recorder(work)
        assert done == ["work", "work", "work", "pool ended"]
        assert recorder.pool is None  # the next recording takes a new one
        return
    _, replay = recorder(work)
    replay()
    assert done == ["work", "work", "work", "replay"]
    assert recorder.pool == "pool"
