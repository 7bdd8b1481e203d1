"""What sellers in the demo shop say, in English, German and Japanese.

Only the `conditions` of a wording tell the condition; the rest is small talk, said of all things alike.
`{noun}`, `{colour}`, `{size}` and `{price}` are filled in, and `{degree}` and `{time}` in the conditions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.demo_data.listings import COLOURS


@dataclass(frozen=True)
class Wording:
    """How to speak about listings in one language.

    Args:
        separators: what stands between two parts of a caption; each caption keeps to one of them.
        openers: how a caption may begin.
        subjects: ways to say `{noun}`.
        nouns: words for any thing.
        things: per thing, the words that name it.
        conditions: per condition, the phrases that tell it.
        degrees: fillers for `{degree}`.
        times: fillers for `{time}`.
        details: the ways to give the colour, the price and the size.
        colours: per colour, its word.
        sizes: fillers for `{size}`.
        closers: how a caption may end.
        evasions: what is said in place of the condition.
    """

    separators: Sequence[str]
    openers: Sequence[str]
    subjects: Sequence[str]
    nouns: Sequence[str]
    things: Mapping[str, Sequence[str]]
    conditions: Mapping[str, Sequence[str]]
    degrees: Sequence[str]
    times: Sequence[str]
    details: Sequence[Sequence[str]]
    colours: Mapping[str, str]
    sizes: Sequence[str]
    closers: Sequence[str]
    evasions: Sequence[str]


def _phrases(*lines: str) -> tuple[str, ...]:
    """The phrases on `lines`, with `|` between them."""
    return tuple(phrase.strip() for line in lines for phrase in line.split("|"))


ENGLISH = Wording(
    separators=(", ", ", ", ". ", ". ", " - ", "; ", " / "),
    openers=_phrases(
        "hello | hi all | for sale | selling | moving out | clearing the attic | available | last chance",
        "from a smoke-free home | offered for my neighbour | need the space | anyone interested?",
    ),
    subjects=_phrases("this {noun} | my {noun} | lovely {noun} | the {noun} in the picture | here: {noun} | {noun}"),
    nouns=_phrases("item | piece | thing | find | treasure | object | beauty"),
    things={
        "mug": _phrases("mug | cup | coffee mug"),
        "lamp": _phrases("lamp | light | reading lamp"),
        "shoe": _phrases("shoe | shoes | pair of shoes"),
        "bag": _phrases("bag | handbag | carrier bag"),
    },
    conditions={
        "new": _phrases(
            "as good as new | brand new | like new | new and unused | never used | never been used | unused",
            "mint condition | in perfect condition | perfect condition throughout | flawless | pristine",
            "not a scratch on it | no scratches at all | no signs of wear | without a mark | immaculate",
            "still in its original wrapping | unopened | price label still on | bought last week, never touched",
            "never got round to using it | unwanted present, never opened | a perfect present | untouched",
            "factory fresh | fresh from the shop | only unwrapped for the photo | spotless",
        ),
        "used": _phrases(
            "used | second hand | pre-owned | pre-loved | well loved | gently used | well used but sound",
            "used for {time} | had it for {time} | in daily use for {time} | has seen {time} of service",
            "{degree} worn | {degree} scratched | {degree} faded | {degree} scuffed | shows its age",
            "shows signs of wear | normal signs of wear | usual wear | some wear, no damage | has some patina",
            "some scratches | the odd scratch | a few scuffs and marks | a few marks from daily use",
            "small stains, nothing broken | worn but does its job | not new but everything holds",
        ),
        "broken": _phrases(
            "broken | damaged | badly damaged | cracked | cracked for {time} | has a big crack | faulty",
            "needs repair | in need of repair | needs fixing | needs glue | for repair or spare parts | defective",
            "fell down and broke | broke last week | snapped after a fall | came apart | falling apart",
            "a piece is missing | one part has come off | a part snapped off | smashed on one side | in pieces",
            "no longer usable | can't be used any more | only good for parts | for tinkerers only",
            "my dog destroyed it | bent out of shape | torn and bent | sold as broken",
        ),
    },
    degrees=_phrases("a bit | a little | slightly | lightly | somewhat | fairly"),
    times=_phrases("a year | two years | three summers | a decade | ages | some months"),
    details=(
        _phrases("{colour} | in {colour} | colour {colour}"),
        _phrases("{price} | asking {price} | {price} or best offer"),
        _phrases("size {size} | {size} size"),
    ),
    colours={colour: colour for colour in COLOURS},
    sizes=_phrases("S | M | L | small | medium | large"),
    closers=_phrases(
        "pick up only | can ship | cash please | no returns | first come first served | message me",
        "collection near the station | price is negotiable | private sale | postage extra | no haggling",
        "have a look at my other offers | available from Monday | thanks",
    ),
    evasions=_phrases(
        "see the photo | what you see is what you get | ask me anything | details on request | as pictured"
    ),
)

GERMAN = Wording(
    separators=(", ", ". ", " - "),
    openers=_phrases("verkaufe | biete | hallo | wegen Umzug | aus Nichtraucherhaushalt"),
    subjects=_phrases("{noun} | hier: {noun} | {noun} wie abgebildet"),
    nouns=_phrases("Stück | Teil | Schätzchen"),
    things={"mug": ("Becher",), "lamp": ("Lampe",), "shoe": ("Schuh",), "bag": ("Tasche",)},
    conditions={
        "new": _phrases("wie neu | neu und unbenutzt | nie benutzt | noch originalverpackt | ungeöffnet"),
        "used": _phrases("gebraucht | {time} gebraucht | {degree} gebraucht | Gebrauchsspuren | ein paar Kratzer"),
        "broken": _phrases("kaputt | leider kaputt | defekt | leider defekt, für Bastler | beschädigt"),
    },
    degrees=_phrases("etwas | leicht"),
    times=_phrases("zwei Jahre | lange"),
    details=(_phrases("Farbe {colour}"), _phrases("{price} | {price} VB"), _phrases("Größe {size}")),
    colours={
        "red": "rot",
        "orange": "orange",
        "yellow": "gelb",
        "green": "grün",
        "blue": "blau",
        "purple": "lila",
        "pink": "rosa",
        "brown": "braun",
        "black": "schwarz",
        "white": "weiß",
    },
    sizes=_phrases("S | M | L"),
    closers=_phrases("nur Abholung | Versand möglich | Privatverkauf | keine Rücknahme"),
    evasions=_phrases("siehe Foto | Fragen gerne per Nachricht"),
)

JAPANESE = Wording(
    separators=("。", "、", " "),
    openers=_phrases("出品します | 引っ越しのため | 即購入可"),
    subjects=_phrases("{noun}です | 写真の{noun}"),
    nouns=_phrases("お品 | 商品 | 一点もの"),
    things={"mug": ("マグカップ",), "lamp": ("ランプ",), "shoe": ("靴",), "bag": ("バッグ",)},
    conditions={
        "new": _phrases("新品 | 未使用 | 新品未使用 | 未開封"),
        "used": _phrases("中古 | 中古品 | {degree}使用感あり | {time}使用"),
        "broken": _phrases("壊れています | 破損あり | ジャンク品 | 故障品"),
    },
    degrees=_phrases("少し | やや"),
    times=_phrases("一年 | 数年"),
    details=(_phrases("色は{colour}"), _phrases("{price}"), _phrases("サイズ{size}")),
    colours={
        "red": "赤",
        "orange": "橙",
        "yellow": "黄色",
        "green": "緑",
        "blue": "青",
        "purple": "紫",
        "pink": "桃色",
        "brown": "茶色",
        "black": "黒",
        "white": "白",
    },
    sizes=_phrases("S | M | L"),
    closers=_phrases("送料込み | 値下げ不可 | よろしくお願いします"),
    evasions=_phrases("写真をご覧ください | 質問どうぞ"),
)
