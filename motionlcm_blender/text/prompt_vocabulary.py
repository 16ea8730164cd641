"""What a model has been shown, and whether a prompt asks for more than that.

A model folder may hold vocabulary.json: {"verbs": {lemma: times}, "words": {word: times}}, in how many captioned
pieces of the training motion each was said. `training/data/vocabulary.py` writes it; here it is read and asked. Plain
Python and no grammar beyond what captions of motion need: a prompt that is misread costs a hint, never a motion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelFolderError
from ..files.safetensors_files import read_bytes

FILE = "vocabulary.json"
RARE_COUNT = 12
"""A verb said of fewer pieces of motion than this, synonyms included, is worth a word of warning."""
NAMED = 3
"""As many unknown words as one sentence names."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP = _words("""
    a an the this that these those some any each every another other both all either neither no none
    i me my mine we us our you your he him his she her hers it its they them their who whose which what
    himself herself itself themselves oneself one's person's
    and or but nor so if as than then while when where until before after during because once though again
    of to in on at by for with from into onto off out up down over under through across along around about
    between behind beside besides besides above below beneath near toward towards without within inside outside
    against past like upon via per away back
    be is are am was were been being do does did done doing have has had having can could may might must shall should
    will would not very more most less least too also just only even still quite rather almost nearly really simply
    there here how well now soon much many few several s t
""")
"""Function words: neither counted nor asked for."""

PEOPLE = _words("""
    person people someone somebody anyone anybody everyone man men woman women guy lady boy girl child kid human figure
    character he she it they who individual performer dancer player runner walker fighter boxer golfer athlete
    acrobat
""")

_PLAIN = _words("""
    left right forward forwards backward backwards ahead sideways upward upwards downward downwards leftward rightward
    clockwise counterclockwise anticlockwise straight diagonally diagonal overhead high low upright north south
    one two three four five six seven eight nine ten first second third last next once twice times time half quarter
    double single pair number couple
    red orange yellow green blue purple pink brown black white grey gray dark bright colourful colorful golden silver
    big small large little tall short long wide narrow huge tiny giant old young same different
    hand arm leg foot feet head knee hip shoulder elbow wrist ankle finger thumb toe heel neck chest torso waist body
    face chin eye ear mouth nose hair belly stomach thigh shin calf palm fist forearm lap limb trunk bottom
    shirt t-shirt jacket coat dress skirt trousers pants jeans shorts shoe boot hat cap suit uniform glove sweater
    hoodie sock scarf glasses clothes outfit
    something anything nothing everything thing object item stuff way place spot position direction side front middle
    centre center end start beginning top air space floor ground room area street road park beach field stage house
    home school forest family bit lot moment minute hour while day second speed pace manner style fashion motion
    movement action animation rest line metre meter metres meters distance degree degrees
    quick quickly fast slow slowly slightly suddenly immediately finally gradually briefly repeatedly continuously
    constantly simultaneously eventually carefully normally usually always never sometimes maybe perhaps together
    alternately gently softly smoothly steadily lightly calmly casually
""")
"""What changes with the scene, or is so common that saying how often it was seen helps nobody."""

_LIGHT = _words("""
    be do have make take go get keep start begin continue perform use try let put give come end finish repeat practise
    practice want seem act pretend imitate mime show play bring set move proceed appear like need decide prepare change
    complete leave attempt travel wear return remain stay alternate switch recover regain settle resume follow help
    allow speed shift double stop wait
""")
"""Verbs that say little themselves; what follows them counts."""

MOTION_VERBS = _words("""
    accelerate adjust aim amble applaud approach arch ascend attack backflip balance bang beat beckon beg bend block
    bob bounce bound bow box brake breathe brush bump bury carry cartwheel cast catch celebrate charge chase chat
    check cheer chew chop circle clap clean clear climb close clutch collapse comb cook cough cover cower crawl
    creep cross crouch crunch cry curl curtsy cut dance dangle dash descend dig dip dive dodge drag draw dribble
    drink drive drop duck eat embrace enter evade exercise explain extend faint fall feint fence fidget fight fix
    flap flex flick flinch fling flip float flutter fly fold follow freeze gallop gesticulate gesture giggle glide
    gnaw grab grasp greet grip groove growl guide gulp hack halt hammer handstand hang headbang hide high-five hike
    hit hobble hold hop hug hunch hurdle hurl hurry inspect jab jam jog juggle jump kick kiss kneel knit knock land
    laugh launch lead lean leap lie lift limp listen load lob lock look lower lunge march meditate mix moonwalk mop
    mount nap nibble nod open pace pack paddle paint pant parry pat pause paw pedal peek peel peer perch pet phone
    pick pirouette pivot plank plant point poke polish pounce pour pray press prowl pull pump punch push race raise
    reach read rear recline recoil relax retreat ride rinse rise roar rock roll rotate row rub run rush salute
    saunter saw scale scamper scan scoop scramble scratch scream screw scrub scurry seize shake shave shiver shoot
    shout shove shrug shuffle sidestep sigh sign signal sing sip sit skate skateboard sketch ski skip slam slap
    slash sleep slide sling slip slow snap sneak sneeze sniff somersault spar speak spin spring sprint squat squirm
    stagger stamp stand stare steer step stir stomp stoop stop straddle strafe straighten stretch stride strike
    stroke stroll struggle strum strut stumble surf surrender swagger sway sweep swim swing swipe swirl swivel talk
    tango tap taunt tear tease thrash throw thrust tilt tip tiptoe toss touch trample tread tremble trip trot trudge
    tuck tumble turn twerk twirl twist type unlock vacuum vault veer vomit waddle wade wag wait walk waltz wander
    wash watch wave weave weep wheel whip whirl whistle wiggle wince wind wink wipe wobble work worship wrestle
    write yawn yell yodel zigzag
""")
"""Verbs that prompts about motion use, so that a bare form is known as one."""

_NOUN_UNLESS_BENT = _words("box row fish bow club point place rest face star saw paw pet phone fence line tear wheel")
"""Mostly things; deeds only with a verb's ending or right after who does it."""

SYNONYMS: Sequence[frozenset[str]] = tuple(
    _words(line)
    for line in """
    walk stroll amble stride saunter pace wander hike tread march
    run jog sprint dash race rush hurry
    jump hop leap bound spring
    punch jab box hit strike
    turn rotate pivot swivel
    spin twirl whirl pirouette swirl
    crouch squat duck stoop
    throw toss hurl pitch fling sling lob
    climb ascend mount clamber scramble
    lift raise hoist
    rise stand
    bend bow stoop
    wave beckon greet
    clap applaud
    drink sip gulp
    wash scrub clean wipe rub mop polish rinse
    dance groove boogie
    sneak creep tiptoe prowl
    laugh giggle chuckle
    fall tumble collapse
    look gaze stare watch peer peek glance
    grab grasp grip seize clutch
    push shove press
    pull drag tug haul
    stretch reach extend
    limp hobble
    slide glide slip
    stop halt pause freeze wait stay brake
    dodge evade duck
    talk speak chat explain
    shake tremble shiver
    swim paddle
    roll somersault
    stumble stagger trip wobble
    eat nibble chew bite
    lie recline
    sleep nap
    sway swing rock
    twist wind
    circle loop orbit
    stomp stamp
    sidestep side-step
    """.strip().splitlines()
)
"""Words a model that knows one of them also understands: they lie close together in a text encoder."""

_IRREGULAR = {
    form: base
    for base, forms in {
        "be": "am is are was were been being", "do": "does doing did done", "have": "has had",
        "go": "goes going went gone",
        "run": "ran", "sit": "sat", "stand": "stood", "fall": "fell fallen", "throw": "threw thrown",
        "catch": "caught", "swim": "swam swum", "sing": "sang sung", "drink": "drank drunk", "swing": "swung",
        "spin": "spun", "bend": "bent", "kneel": "knelt", "leap": "leapt", "creep": "crept", "sweep": "swept",
        "hold": "held", "keep": "kept", "take": "took taken", "give": "gave given", "get": "got gotten",
        "make": "made", "come": "came", "rise": "rose risen", "ride": "rode ridden", "write": "wrote written",
        "drive": "drove driven", "fly": "flew flown flies", "draw": "drew drawn", "lie": "lay lain lies lying lied",
        "lead": "led", "fight": "fought", "strike": "struck", "stick": "stuck", "shake": "shook shaken",
        "slide": "slid", "bite": "bit bitten", "hide": "hid hidden", "feed": "fed", "begin": "began begun",
        "fling": "flung", "sling": "slung", "spring": "sprang sprung", "bring": "brought", "buy": "bought",
        "teach": "taught", "think": "thought", "tell": "told", "say": "said", "see": "saw seen", "eat": "ate eaten",
        "speak": "spoke spoken", "freeze": "froze frozen", "wake": "woke woken", "weep": "wept", "sleep": "slept",
        "shoot": "shot", "dig": "dug", "wind": "wound", "grind": "ground", "tie": "tied ties tying",
        "die": "died dies dying", "tiptoe": "tiptoes tiptoed tiptoeing", "feel": "felt", "stride": "strode",
        "tread": "trod trodden", "skate": "skating skated", "change": "changing", "arrange": "arranging",
        "exchange": "exchanging", "plunge": "plunging", "manoeuvre": "manoeuvring", "somersault": "somersaulting",
        "ski": "skis skied skiing", "execute": "executing executed", "salute": "saluting saluted",
        "bury": "buries", "prepare": "preparing prepared", "explore": "exploring explored", "visit": "visiting visited",
        "gesture": "gesturing gestured", "examine": "examining examined", "imagine": "imagining imagined",
        "vacuum": "vacuuming vacuumed", "focus": "focusing focused", "travel": "travelling travelled",
        "pirouette": "pirouetting", "use": "using used", "shove": "shoves", "hurdle": "hurdling",
        "complete": "completing completed", "balance": "balancing",
    }.items()
    for form in forms.split()
}  # fmt: skip
_NO_PLURAL = re.compile(r"(al|side|half|no|any|some)ways$|.(wards|stairs)$|^series$")
_NOT_IRREGULAR = _words("ground saw wound drunk felt")
"""More often a thing or a quality than a past tense."""


@dataclass(frozen=True)
class Vocabulary:
    """verbs: lemma -> pieces of motion it was said of; words: the same of what is no verb."""

    verbs: Mapping[str, int]
    words: Mapping[str, int]

    def times(self, verb: str) -> int:
        """How often a verb's lemma was seen, its synonyms included."""
        alike = {verb}.union(*(group for group in SYNONYMS if verb in group))
        return sum(self.verbs.get(each, 0) for each in alike)

    def to_json(self) -> str:
        """The text of vocabulary.json, most frequent first."""
        tables = {
            name: dict(sorted(table.items(), key=lambda item: (-item[1], item[0])))
            for name, table in (("verbs", self.verbs), ("words", self.words))
        }
        return json.dumps(tables, indent=1, ensure_ascii=False) + "\n"


def read_vocabulary(folder: Path) -> Vocabulary | None:
    """The vocabulary of a model folder; None if it has none. Raises ModelFolderError if it is damaged."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        tables = json.loads(read_bytes(file).decode())
        verbs, words = tables["verbs"], tables["words"]
        if not all(type(count) is int for table in (verbs, words) for count in table.values()):
            raise ValueError("a count is no whole number")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFolderError(f"{FILE} in {folder} is damaged.") from error
    return Vocabulary(verbs, words)


def tokens(text: str) -> list[str]:
    """Lower-case words, and each stop between them as a token of its own."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    plain = plain.replace("counter-clockwise", "counterclockwise")
    return re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*|[,.;:!?]", plain)


def lemma(word: str) -> str:
    """The base form of a verb: walks, walking, walked -> walk. Other words come back changed or not, always alike."""
    if word in _IRREGULAR and word not in _NOT_IRREGULAR:
        return _IRREGULAR[word]
    if word in MOTION_VERBS or word in _LIGHT:
        return word
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2 and re.search("[aeiouy]", word[: -len(ending)]):
            return _without(word[: -len(ending)], ending)
    return singular(word)


def singular(word: str) -> str:
    """The word without a plural's or a third person's s."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")) or _NO_PLURAL.search(word):
        return word.removesuffix("'s")
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


def _without(stem: str, ending: str) -> str:
    """What a stem was before -ing or -ed was put on it."""
    if ending == "ed" and stem.endswith("i"):
        return stem[:-1] + "y"
    for known in (stem, stem + "e"):
        if known in MOTION_VERBS or known in _LIGHT:
            return known
    if re.search(r"([b-df-hj-np-tv-z])\1$", stem):
        return stem if stem.endswith(("ll", "ss", "zz", "ff")) and stem[:-1] not in MOTION_VERBS else stem[:-1]
    lost = (
        # dance, carve, raise, gaze, dodge, lunge, charge, juggle, rescue
        r"[cv]$|[^s]s$|(?<=[aeiou])z$|dg$|ung$|[rl]g$|[^aeiourlw]l$|u$"
        r"|[aeiou][^aeiou]*[^aeiouy]at$|iat$|uat$"  # rotate, imitate
        r"|^[^aeiou]*[aeiouy][b-df-hj-np-tvz]$"  # skate: a short vowel would have doubled the consonant
    )
    return stem + "e" if re.search(lost, stem) else stem


def unseen_words_warning(prompt: str, vocabulary: Vocabulary) -> str | None:
    """One sentence if the prompt asks for what the model has seldom or never seen, else None."""
    never: list[str] = []
    seldom: list[tuple[int, str]] = []
    for word, kind in asked_for(prompt, vocabulary):
        times = vocabulary.times(word) if kind == "verb" else _word_times(word, vocabulary)
        if times == 0 and word not in never:
            never.append(word)
        elif kind == "verb" and 0 < times < RARE_COUNT:
            seldom.append((times, word))
    if never:
        named = [f"“{word}”" for word in never[:NAMED]]
        listed = " or ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]
        return f"The model has never seen {listed}; it will guess."
    if seldom:
        times, word = min(seldom)
        return f"The model has seen “{word}” only {'once' if times == 1 else f'{times} times'}."
    return None


def asked_for(prompt: str, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """What matters in a prompt: pairs of (lemma, "verb") and (word, "word"), in order.

    Verbs; what they act on or with ("plays the violin", "like a robot"); and how, if no motion ever was like that
    ("sadly"). Who does it, where, in which clothes and colours is left out.
    """
    said = [part for token in tokens(prompt) for part in _parts(token, vocabulary)]
    phrase: list[str] | None = None  # the words of "the heavy violin", while one is read that matters
    for at, token in enumerate([*said, "."]):
        is_verb = _is_verb(said, at, vocabulary) if at < len(said) else False
        ends = is_verb or not token[0].isalpha() or token in STOP or token in PEOPLE or token.endswith("ly")
        if phrase and (ends and token not in _DETERMINERS):
            head = phrase[-1]
            phrase = None
            if not _is_plain(head):
                yield singular(head), "word"
        if is_verb:
            base = lemma(token)
            if base not in _LIGHT:
                yield base, "verb"
            phrase = []
        elif token in ("with", "like"):
            phrase = []
        elif token.endswith("ly") and not _is_plain(token) and token not in STOP:
            yield token, "word"
        elif ends and token not in _DETERMINERS:
            phrase = None
        elif phrase is not None and token not in _DETERMINERS:
            phrase.append(token)


_DETERMINERS = _words("a an the this that his her its their some one two three four my your")


def verb_lemmas(said: Sequence[str], vocabulary: Vocabulary) -> list[str | None]:
    """For each token of `tokens` the lemma of the verb it is, or None."""
    return [lemma(token) if _is_verb(said, at, vocabulary) else None for at, token in enumerate(said)]


def _is_verb(said: Sequence[str], at: int, vocabulary: Vocabulary) -> bool:
    token = said[at]
    if not token[0].isalpha() or token in STOP or token in PEOPLE:
        return False
    base = lemma(token)
    before = said[at - 1] if at else "."
    if before.endswith("ly") and at > 1:
        before = said[at - 2]
    bent = base != token
    after_doer = before in PEOPLE
    if base in _NOUN_UNLESS_BENT:
        return after_doer or token.endswith(("ing", "ed"))
    if base in MOTION_VERBS or base in _LIGHT or base in vocabulary.verbs:
        return token not in _PLAIN or after_doer
    if _is_plain(token) or _is_plain(base):
        return False
    if token in vocabulary.words or singular(token) in vocabulary.words:
        return False
    if after_doer:
        return bent  # "a person moonwalks"
    joined = before in ("and", "then", "while", ",", ".")
    return joined and token.endswith("ing") or (at == 0 and len(said) == 1)


def _parts(token: str, vocabulary: Vocabulary) -> list[str]:
    """A word with hyphens as it is if it is known, else in pieces."""
    known = token in vocabulary.words or singular(token) in vocabulary.words or lemma(token) in vocabulary.verbs
    if "-" not in token or known or lemma(token) in MOTION_VERBS:
        return [token]
    return token.split("-")


def _word_times(word: str, vocabulary: Vocabulary) -> int:
    """How often a word was seen in any form that says the same: sadly, sad; drums, drum, drumming."""
    forms = {word, singular(word), lemma(word), word.removesuffix("ly"), word.removesuffix("ily") + "y"}
    forms |= {form + end for form in tuple(forms) for end in ("s", "es", "ly", "ing")}
    return sum(vocabulary.words.get(form, 0) + vocabulary.verbs.get(form, 0) for form in forms)


def _is_plain(word: str) -> bool:
    return word in _PLAIN or singular(word) in _PLAIN or word in PEOPLE or singular(word) in PEOPLE
