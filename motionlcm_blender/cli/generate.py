"""The command `motionlcm generate`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..array_types import FloatArray
from ..errors import InvalidRequest
from .layout_options import add_layout_options, writer_of
from .progress import DONE, ProgressLine
from .sampler_steps import SAMPLER_STEPS

if TYPE_CHECKING:
    from ..generation.generated_motion import GeneratedMotion
    from ..generation.request import Request
    from ..motion.world_transform import Placement
    from ..networks.model_folder import ModelFolder


DEFAULT_SECONDS = 6.0
BLEND_FPS = 24.0


def add_generate(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help='what the character does, "a person walks forward"')
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE.json", help="instead of a prompt: recipes that were exported from Blender"
    )
    parser.add_argument(
        "--path", metavar="PATH", help='line, quarter, s, circle, eight, or FILE.json with {"points": [[x, y], ...]}'
    )
    parser.add_argument(
        "--seconds",
        type=float,
        help=f"length (default: what the prompt's action takes, {DEFAULT_SECONDS:g} on a named path or if unknown)",
    )
    parser.add_argument("--seed", type=_integer, default=0, help="any whole number; takes have seeds from this one on")
    parser.add_argument("--takes", type=int, default=1, help="variations; the files are FILE_1, FILE_2 ...")
    parser.add_argument(
        "--liveliness", type=float, default=1.0, help="factor on the noise, 0.5 to 1.7; above 1 the motion is larger"
    )
    parser.add_argument(
        "--steps", type=int, default=SAMPLER_STEPS, help="sampler steps: 1, 2 or 4 (default %(default)s)"
    )
    parser.add_argument(
        "--fps",
        type=float,
        help="frames per second of the file (default 20, the model's own; 24 for .blend; a recipe's own)",
    )
    parser.add_argument("--device", default="auto", help="auto, numpy, cpu, cuda, mps or xpu (default auto)")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model folder (default: the bundled model)")
    parser.add_argument(
        "--no-gestures", action="store_true", help="no gestures on the sampled motion, as nods or claps"
    )
    parser.add_argument(
        "--no-sequence", action="store_true", help="make all actions of the prompt as one, not one after the other"
    )
    parser.add_argument(
        "--no-rewrite", action="store_true", help="no caption in place of words that the model does not follow"
    )
    parser.add_argument(
        "--no-caption-liveliness", action="store_true", help="the size of the noise does not depend on the prompt"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to: .npz, .bvh or .blend")
    add_layout_options(parser)
    parser.set_defaults(run=run_generate, wrong_usage=parser.error)


def _integer(text: str) -> int:
    value = int(text)
    if not -(2**62) < value < 2**62:
        raise argparse.ArgumentTypeError("the seed has too many digits")
    return value


def plan(args: argparse.Namespace) -> tuple[Request, FloatArray | None, Placement | None, str | None]:
    """Check everything that can be checked without the model.

    Args:
        args: Parsed options.

    Returns:
        The request, the timed path in the world (T, 2), metres, the placement of the motion, and a warning about its
        speed.

    Raises:
        MotionLCMError: An option is not possible.
    """
    from ..export.motion_files import check_fps, check_output
    from ..generation.request import Hints
    from ..motion.ground_path import (
        NAMES,
        load_path,
        named_path,
        natural_length,
        rounded_corners,
        speed,
        speed_warning,
        timed,
    )
    from ..motion.skeleton import FPS
    from ..motion.world_transform import canonicalise
    from ..text.gait import walk_warning

    if not 0 < args.seconds < 1e6:
        raise InvalidRequest(f"The length must be a positive number of seconds, not {args.seconds:g}.")
    frames = round(args.seconds * FPS)
    request = _request_of(args, frames)
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
    xz = rounded_corners(timed(path, frames))
    canonical, placement = canonicalise(xz)
    request = replace(request, hints=Hints.ground_path(canonical))
    warning = speed_warning(path, frames) or walk_warning(args.prompt, speed(path, frames))
    return request, xz, placement, warning


def _request_of(args: argparse.Namespace, frames: int) -> Request:
    """The request of the options, without its path."""
    from ..generation.request import Request

    return Request(
        args.prompt,
        frames,
        args.seed,
        args.takes,
        args.steps,
        liveliness=args.liveliness,
        gestures=not args.no_gestures,
        sequence=not args.no_sequence,
        rewrite=not args.no_rewrite,
        caption_liveliness=not args.no_caption_liveliness,
    )


def check_usage(args: argparse.Namespace) -> None:
    """Exit with a usage error if there is neither prompt nor recipe, or an option that the recipe determines."""
    if args.recipe is None:
        if args.prompt is None:
            args.wrong_usage("give a PROMPT, what the character does, or --recipe FILE.json")
        return
    sampling = (args.seed, args.takes, args.steps, args.liveliness)
    switched_off = (args.no_gestures, args.no_sequence, args.no_rewrite, args.no_caption_liveliness)
    own = (args.prompt, args.path, args.seconds, *sampling)
    if own != (None, None, None, 0, 1, SAMPLER_STEPS, 1.0) or any(switched_off):
        args.wrong_usage(
            "a recipe has prompt, path, length, seed, steps, liveliness, gestures, sequence, rewrite and caption "
            "liveliness: leave them out, and --takes"
        )


def run_recipes(args: argparse.Namespace) -> int:
    """Generate the motions of a recipe file again, print their quality, and write them; returns the exit status."""
    from ..export.motion_files import check_fps, check_output
    from ..generation.pipeline import MotionLCM
    from ..networks.backends import resolve_device
    from ..recipes.recipe import version_warning
    from ..recipes.replay import shot_of
    from ..recipes.serialization import read
    from ..version import version

    recipes, save = read(args.recipe), writer_of(args)
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
        elif (sentence := version_warning(recipe.origin, version())) is not None:
            print(f"motionlcm: recipe {number}: {sentence}", file=sys.stderr)
        with ProgressLine() as progress:
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
    """Generate motion, print its quality, and write it; returns the exit status."""
    check_usage(args)
    if args.recipe is not None:
        return run_recipes(args)
    from ..motion.skeleton import FPS
    from ..networks.backends import resolve_device
    from ..networks.model_folder import ModelFolder

    unknown_length, save = args.seconds is None, writer_of(args)
    args.seconds = DEFAULT_SECONDS if unknown_length else args.seconds
    request, xz, placement, warning = plan(args)
    if unknown_length and args.path is None:
        request = replace(request, frames=round(_usual_seconds(args) * FPS))
    if warning:
        print(f"motionlcm: {warning}", file=sys.stderr)
    started = time.perf_counter()
    folder = ModelFolder.open(args.model)
    _check_model(folder, request)
    device = resolve_device(args.device)
    _print_hint(folder, request)

    from ..export.motion_files import make_shot
    from ..generation.pipeline import MotionLCM

    model = MotionLCM.from_folder(args.model, device)
    loaded = time.perf_counter()
    with ProgressLine() as progress:
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
        shot = make_shot(motion, placement, xz, fps, request.prompt, motion.seed, motion.request.liveliness)
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


def _print_hint(folder: ModelFolder, request: Request) -> None:
    """Print what the network gets in place of the prompt, or that it has seldom seen such motion."""
    from ..text.asset_names import spelled_out
    from ..text.prompt_rewriting import read_rewriting
    from ..text.prompt_vocabulary import read_vocabulary, unseen_words_warning

    vocabulary, words = read_vocabulary(folder.path), spelled_out(request.prompt)
    found = read_rewriting(folder.path).find(words) if request.rewrite else None
    hint = unseen_words_warning(words, vocabulary) if vocabulary is not None else None
    if found is not None:
        way = f", on a path: {found.path}" if found.path is not None and request.hints is None else ""
        print(f'motionlcm: rewritten: "{found.caption}"{way}', file=sys.stderr)
    elif hint:
        print(f"motionlcm: {hint}", file=sys.stderr)


def _usual_seconds(args: argparse.Namespace) -> float:
    """Seconds that the action of the prompt takes, if the model's vocabulary contains its length."""
    from ..networks.model_folder import ModelFolder
    from ..text.length_suggestion import suggested_seconds
    from ..text.prompt_vocabulary import read_vocabulary

    vocabulary = read_vocabulary(ModelFolder.open(args.model).path)
    return (
        suggested_seconds(args.prompt, vocabulary, not args.no_sequence) if vocabulary is not None else None
    ) or DEFAULT_SECONDS


def _check_model(folder: ModelFolder, request: Request) -> None:
    """Check before loading weights that the model can generate the request.

    Raises:
        InvalidRequest: It cannot.
    """
    shortest, _ = folder.frames
    if request.frames < shortest:
        raise InvalidRequest(
            f"The model {folder.name} makes at least {shortest / 20:g} seconds, not {request.frames / 20:g}."
        )
    if request.hints is not None and not folder.architecture.control:
        raise InvalidRequest(f"The model {folder.name} cannot follow a path; choose one with a ControlNet.")


def take_file(out: Path, number: int, takes: int) -> Path:
    """File of take `number` (from 1): FILE itself for a single take, else FILE_1, FILE_2 ..."""
    return out if takes == 1 else out.with_name(f"{out.stem}_{number}{out.suffix}")


def _quality(motion: GeneratedMotion) -> str:
    report = motion.report
    parts = [f"seed {motion.seed}"]
    if motion.request.liveliness != 1.0:
        parts.append(f"liveliness {motion.request.liveliness:g}")
    parts += [f"foot skate {report['foot_skate_cm_s']:.1f} cm/s"]
    if "path_mean_cm" in report:
        parts.append(
            f"path error mean {report['path_mean_cm']:.1f}, max {report['path_max_cm']:.1f} cm "
            f"(network alone {report['network_path_mean_cm']:.1f}, {report['network_path_max_cm']:.1f} cm)"
        )
    return ", ".join(parts)
