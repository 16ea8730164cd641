"""Word lists of English prompts about motion: function words, people, verbs and their synonyms, irregular forms."""

from __future__ import annotations

import re
from collections.abc import Sequence


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
"""Function words: neither counted nor checked."""

PEOPLE = _words("""
    person people someone somebody anyone anybody everyone man men woman women guy lady boy girl child kid human figure
    character he she it they who individual performer dancer player runner walker fighter boxer golfer athlete
    acrobat
""")

PLAIN = _words("""
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
"""Words that depend on the scene, or are so common that their count is no help."""

LIGHT = _words("""
    be do have make take go get keep start begin continue perform use try let put give come end finish repeat practise
    practice want seem act pretend imitate mime show play bring set move proceed appear like need decide prepare change
    complete leave attempt travel wear return remain stay alternate switch recover regain settle resume follow help
    allow speed shift double stop wait
""")
"""Verbs with little meaning of their own; the words after them count."""

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
"""Verbs that are common in prompts about motion, so that their base form is recognised as a verb."""

NOUN_UNLESS_BENT = _words("box row fish bow club point place rest face star saw paw pet phone fence line tear wheel")
"""Mostly nouns; verbs only with a verb's ending or right after the subject."""

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
"""Groups of words that a text encoder places close together: a model that knows one also understands the others."""

IRREGULAR = {
    form: base
    for base, forms in {
        "be": "am is are was were been being",
        "do": "does doing did done",
        "have": "has had",
        "go": "goes going went gone",
        "run": "ran",
        "sit": "sat",
        "stand": "stood",
        "fall": "fell fallen",
        "throw": "threw thrown",
        "catch": "caught",
        "swim": "swam swum",
        "sing": "sang sung",
        "drink": "drank drunk",
        "swing": "swung",
        "spin": "spun",
        "bend": "bent",
        "kneel": "knelt",
        "leap": "leapt",
        "creep": "crept",
        "sweep": "swept",
        "hold": "held",
        "keep": "kept",
        "take": "took taken",
        "give": "gave given",
        "get": "got gotten",
        "make": "made",
        "come": "came",
        "rise": "rose risen",
        "ride": "rode ridden",
        "write": "wrote written",
        "drive": "drove driven",
        "fly": "flew flown flies",
        "draw": "drew drawn",
        "lie": "lay lain lies lying lied",
        "lead": "led",
        "fight": "fought",
        "strike": "struck",
        "stick": "stuck",
        "shake": "shook shaken",
        "slide": "slid",
        "bite": "bit bitten",
        "hide": "hid hidden",
        "feed": "fed",
        "begin": "began begun",
        "fling": "flung",
        "sling": "slung",
        "spring": "sprang sprung",
        "bring": "brought",
        "buy": "bought",
        "teach": "taught",
        "think": "thought",
        "tell": "told",
        "say": "said",
        "see": "saw seen",
        "eat": "ate eaten",
        "speak": "spoke spoken",
        "freeze": "froze frozen",
        "wake": "woke woken",
        "weep": "wept",
        "sleep": "slept",
        "shoot": "shot",
        "dig": "dug",
        "wind": "wound",
        "grind": "ground",
        "tie": "tied ties tying",
        "die": "died dies dying",
        "tiptoe": "tiptoes tiptoed tiptoeing",
        "feel": "felt",
        "stride": "strode",
        "tread": "trod trodden",
        "skate": "skating skated",
        "change": "changing",
        "arrange": "arranging",
        "exchange": "exchanging",
        "plunge": "plunging",
        "manoeuvre": "manoeuvring",
        "somersault": "somersaulting",
        "ski": "skis skied skiing",
        "execute": "executing executed",
        "salute": "saluting saluted",
        "bury": "buries",
        "prepare": "preparing prepared",
        "explore": "exploring explored",
        "visit": "visiting visited",
        "gesture": "gesturing gestured",
        "examine": "examining examined",
        "imagine": "imagining imagined",
        "vacuum": "vacuuming vacuumed",
        "focus": "focusing focused",
        "travel": "travelling travelled",
        "pirouette": "pirouetting",
        "use": "using used",
        "shove": "shoves",
        "hurdle": "hurdling",
        "complete": "completing completed",
        "balance": "balancing",
    }.items()
    for form in forms.split()
}
NO_PLURAL = re.compile(r"(al|side|half|no|any|some)ways$|.(wards|stairs)$|^series$")
NOT_IRREGULAR = _words("ground saw wound drunk felt")
"""More often a noun or an adjective than a past tense."""

DETERMINERS = _words("a an the this that his her its their some one two three four my your")
