"""Licence of the published weights: the question before the import, and the entries in config.json."""

from __future__ import annotations

NAME = "non-commercial (terms of MotionLCM's authors)"
TEXT = """\
The published MotionLCM weights are not under this program's licence. Their authors give them for non-commercial use \
only, and the motion they were trained on (HumanML3D, from AMASS and HumanAct12) is given for non-commercial research. \
The weights, and what is made with them, may not be used commercially without the authors' leave. Read their terms, \
which decide: https://github.com/Dai-Wenxun/MotionLCM, https://amass.is.tue.mpg.de/license.html"""
QUESTION = "The model is imported once its licence is accepted: give --accept-licence."
ATTRIBUTION = (
    "MotionLCM: W. Dai, L.-H. Chen, J. Wang, J. Liu, B. Dai, Y. Tang, ECCV 2024 (arXiv 2404.19759). "
    "HumanML3D: C. Guo et al., CVPR 2022. Text encoder: sentence-t5-large, J. Ni et al. 2021 (Apache-2.0)."
)
TRAINING_DATA = "HumanML3D (AMASS, HumanAct12), by MotionLCM's authors"
