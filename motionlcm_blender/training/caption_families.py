"""What a caption is mainly about, so that training sees every kind of action often enough.

Shares of draws are chosen, not counted: by their number, turns and plain walks would fill half of the training, and
falls or runs would be seen once in a hundred draws. No family has more than a tenth, beside walking.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from .motion_data import Segment

_STYLE = (
    r"limp|hobble|drunk|stagger|stumbl|wobbl|old\b|elderly|sad|depress|sneak|creep|tiptoe|march|strut|swagger|zombie|"
    r"mummy|ghost|robot|prowl|shuffl|trudg|plod|waddl|toddl|skip|jaunty|happ|angr|scared|frighten|shy|proud|sexy|cool|"
    r"macho|superhero|stiff|tired|weary|heavy|carefree|lively|slouch|hunch|stomp|clumsy|bouncy|graceful|hurt|wounded|"
    r"injur|pregnan|baby|child|teenager|penguin|gorilla|lumber"
)
_GOES = r"walk|step|stride|stroll|pace|move|go(es)?\b|run|jog|hurr|march|sneak|creep|tiptoe|limp|hobble|strut|swagger|skip"
FAMILIES: tuple[tuple[str, str, float], ...] = (
    ("prop", r"\b(stair|ladder|stool|block|platform|ledge|bar\b|bars\b|uneven|slope|beam|obstacle|skateboard|window)", 0.02),
    ("floor", r"\b(lie|lies|lying|prone|crawl|roll(s|ing)?\b|all fours|fall|falls|falling|collaps|gets? up|getting up|"
              r"kneel|(on|to|from|off) the (floor|ground)|hands and knees|plank|downward dog)", 0.065),
    ("acrobatics", r"\b(handstand|cartwheel|flip|somersault|handspring|backflip|acrobat|yoga|swim|breaststroke|freestyle|"
                   r"dive|stretch|exercise|push-?up|sit-?up|jumping jack)", 0.03),
    ("sit", r"\b(sit|sits|sitting|seat|chair|stands? up from|rises? from)", 0.04),
    ("run", r"\b(run|runs|running|jog|jogs|jogging|sprint)", 0.065),
    ("jump", r"\b(jump|hop|hops|hopping|leap|bounc)", 0.05),
    ("kick", r"\b(kick)", 0.035),
    ("fight", r"\b(punch|box|boxes|boxing|jab|hook|karate|fight|guard|strike|chop|block(s|ing)? a|sword|slash|dodge)", 0.04),
    ("throw", r"\b(throw|toss|pitch|catch|dribbl|basketball|football|golf|swing(s|ing)? (a|the) (bat|club))", 0.03),
    ("push", r"\b(push|pull|drag|carry|carries|carrying|lift(s|ing)? (a|some)|shov|haul|tug)", 0.035),
    ("style", rf"\b({_STYLE})", 0.1),
    ("dance", r"\b(danc|salsa|ballet|charleston|arabesque|pirouette|twirl|whirl|breakdanc|waltz)", 0.05),
    ("animal", r"\b(chicken|monkey|cat|bear|dog|snake|dinosaur|elephant|mouse|fish|bird|pterosaur|hummingbird|whale|"
               r"dragon|squirrel|panda|hippo|roadrunner|genie|teapot|claw|paw)", 0.035),
    ("look", r"\b(look|glance|search|watch|peer|listen)", 0.025),
    ("gesture", r"\b(wav(e|es|ing)|clap|bow|bows|point|gestur|greet|salut|signal|beckon|shrug|nod|talk|speak|convers|"
                r"phone|argu|conduct|applau|cheer|pray|direct|recit|scratch|rub|wipe|yawn|cough|laugh|cry)", 0.09),
    ("work", r"\b(drink|eat|wash|clean|paint|hammer|saw|dig|rake|sweep|stir|pour|cook|play|drive|shoot|screw|cut|cast|"
             r"mix|open|knead|vacuum|brush|comb|write|type)", 0.04),
    ("bend", r"\b(bend|stoop|pick|reach|crouch|squat|duck|lean|lunge|bob|dip)", 0.05),
    ("idle", r"\b(idle|wait|stand|stands|still|sway|shift|fidget|rest|pause|hold|motionless|breath)", 0.05),
    ("backward", r"\b(backward|backwards|backs? (up|away|off))", 0.035),
    ("sideways", r"\b(side ?step|sideway|to the side|shuffle|sidle|diagonal)", 0.035),
    ("around", r"\b(turns? (around|about|back)|half turn|spin|pivot|full turn|circle|figure eight|loop)", 0.04),
    ("turn", r"\b(turn|corner|curve|veer|left|right|weave|zigzag)", 0.06),
    ("walk", rf"\b({_GOES})", 0.1),
    ("arms", r"\b(arm|arms|hand|hands|elbow|shoulder)", 0.04),
)  # fmt: skip
"""Name, what the plainest caption or the tags say, and the share of draws. The first that fits counts."""
OTHER = ("other", 0.04)
_COMPILED = tuple((name, re.compile(pattern, re.I), share) for name, pattern, share in FAMILIES)
_GOING = re.compile(rf"\b({_GOES})", re.I)


def family(segment: Segment) -> str:
    """The family of a captioned segment."""
    text = segment.captions[0]
    for name, pattern, _ in _COMPILED:
        if name == "prop":
            if segment.prop and pattern.search(" ".join(segment.captions)):
                return name
        elif name == "style":
            styled = pattern.search(text) or any(pattern.search(tag) for tag in segment.tags)
            if styled and _GOING.search(" ".join((text, *segment.tags))):
                return name
        elif pattern.search(text):
            return name
    return OTHER[0]


def balanced_weights(families: Sequence[str] | np.ndarray, weights: np.ndarray, shares: dict[str, float]) -> np.ndarray:
    """Weights scaled so that each family gets its share of all draws.

    Args:
        families: name of each example's family.
        weights: (N,) how often to draw it beside others of the family.
        shares: by family; families without examples leave their share to the others.

    Returns:
        (N,) weights that sum to 1.
    """
    names = np.array(families)
    result = np.zeros(len(weights))
    for name, share in shares.items():
        rows = names == name
        total = weights[rows].sum()
        if total > 0:
            result[rows] = share * weights[rows] / total
    return result / result.sum()


def captured_shares() -> dict[str, float]:
    """Share of each family among what was captured, as it was chosen."""
    return {name: share for name, _, share in FAMILIES} | {OTHER[0]: OTHER[1]}
