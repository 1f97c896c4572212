"""The words of `ioi-mini`, and which pairs of names its IOI sentences never show.

Names, places and objects come from the IOI family file, so that the family and the model cannot drift apart; the
other lists belong to the small side families that keep the model from being a single-task machine.
"""

from __future__ import annotations

from hashlib import md5

from circuitcheck.training.family import ioi_family

NAMES = ioi_family().names
PLACES = ioi_family().places
OBJECTS = ioi_family().objects

HELD_OUT_SHARE = 0.15

FEMININE = frozenset(NAMES[: NAMES.index("John")])
"""Names that "she" refers to; the family file lists them before the others."""

CENTURIES = ("15", "16", "17", "18", "19")
LONG_EVENTS = ("war", "trial", "journey", "drought", "strike", "project", "voyage", "search", "festival", "crisis")
SINGULAR_NOUNS = ("dog", "teacher", "doctor", "farmer", "student", "driver", "painter", "lawyer", "singer", "pilot")
PLURAL_NOUNS = tuple(f"{noun}s" for noun in SINGULAR_NOUNS)
STATES = ("tired", "happy", "hungry", "busy", "late", "angry", "ready", "afraid", "lost", "sick", "alone", "proud")

EXTRA_WORDS = tuple(
    """about above again always another anything apple arm back bad bed bell big bird black blue boat body both
    box boy bread bridge bright bring broken brother brown build building buy call came car care carry cat chair
    child children city clean clear close clothes cloud coffee color come corn could country dance dark daughter
    day deep desk different door down dress dry each early east easy eat egg eight else end enough even every eye
    face fall family far fast father feel few field fill fine fire first fish five floor fly food foot forest four
    free fresh friend fruit full game girl glass go gold good grass gray great green ground grow hair half hand
    hard head hear heart heavy here high hill his hold home hope horse hot hour hundred ice idea if inside iron
    island just keep kind king know lake land large last laugh leaf learn left leg less let life light like line
    listen little live love low lunch made make man many meat men milk mind minute money month moon more morning
    most mother mountain mouth move much music must name need never new next nice night nine no north nose nothing
    now number of often oil one only open orange other our over own paper people picture piece plant play please
    point poor pull push put queen rain read red rest rich ride right river road rock roof room round run sad safe
    salt same sand say sea second see seed seven shake ship shirt shoe shop short show side silver simple sing
    sister sit six size sky sleep slow small snow soft some son song soon sound south speak spring stand star start
    stay step stone stop story strange street strong summer sun sweet swim table take talk tall tea teach tell ten
    thank them they these those him himself herself their thing think third this though thousand three through time tiny today together tomorrow too tree true
    turn two under until use very voice wait walk wall want warm wash watch water we weak wear week well west wet
    what wheel where which white who why wide wild win wind window wine winter wish woman wood word work world
    write year yellow yes you young your""".split()
)
"""Common words that only the copying family uses, so that a reader's own template is mostly words the model knows."""


def is_held_out(one: str, other: str) -> bool:
    """Whether two names never meet in an IOI sentence of the corpus; the same for either order of the two.

    Decided by a hash rather than by a seed, so that every seed holds out the same 15% of the pairs.
    """
    pair = "|".join(sorted((one, other)))
    digest = md5(pair.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4]) < HELD_OUT_SHARE * 2**32
