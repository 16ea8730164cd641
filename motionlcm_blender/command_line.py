"""The command line: `motionlcm generate | storyboard | info | bench | import | train | prepare | evaluate`, or
`python -m motionlcm_blender`.

Ends with 0 when all went well, 1 when something could not be done (one sentence on the error stream), 2 when the
command itself is wrong, 130 when interrupted. Modules are imported by the command that needs them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InvalidRequest, MotionLCMError
from .version import version

if TYPE_CHECKING:
    import numpy as np

    from .generated_motion import GeneratedMotion
    from .motion.placement import Placement
    from .request import Request

DEFAULT_SECONDS = 6.0
BLEND_FPS = 24.0
DONE, FAILED, INTERRUPTED = 0, 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status; argparse leaves with SystemExit(2) on wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parser = make_parser(arguments[0] if arguments else "")
        args = parser.parse_args(arguments)
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except MotionLCMError as error:
        print(f"motionlcm: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("motionlcm: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`motionlcm info | head`); Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def make_parser(command: str = "") -> argparse.ArgumentParser:
    """The parser; `command` is the one about to run, whose options are added in full (training needs torch)."""
    parser = argparse.ArgumentParser(prog="motionlcm", description="Text and a path on the floor to character motion.")
    parser.add_argument("--version", action="version", version=f"motionlcm {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_generate(commands.add_parser("generate", help="make motion from a prompt and, if wanted, a path"))
    _add_storyboard(commands.add_parser("storyboard", help="a file of characters and their shots to a Blender file"))
    _add_info(commands.add_parser("info", help="what the model is, whose it is, and what it runs on"))
    _add_bench(commands.add_parser("bench", help="measure each stage on this machine"))
    importing = commands.add_parser("import", help="make a model folder from published MotionLCM checkpoints")
    train = commands.add_parser("train", help="train a stage of the model from a configuration")
    prepare = commands.add_parser("prepare", help="turn BVH or AMC files with captions into training data")
    evaluate = commands.add_parser("evaluate", help="measure a model against captured motion")
    if command == "import":
        _add_import(importing)
    if command == "train":
        _add_training(train, "command")
    if command == "prepare":
        _add_training(prepare, "prepare")
    if command == "evaluate":
        _add_training(evaluate, "evaluation.command")
    return parser


def _training_part(module: str) -> Any:
    """A module of the training, imported now. Raises MotionLCMError if it or what it needs is not installed."""
    from importlib import import_module

    try:
        part: Any = import_module(f".training.{module}", __package__)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith(f"{__package__}.training"):
            raise MotionLCMError("Training is not part of this installation: it is in the full source tree.") from error
        raise MotionLCMError(f"Training needs the package {missing}, which is not installed.") from error
    return part


def _add_training(parser: argparse.ArgumentParser, module: str) -> None:
    part = _training_part(module)
    part.add_arguments(parser)
    parser.set_defaults(run=lambda args: part.run(args) or DONE)


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help='what the character does, "a person walks forward"')
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE.json", help="instead of a prompt: recipes that were exported from Blender"
    )
    parser.add_argument(
        "--path", metavar="PATH", help='line, quarter, s, circle, eight, or FILE.json with {"points": [[x, y], ...]}'
    )
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="length (default %(default)g)")
    parser.add_argument("--seed", type=_integer, default=0, help="any whole number; take k is made with seed + k - 1")
    parser.add_argument("--takes", type=int, default=1, help="variations; the files are FILE_1, FILE_2 ...")
    parser.add_argument("--steps", type=int, default=1, help="sampler steps: 1, 2 or 4 (default 1)")
    parser.add_argument(
        "--fps",
        type=float,
        help="frames per second of the file (default 20, the model's own; 24 for .blend; a recipe's own)",
    )
    parser.add_argument("--device", default="auto", help="auto, numpy, cpu, cuda, mps or xpu (default auto)")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model folder (default: the bundled model)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to: .npz, .bvh or .blend")
    parser.set_defaults(run=run_generate, wrong_usage=parser.error)


def _add_storyboard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("storyboard", type=Path, metavar="FILE.json", help="the storyboard")
    parser.add_argument("--out", type=Path, metavar="FILE.blend", help="where to (default: it is only read)")
    parser.add_argument("--bake", action="store_true", help="also one Action for each character, beside its shots")
    parser.add_argument("--fps", type=float, help="frames per second, instead of the storyboard's own")
    parser.add_argument("--blender", metavar="PROGRAM", help="a Blender, or a Python with bpy (default: found)")
    parser.add_argument("--device", help="auto, numpy, cpu, cuda, mps or xpu, in Blender (default auto)")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model folder (default: the bundled model)")
    parser.set_defaults(run=run_storyboard)


def _integer(text: str) -> int:
    value = int(text)
    if not -(2**62) < value < 2**62:
        raise argparse.ArgumentTypeError("the seed has too many digits")
    return value


def _add_info(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL", help="a model folder (default: bundled)")
    parser.add_argument("--devices", action="store_true", help="try which devices work here (imports PyTorch)")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.set_defaults(run=run_info)


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="default: NumPy, and PyTorch where it is installed")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model folder (default: the bundled model)")
    parser.add_argument("--frames", type=int, default=196, help="length at 20 frames per second (default 196)")
    parser.add_argument("--steps", type=int, default=1, help="sampler steps: 1, 2 or 4 (default 1)")
    parser.add_argument("--repeats", type=int, default=20, help="measured repeats after 3 to warm up (default 20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    parser.add_argument(
        "--training", action="store_true", help="instead: a training step, beside that of a plain loop (needs PyTorch)"
    )
    parser.add_argument("--config", type=Path, help="with --training: TOML file of settings (default: bundled)")
    parser.add_argument("--quality", action="store_true", help="instead: how good takes are")
    parser.add_argument("--seeds", type=int, default=3, help="with --quality: takes of each kind (default 3)")
    parser.set_defaults(run=run_bench)


def _add_import(parser: argparse.ArgumentParser) -> None:
    from .importing.command import add_arguments

    add_arguments(parser)
    parser.set_defaults(run=run_import)


# generate


def plan(args: argparse.Namespace) -> tuple[Request, np.ndarray | None, Placement | None, str | None]:
    """Check everything that can be checked without the model.

    Returns the request, the timed path in the world (T, 2), where the motion goes, and a warning about its speed.
    Raises MotionLCMError.
    """
    from .export import check_fps, check_output
    from .motion.paths import NAMES, load_path, named_path, natural_length, speed_warning, timed
    from .motion.placement import canonicalise
    from .motion.skeleton import FPS
    from .request import Hints, Request

    if not 0 < args.seconds < 1e6:
        raise InvalidRequest(f"The length must be a positive number of seconds, not {args.seconds:g}.")
    frames = round(args.seconds * FPS)
    request = Request(args.prompt, frames, args.seed, args.takes, args.steps)
    if args.fps is not None:
        check_fps(args.fps)
    if args.out is not None:
        check_output(args.out)
    if args.path is None:
        return request, None, None, None
    if args.path in NAMES:
        path = named_path(args.path, natural_length(args.path, args.seconds))
    elif args.path.lower().endswith(".json"):
        path = load_path(args.path)
    else:
        raise InvalidRequest(f"There is no path {args.path!r}: choose {', '.join(NAMES)}, or give a .json file.")
    xz = timed(path, frames)
    canonical, placement = canonicalise(xz)
    request = Request(args.prompt, frames, args.seed, args.takes, args.steps, hints=Hints.ground_path(canonical))
    return request, xz, placement, speed_warning(path, frames)


def check_usage(args: argparse.Namespace) -> None:
    """Leave as on wrong usage if there is neither prompt nor recipe, or an option that a recipe answers."""
    if args.recipe is None:
        if args.prompt is None:
            args.wrong_usage("give a PROMPT, what the character does, or --recipe FILE.json")
        return
    answered = (args.prompt, args.path, args.seconds, args.seed, args.takes, args.steps)
    if answered != (None, None, DEFAULT_SECONDS, 0, 1, 1):
        args.wrong_usage("a recipe says prompt, path, length, seed and steps itself: leave them out, and --takes")


def run_recipes(args: argparse.Namespace) -> int:
    """Make the motions of a recipe file, each as it was made before, say how good they are, and write them."""
    from .backends import resolve_device
    from .export import check_fps, check_output, save
    from .recipes import read, shot_of
    from .sampler import MotionLCM

    recipes = read(args.recipe)
    if args.fps is not None:
        check_fps(args.fps)
    if args.out is not None:
        check_output(args.out)
    model = MotionLCM.from_folder(args.model, resolve_device(args.device))
    mark = model.folder.fingerprint if model.folder is not None else ""
    print(f"Model      {model.name} on {model.device}")
    for number, recipe in enumerate(recipes, 1):
        if recipe.origin.model_sha256 not in ("", mark):
            print(
                f"motionlcm: recipe {number} was made by another model, {recipe.origin.model or 'without a name'}; "
                f"{model.name} makes another motion of it.",
                file=sys.stderr,
            )
        with _Progress() as progress:
            motion = model.generate(recipe.request, progress)[0]
        print(f"Prompt     {recipe.request.prompt}")
        print(f"           {_quality(motion)}")
        shot = shot_of(motion, recipe, args.fps or recipe.scene_fps)
        if args.out is not None:
            file = take_file(args.out, number, len(recipes))
            save(shot, file)
            print(f"Wrote      {file} ({shot.clip.frames} frames, {shot.fps:g} per second)")
    if args.out is None:
        print("Nothing was written: give --out FILE.npz, .bvh or .blend to keep it.")
    return DONE


def run_generate(args: argparse.Namespace) -> int:
    """Make motion, say how good it is, and write it."""
    check_usage(args)
    if args.recipe is not None:
        return run_recipes(args)
    request, xz, placement, warning = plan(args)
    if warning:
        print(f"motionlcm: {warning}", file=sys.stderr)
    from .backends import resolve_device
    from .model_folder import ModelFolder
    from .vocabulary import outside, read_vocabulary

    started = time.perf_counter()
    folder = ModelFolder.open(args.model)
    shortest, longest = folder.frames
    if request.frames < shortest or (request.frames > longest and not folder.can_continue):
        raise InvalidRequest(
            f"The model {folder.name} makes {shortest / 20:g} to {longest / 20:g} seconds at a time, "
            f"not {request.frames / 20:g}."
        )
    if request.hints is not None and not folder.architecture.control:
        raise InvalidRequest(f"The model {folder.name} cannot follow a path; choose one with a ControlNet.")
    device = resolve_device(args.device)
    vocabulary = read_vocabulary(folder.path)
    hint = outside(request.prompt, vocabulary) if vocabulary is not None else None
    if hint:
        print(f"motionlcm: {hint}", file=sys.stderr)

    from .export import make_shot, save
    from .motion.skeleton import FPS
    from .sampler import MotionLCM

    model = MotionLCM.from_folder(args.model, device)
    loaded = time.perf_counter()
    with _Progress() as progress:
        motions = model.generate(request, progress)
    generated = time.perf_counter()
    print(f"Model      {model.name} on {model.device}, {args.steps} step{'s' if args.steps > 1 else ''}")
    print(f"Prompt     {request.prompt}")
    print(f"Length     {request.frames / FPS:g} s" + (f", path {args.path}" if args.path else ""))
    blend = args.out is not None and args.out.suffix.lower() == ".blend"
    fps = args.fps or (BLEND_FPS if blend else FPS)
    retargeting = writing = 0.0
    for number, motion in enumerate(motions, 1):
        label = f"Take {number}     " if len(motions) > 1 else "           "
        print(f"{label}{_quality(motion)}")
        if args.out is None:
            continue
        begun = time.perf_counter()
        shot = make_shot(motion, placement, xz, fps, request.prompt, motion.seed)
        ready = time.perf_counter()
        file = take_file(args.out, number, len(motions))
        save(shot, file)
        retargeting += ready - begun
        writing += time.perf_counter() - ready
        print(f"Wrote      {file} ({shot.clip.frames} frames, {shot.fps:g} per second)")
    print(
        f"Time       load {1e3 * (loaded - started):.0f} ms, generate {1e3 * (generated - loaded):.0f} ms"
        + (f", retarget {1e3 * retargeting:.0f} ms, write {1e3 * writing:.0f} ms" if args.out else "")
    )
    if args.out is None:
        print("Nothing was written: give --out FILE.npz, .bvh or .blend to keep it.")
    return DONE


def take_file(out: Path, number: int, takes: int) -> Path:
    """Where take `number` (from 1) goes: FILE itself if it is the only one, else FILE_1, FILE_2 ..."""
    return out if takes == 1 else out.with_name(f"{out.stem}_{number}{out.suffix}")


def _quality(motion: GeneratedMotion) -> str:
    report = motion.report
    parts = [f"seed {motion.seed}", f"foot skate {report['foot_skate_cm_s']:.1f} cm/s"]
    if "path_mean_cm" in report:
        parts.append(
            f"path error mean {report['path_mean_cm']:.1f}, max {report['path_max_cm']:.1f} cm "
            f"(network alone {report['network_path_mean_cm']:.1f}, {report['network_path_max_cm']:.1f} cm)"
        )
    return ", ".join(parts)


class _Progress:
    """A line on the error stream that changes, if a person is watching."""

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()

    def __enter__(self) -> _Progress:
        return self

    def __call__(self, part: float, what: str) -> None:
        if self.shown:
            print(f"\r\033[K{100 * part:3.0f} %  {what}", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


# storyboard


def run_storyboard(args: argparse.Namespace) -> int:
    """Make a Blender file with all shots of a storyboard, and say how long each took."""
    from .storyboard import read_storyboard

    board = read_storyboard(args.storyboard)
    if args.fps is not None:
        board = board.at_fps(args.fps)
    count = sum(len(character.shots) for character in board.characters)
    print(
        f"Storyboard {args.storyboard}: {_counted(len(board.characters), 'character')}, {_counted(count, 'shot')}, "
        f"{board.fps:g} frames per second"
    )
    if args.out is None:
        print("Nothing was made: give --out FILE.blend.")
        return DONE
    if args.out.suffix.lower() != ".blend":
        raise InvalidRequest(f"A storyboard becomes a .blend file, not {args.out.name!r}.")
    from .backends import DEVICES
    from .blend_file import find_blender
    from .export import check_folder
    from .model_folder import ModelFolder
    from .storyboard_blend import SCRIPT, MadeShot, write_storyboard_blend

    check_folder(args.out)
    environment = {}
    if args.device is not None:
        if args.device not in DEVICES:
            raise InvalidRequest(f"There is no device called {args.device}: choose one of {', '.join(DEVICES)}.")
        environment["MOTIONLCM_DEVICE"] = args.device
    if args.model is not None:
        environment["MOTIONLCM_MODEL_FOLDER"] = str(ModelFolder.open(args.model).path.resolve())
    blender = find_blender(args.blender, SCRIPT)
    print(f"Blender    {blender.program}", flush=True)
    shots = {character.name: character.shots for character in board.characters}
    milliseconds: list[float] = []

    def say(made: MadeShot) -> None:
        shot = shots[made.character][made.number - 1]
        milliseconds.append(made.milliseconds)
        what = f"shot {made.number}, frames {shot.first} to {shot.last}"
        print(f"{made.character:10} {what:28} {made.milliseconds:6.0f} ms  {shot.prompt}", flush=True)
        for warning in made.warnings:
            print(f"motionlcm: {warning}", file=sys.stderr)

    started = time.perf_counter()
    write_storyboard_blend(board, args.out, blender, args.bake, environment, say)
    print(f"Wrote      {args.out}")
    print(f"Time       shots {sum(milliseconds) / 1e3:.1f} s, in all {time.perf_counter() - started:.1f} s")
    return DONE


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


# info and bench


def run_info(args: argparse.Namespace) -> int:
    """Say what a model is and what this machine has."""
    from .information import describe, devices, model_information
    from .version import package_versions

    model = model_information(args.model)
    found = devices() if args.devices else None
    if args.json:
        everything = {"model": model, "packages": package_versions(), "version": version()}
        print(json.dumps(everything | ({"devices": found} if found else {}), indent=2, ensure_ascii=False))
    else:
        print(describe(model, found))
    return DONE


def run_import(args: argparse.Namespace) -> int:
    """Make a model folder from published checkpoints."""
    from .importing.command import run

    with _Progress() as progress:
        run(args, progress)
    return DONE


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def run_bench(args: argparse.Namespace) -> int:
    """Measure, print, and write the numbers."""
    from .bench import bench, report
    from .request import Request

    Request("a person walks", args.frames, steps=args.steps)  # says what is wrong before anything is loaded
    if args.repeats < 1:
        raise InvalidRequest(f"The number of repeats must be 1 or more, not {args.repeats}.")
    if args.json is not None and not args.json.absolute().parent.is_dir():
        raise InvalidRequest(f"There is no folder {args.json.parent}.")
    if args.quality:
        from . import quality_bench

        if args.seeds < 1:
            raise InvalidRequest(f"The number of seeds must be 1 or more, not {args.seeds}.")
        result = quality_bench.bench_quality(args.device, args.model, args.seeds, _tell)
        print(quality_bench.report(result))
    elif args.training:
        training = _training_part("bench")
        result = training.bench_training(args.config, args.repeats, device=args.device, say=_tell)
        print(training.report(result))
    else:
        result = bench(args.device, args.model, args.repeats, frames=args.frames, steps=args.steps, say=_tell)
        print(report(result))
    if args.json is not None:
        try:
            temporary = args.json.with_name(f".{args.json.name}.part")
            temporary.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
            os.replace(temporary, args.json)
        except OSError as error:
            raise MotionLCMError(f"{args.json} cannot be written: {error.strerror or error}.") from error
    return DONE
