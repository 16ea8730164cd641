"""The training loop every stage shares: warm-up and cosine, clipping, EMA, checkpoints, a time estimate.

It runs in one process or, started by Accelerate or torchrun, in several. Each of those draws a batch of its own, the
gradients are averaged before they are clipped, and the first process alone writes files.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from filelock import FileLock, Timeout
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..errors import TrainingDataError
from .optimizer import make_optimizer

logger = logging.getLogger(__name__)

STEP, SECONDS = "step", "seconds"
"""Metadata of a file of averaged weights: the steps made and the training time."""
PROCESS_SEEDS = 1_000_000_007_000
"""How far apart the seeds of two processes are: further than any run has steps."""


def accelerator_for(device: torch.device) -> Accelerator:
    """This process among those that train together; alone if it was started alone.

    device: where a lone process trains. Several use one device each, which the launcher assigns.
    """
    return Accelerator(cpu=device.type == "cpu")


@dataclass
class LoopSettings:
    """steps; peak learning rate; warm-up steps; EMA decay; gradient clip; seconds between checkpoints; log interval.

    matrix_rate: Muon's peak rate for the matrices of transformer blocks, 0: AdamW for them too.
    seconds: the training time after which the stage is finished, also if steps are left; 0: no limit. The learning rate
    then follows whichever part is larger, of the steps or of the time.
    """

    steps: int
    learning_rate: float
    warmup: int = 100
    ema: float = 0.998
    clip: float = 1.0
    checkpoint_seconds: float = 120.0
    log_every: int = 50
    final_rate: float = 0.02
    matrix_rate: float = 0.0
    seconds: float = 0.0


@dataclass
class Averages:
    """Running averages of the losses since the last line."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    count: int = 0

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of one step."""
        for name, value in losses.items():
            # They stay on the device: a GPU need not be waited for at each step.
            self.sums[name] = self.sums.get(name, 0.0) + value.detach()
        self.count += 1

    def take(self) -> dict[str, float]:
        """The means since the last call, by name; the sums begin anew."""
        result = {name: float(value) / max(self.count, 1) for name, value in self.sums.items()}
        self.sums, self.count = {}, 0
        return result


class TrainingLoop:
    """Trains the parameters of `module`, resumes from `folder/name.state.pt`, leaves EMA weights in name.safetensors.

    Without a state it goes on from averaged weights that a loop wrote.

    Each step draws from a generator seeded with (seed, step, process), so a resumed run sees the same examples as
    one that was never stopped.

    The losses call parts of a module (`vae.encode`), which DistributedDataParallel does not see; so the gradients are
    averaged here, in one piece, with `Accelerator.reduce`.
    """

    def __init__(self, name: str, module: nn.Module, settings: LoopSettings, folder: Path, seed: int) -> None:
        self.name, self.module, self.settings, self.folder, self.seed = name, module, settings, folder, seed
        self.accelerator = accelerator_for(next(module.parameters()).device)
        self.several = self.accelerator.num_processes > 1
        if self.several:
            module.to(self.accelerator.device)
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(module, settings.learning_rate, settings.matrix_rate)
        self.average = [p.detach().clone() for p in self.parameters]
        self.step = 0
        self.seconds = 0.0
        self._started: float | None = None
        self._first_step = 0
        self._resume()
        if self.several:
            with torch.no_grad():
                for mine, first in zip(module.parameters(), broadcast(list(module.parameters())), strict=True):
                    mine.copy_(first)
            self.accelerator.wait_for_everyone()

    @property
    def state_file(self) -> Path:
        """File of the state to continue from."""
        return self.folder / f"{self.name}.state.pt"

    @property
    def weights_file(self) -> Path:
        """File of the finished weights."""
        return self.folder / f"{self.name}.safetensors"

    @property
    def finished(self) -> bool:
        """Whether all steps are done or the stage has had its time."""
        return self.step >= self.settings.steps or self._time_part() >= 1.0

    def _time_part(self) -> float:
        """How much of the stage's time has passed, from 0; always 0 without a limit."""
        if not self.settings.seconds:
            return 0.0
        running = 0.0 if self._started is None else time.monotonic() - self._started
        return (self.seconds + running) / self.settings.seconds

    def learning_rate_factor(self, step: int) -> float:
        """Part of the peak learning rate at a step: linear warm-up, then a cosine down to `final_rate`."""
        s = self.settings
        warmed = min(1.0, (step - self._first_step + 1) / s.warmup)
        part = max((step - s.warmup) / max(1, s.steps - s.warmup), self._time_part())
        return warmed * (s.final_rate + (1 - s.final_rate) * 0.5 * (1 + math.cos(math.pi * min(part, 1.0))))

    def run(
        self,
        losses: Callable[[torch.Generator, int], dict[str, Tensor]],
        deadline: float | None = None,
        after_step: Callable[[], None] | None = None,
    ) -> bool:
        """Train until done or `deadline` (time.monotonic()). losses(generator, step) returns named terms and "loss".

        Returns whether the stage is finished. Raises FloatingPointError if the loss stops being a number.
        """
        averages, saved, started = Averages(), time.monotonic(), time.monotonic()
        first, self._started = self.step, started
        while not self._ended():
            if deadline is not None and self._anyone(time.monotonic() > deadline):
                break
            mine = self.accelerator.process_index * PROCESS_SEEDS
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step + mine)
            terms = losses(generator, self.step)
            own_loss = terms["loss"]
            if self.several:
                terms = self.accelerator.reduce({name: term.detach() for name, term in terms.items()}, "mean")
            if not torch.isfinite(terms["loss"]):
                raise FloatingPointError(f"The loss of stage {self.name} is not a number at step {self.step}.")
            self.optimizer.set_rate(self.learning_rate_factor(self.step))
            self.optimizer.zero_grad()
            own_loss.backward()
            self._share_gradients()
            nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
            self.optimizer.step()
            decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
            torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)
            if after_step is not None:
                after_step()
            averages.add(terms)
            self.step += 1
            now = time.monotonic()
            if self.step % self.settings.log_every == 0 or self.step >= self.settings.steps:
                self._log(averages.take(), (now - started) / (self.step - first))
            if now - saved > self.settings.checkpoint_seconds:
                self.save(self.seconds + now - started)
                saved = now
        ended = self._ended()
        self.seconds, self._started = self.seconds + time.monotonic() - started, None
        self.save(self.seconds)
        self.accelerator.wait_for_everyone()  # the next stage reads what the first process has written
        return ended

    def _log(self, shown: Mapping[str, float], per_step: float) -> None:
        """A line for the terminal and one for the log file: mean losses, seconds a step."""
        left = per_step * (self.settings.steps - self.step)
        text = "  ".join(f"{n} {v:.4f}" for n, v in shown.items())
        time_left = f"{left // 60:.0f}:{left % 60:02.0f} left"
        logger.info(
            "%s %d/%d  %s  %.3f s/step  %s", self.name, self.step, self.settings.steps, text, per_step, time_left
        )
        if self.accelerator.is_main_process:
            with (self.folder / f"{self.name}.log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({"step": self.step, "seconds_per_step": per_step, **shown}) + "\n")

    def _ended(self) -> bool:
        """Whether the stage is finished in any process; their clocks may differ, their steps do not."""
        return self._anyone(self.finished) if self.settings.seconds else self.finished

    def _anyone(self, mine: bool) -> bool:
        """Whether it is so in any process; all of them must leave the loop at the same step."""
        if not self.several:
            return mine
        count = self.accelerator.reduce(torch.tensor(float(mine), device=self.accelerator.device), "sum")
        return bool(count > 0)

    def _share_gradients(self) -> None:
        """Average the gradients over the processes; a parameter that one of them did not use has none there."""
        if not self.several:
            return
        own = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        mean = self.accelerator.reduce(torch.cat([g.flatten() for g in own]), "mean")
        for parameter, gradient in zip(self.parameters, mean.split([p.numel() for p in self.parameters]), strict=True):
            parameter.grad = gradient.view_as(parameter)

    def averaged(self) -> dict[str, Tensor]:
        """EMA weights by name, with the untrained rest of the module as it is."""
        state = {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}
        names = [name for name, p in self.module.named_parameters() if p.requires_grad]
        state.update(dict(zip(names, (a.clone() for a in self.average), strict=True)))
        return state

    def save(self, seconds: float) -> None:
        """Write the state to go on from, and the EMA weights, each moved into place when complete.

        Only the first process does; all have the same.
        """
        if not self.accelerator.is_main_process:
            return
        state = {
            "step": self.step, "seconds": seconds, "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(), "average": self.average,
        }  # fmt: skip
        temporary = self.state_file.with_suffix(".unfinished")
        torch.save(state, temporary)
        temporary.replace(self.state_file)
        temporary = self.weights_file.with_suffix(".unfinished")
        made = {STEP: str(self.step), SECONDS: str(seconds)}
        save_file({n: t.contiguous().cpu() for n, t in self.averaged().items()}, temporary, made)
        temporary.replace(self.weights_file)

    def _resume(self) -> None:
        if not self.state_file.exists():
            self._resume_from_averages()
            return
        device = self.parameters[0].device
        state = torch.load(self.state_file, map_location=device, weights_only=True)
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        for mine, saved in zip(self.average, state["average"], strict=True):
            mine.copy_(saved)
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        logger.info("%s: going on from step %d", self.name, self.step)

    def _resume_from_averages(self) -> None:
        """Go on from the averaged weights alone, where a loop wrote them and its state was not kept.

        The optimizer begins anew, so the learning rate warms up again.
        """
        if not self.weights_file.exists():
            return
        with safe_open(self.weights_file, "pt") as file:
            made = file.metadata() or {}
        if STEP not in made:
            return
        load_weights(self.weights_file, self.module)
        for average, parameter in zip(self.average, self.parameters, strict=True):
            average.copy_(parameter.detach())
        self.step, self.seconds = int(made[STEP]), float(made[SECONDS])
        self._first_step = self.step
        logger.info("%s: going on from the averaged weights of step %d", self.name, self.step)


def load_weights(path: Path, module: nn.Module) -> None:
    """Load weights written by a stage, strictly."""
    module.load_state_dict(load_file(path))


@contextmanager
def single_writer(folder: Path) -> Iterator[None]:
    """Keep a second training run out of the folder. Raises TrainingDataError if one is there."""
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise TrainingDataError(f"Another training run is using {folder}.") from None
