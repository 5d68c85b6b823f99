"""Texts and looks of the synthetic plates: per country, character patterns, colours, bands and the words printed
round the number.

A pattern is written with L (letter), N (digit), C (letter of Chile's new series: no vowels, no M, N, Q) and separators:
' ' gap, '-' dash, '.' dot, '*' coat of arms or other ornament, '=' gap holding a pair of small stacked letters.
Separators are drawn but are never part of the label.
"""
from dataclasses import dataclass

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHILE_NEW = "BCDFGHJKLPRSTVWXYZ"

WHITE, BLACK, BLUE, RED, GREEN = (235, 236, 233), (18, 18, 20), (28, 48, 130), (170, 24, 30), (16, 92, 52)
YELLOW, GREY, CREAM, SKY, ORANGE = (240, 200, 30), (150, 152, 155), (238, 232, 205), (190, 215, 240), (225, 120, 40)


@dataclass(frozen=True)
class Look:
    """How one family of plates looks. `aspect` is width over height of the plate, `text` the height of its characters
    over that of the plate.
    """

    name: str
    weight: float
    patterns: tuple
    colours: tuple
    aspect: tuple = (2.8, 4.8)
    text: tuple = (0.48, 0.68)
    band: str = ""
    above: tuple = ()
    below: tuple = ()
    picture: float = 0.0


STATES = ("CALIFORNIA", "Texas", "New York", "FLORIDA", "OHIO", "Nevada", "Georgia", "IDAHO", "Oregon", "Washington",
          "Utah", "ARIZONA", "Kansas", "Missouri", "ILLINOIS", "Michigan", "VIRGINIA", "Maine", "Vermont", "Colorado",
          "Iowa", "MONTANA", "Tennessee", "ALABAMA", "Louisiana", "Oklahoma", "INDIANA", "Wisconsin", "Minnesota",
          "NEW JERSEY", "PENNSYLVANIA", "Delaware", "Maryland", "Kentucky", "Arkansas", "Nebraska", "South Dakota",
          "WYOMING", "New Mexico", "HAWAII", "Alaska")
SLOGANS = ("dmv.ca.gov", "Land of Enchantment", "SUNSHINE STATE", "Garden State", "In God We Trust",
           "THE LONE STAR STATE", "Great Lakes", "visit us", "Scenic", "Discover", "Famous Potatoes", "Empire State",
           "Grand Canyon", "Show Me State", "10,000 lakes", "myflorida.com", "Sweet Home", "Wild Wonderful",
           "Vacationland", "TRUCK")
MEXICO = ("MEXICO", "JALISCO", "CDMX", "PUEBLA", "Nuevo Leon", "SONORA", "OAXACA", "Edo. Mex.", "TRANSPORTE PRIVADO")
BRAZIL = ("SP-SAO PAULO", "RJ-RIO DE JANEIRO", "MG-BELO HORIZONTE", "PR-CURITIBA", "RS-PORTO ALEGRE", "BA-SALVADOR",
          "SC-JOINVILLE", "PE-RECIFE", "CE-FORTALEZA")
COLOMBIA = ("BOGOTA D.C.", "MEDELLIN", "CALI", "ENVIGADO", "BARRANQUILLA", "COTA", "CHIA")

LOOKS = (
    Look("argentina old", 1.0, ("LLL NNN", "LLL*NNN"), ((WHITE, BLACK), (WHITE, BLACK), (WHITE, (40, 42, 48))), (2.2,
         2.7), (0.46, 0.6), "", ("REPUBLICA",), ("ARGENTINA",)),
    Look("argentina mercosur", 1.0, ("LL NNN LL", "LNNNLLL"), ((BLACK, WHITE),), (2.9, 3.3), (0.46, 0.58), "top",
         ("REPUBLICA ARGENTINA",)),
    Look("chile old", 1.2, ("LL.NN.NN", "LL*NN.NN", "LL-NNNN", "LL NNNN", "LL.NNNN"), ((BLACK, WHITE), (BLACK, WHITE),
         (BLACK, ORANGE)), (2.5, 3.0), (0.45, 0.62), "", (), ("CHILE",)),
    Look("chile new", 1.2, ("CCCC*NN", "CC.CC.NN", "CC*CC.NN", "CCCC NN", "CC CC NN"), ((BLACK, WHITE), (BLACK, WHITE),
         (BLACK, YELLOW)), (2.5, 3.0), (0.45, 0.62), "", (), ("CHILE",)),
    Look("brazil old", 1.5, ("LLL-NNNN", "LLL NNNN", "LLL.NNNN"), ((BLACK, GREY), (BLACK, GREY), (WHITE, RED), (BLACK,
         WHITE)), (2.8, 3.3), (0.5, 0.62), "", BRAZIL),
    Look("brazil mercosur", 1.2, ("LLLNLNN", "LLLNLNN", "LLL NLNN"), ((BLACK, WHITE), (BLACK, WHITE), (RED, WHITE)),
         (2.9, 3.3), (0.5, 0.62), "top", ("BRASIL",)),
    Look("uruguay", 0.6, ("LLL NNNN", "LLL*NNNN"), ((BLACK, WHITE), (BLUE, WHITE)), (2.8, 3.3), (0.46, 0.6), "top",
         ("URUGUAY",)),
    Look("paraguay", 0.7, ("LLLL NNN", "LLL NNN", "LLL*NNN"), ((BLACK, WHITE), (RED, WHITE), (BLUE, WHITE)), (2.6,
         3.3), (0.46, 0.6), "top", ("PARAGUAY",), ("MERCOSUR",)),
    Look("bolivia", 0.5, ("NNNN LLL", "NNNN-LLL", "NNN LLL"), ((BLUE, WHITE),), (2.6, 3.3), (0.46, 0.62), "", (),
         ("BOLIVIA",)),
    Look("peru", 0.7, ("LNL-NNN", "LLL-NNN", "LN-NNNN"), ((BLACK, WHITE), (BLACK, YELLOW)), (1.9, 3.0), (0.44, 0.6),
         "", ("PERU",)),
    Look("colombia", 0.7, ("LLL NNN", "LLL-NNN", "LLL.NNN", "LLL*NNN"), ((BLACK, YELLOW), (BLACK, YELLOW), (BLACK,
         WHITE)), (1.9, 2.4), (0.42, 0.56), "", (), COLOMBIA),
    Look("mexico", 0.8, ("LLL-NNN-L", "LLL-NN-NN", "LLL-NNNN", "NNN-LLL", "LNN-LLL", "LL-NNNN-L"), ((BLACK, WHITE),
         (GREEN, WHITE), (RED, CREAM), (BLACK, CREAM)), (1.9, 2.4), (0.34, 0.5), "", MEXICO, MEXICO, 0.5),
    Look("spain modern", 0.8, ("NNNN LLL", "NNNNLLL"), ((BLACK, WHITE),), (4.2, 4.8), (0.62, 0.76), "left"),
    Look("spain provincial", 0.5, ("L-NNNN-LL", "LL-NNNN-LL", "L-NNNN-L", "LL-NNNN-L", "L NNNN LL"), ((BLACK, WHITE),),
         (3.6, 4.8), (0.58, 0.76), "left"),
    Look("europe", 1.6, ("LL NNN LL", "LL-NNN-LL", "LL*LL NNNN", "LL*LL NNN", "L*LL NNNN", "LL*L NNN", "LLNNNLL",
         "LL NNNLL", "LLNN LLL", "LLNNLLL", "NN-LLL-N", "NN-LL-NN", "LL-NNN-L", "N-LLL-NNN", "LL NNNNN", "LLL NNNN",
         "LL NNNN LL", "LL NN LLL", "NLN NNNN", "LLL NNN", "LNNN LLL"), ((BLACK, WHITE), (BLACK, WHITE), (BLACK,
         WHITE), (BLACK, YELLOW)), (4.0, 4.9), (0.6, 0.78), "left"),
    Look("north america", 4.5, ("NLLLNNN", "LLLNNNN", "LLL NNNN", "LLL-NNNN", "LLLNNN", "LLL NNN", "LLL-NNN",
         "LLLNLNN", "NNNLLL", "NNN LLL", "NNN-LLL", "LNNLLL", "LNN LLL", "LNN-LLL", "NLNLN", "NNLLNN", "NLL NNN",
         "NLLNNN", "LLNNNNN", "LL NNNNN", "LLNNNN", "LL NNNN", "NNNNLL", "NNNLL", "LLLNN", "LNLNNL", "LLNLNL",
         "LNNNNN", "NNNNNL", "NNNNNNN", "NNNNNN", "NLNNNNN", "LNNLNNN", "LLNNLLL", "NNNLLLN", "L=NNNNN", "NN=NNNN",
         "LLL*NNN", "LLL*NNNN", "LN NNNN", "LNNNLL", "NLNNLL", "LLNNNL", "NNLLLN", "NNNN LL", "LNNNNNN", "LLLLNN"),
         ((BLUE, WHITE), (BLACK, WHITE), (BLUE, WHITE), (RED, WHITE), (GREEN, WHITE), (WHITE, BLUE), (BLACK, CREAM),
         (BLUE, SKY), (BLACK, YELLOW), (BLUE, CREAM), (BLACK, SKY), (YELLOW, BLUE), (WHITE, GREEN), (RED, CREAM),
         (BLACK, ORANGE)), (1.85, 2.25), (0.38, 0.56), "", STATES, SLOGANS + STATES, 0.45),
    Look("any", 1.6, ("",), ((BLACK, WHITE), (WHITE, BLACK), (BLUE, WHITE), (BLACK, YELLOW), (BLACK, GREY), (WHITE,
         RED), (WHITE, BLUE), (WHITE, GREEN)), (1.9, 4.9), (0.4, 0.78), "", STATES, SLOGANS, 0.15),
)

WORDS = ("Toyota", "Hilux", "Chevrolet", "Nissan", "Peugeot", "www.autos.com", "Hyundai", "Renault", "Volkswagen",
         "diesel", "Kia Motors", "automotriz", "Suzuki", "concesionario", "taxi", "Turbo", "limited", "transport",
         "Ford", "Corolla", "Mazda", "ventas", "servicio", "escolar", "Fiat") + STATES + SLOGANS


def draw_text(look, rng):
    """A text of the look with its separators, as a string over 0-9, A-Z and the separator signs."""
    pattern = look.patterns[rng.integers(len(look.patterns))]
    if not pattern:
        length = int(rng.integers(4, 9))
        pattern = "".join("LN"[int(rng.random() < 0.5)] for _ in range(length))
        if rng.random() < 0.5:
            at = int(rng.integers(1, length))
            pattern = pattern[:at] + " -.*"[rng.integers(4)] + pattern[at:]
    out = []
    for sign in pattern:
        if sign == "L":
            out.append(LETTERS[rng.integers(26)])
        elif sign == "C":
            out.append(CHILE_NEW[rng.integers(len(CHILE_NEW))])
        elif sign == "N":
            out.append(str(rng.integers(10)))
        else:
            out.append(sign)
    # Doubled characters are what a CTC reader drops most easily, so they are drawn more often than chance would.
    if rng.random() < 0.15:
        at = int(rng.integers(1, len(out)))
        if out[at - 1].isdigit() and out[at].isdigit() or out[at - 1].isalpha() and out[at].isalpha():
            out[at] = out[at - 1]
    return "".join(out)


def label_of(text):
    """The characters of a text without its separators."""
    return "".join(c for c in text if c.isalnum())
