"""The model card begins with what a person sees, and keeps its other text."""

from __future__ import annotations

from pathlib import Path

from motionlcm_blender.training.evaluation.card import measured, write_card
from motionlcm_blender.training.evaluation.report import BLIND, in_order, target_table
from motionlcm_blender.training.evaluation.results import Figure, Results, Section

RESULTS = Results(
    {"name": "m", "version": "1", "fingerprint": "abc"},
    {
        "text": Section(
            {
                "real/r3": Figure(0.9, 0.01, 10),
                "train/r3": Figure(0.94, 0.01, 10),
                "train/fid": Figure(0.09, None, 1),
            }
        ),
        "energy": Section(
            {
                "final/all/body": Figure(0.7, None, 1),
                "final/lively/body_each": Figure(0.61, None, 1),
                "final/quiet/body_each": Figure(1.25, None, 1),
                "final/rank_correlation": Figure(0.54, None, 1),
            }
        ),
        "watched": Section({"right": Figure(0.5, None, 1)}),
    },
)


def test_what_a_person_sees_comes_first() -> None:
    text = measured(RESULTS)
    assert text.index("lively segments: body speed") < text.index("rank correlation") < text.index("| FID")
    assert "| Handed over, 4 steps | 0.610" in text and "| Real motion, train clips | 0.940 ± 0.010 | 0.090 |" in text
    assert BLIND in text
    assert [name for name, _ in in_order(RESULTS)] == ["watched", "energy", "text"]


def test_goals_are_met_or_not() -> None:
    rows = {row.split("|")[1].strip(): row.split("|")[-2].strip() for row in target_table(RESULTS)[2:]}
    assert rows["quiet segments: body speed"] == "met"
    assert rows["lively segments: body speed against captured"] == rows["watched prompts that are right"] == "not met"
    assert "60 s walk: last third against first" not in rows, "not measured"


def test_the_section_of_a_card_is_replaced(tmp_path: Path) -> None:
    assert not write_card(tmp_path, RESULTS)
    card = tmp_path / "README.md"
    card.write_text("# Card\n\nText.\n\n## Measured\n\nOld figures.\n\n### Part\n\nOld.\n\n## Licence\n\nFree.\n")
    assert write_card(tmp_path, RESULTS)
    once = card.read_text()
    assert "Old" not in once and once.startswith("# Card\n\nText.\n\n## Measured\n") and once.endswith("Free.\n")
    write_card(tmp_path, RESULTS)
    assert card.read_text() == once
    card.write_text("# Card\n")
    write_card(tmp_path, RESULTS)
    assert card.read_text().startswith("# Card\n\n## Measured\n") and BLIND in card.read_text()
