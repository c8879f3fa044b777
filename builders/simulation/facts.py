"""Small tables of common knowledge, written for the simulator; everything else in the fact tasks is computed."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

# (country, capital, continent); countries with a disputed or divided seat of government are left out.
COUNTRIES = tuple(
    (row[0], row[1], continent)
    for continent, rows in {
        "Europe": (("Norway", "Oslo"), ("Sweden", "Stockholm"), ("Finland", "Helsinki"), ("Denmark", "Copenhagen"), ("Iceland", "Reykjavik"),
                   ("Ireland", "Dublin"), ("France", "Paris"), ("Spain", "Madrid"), ("Portugal", "Lisbon"), ("Italy", "Rome"), ("Greece", "Athens"),
                   ("Austria", "Vienna"), ("Hungary", "Budapest"), ("Poland", "Warsaw"), ("Romania", "Bucharest"), ("Bulgaria", "Sofia"),
                   ("Latvia", "Riga"), ("Lithuania", "Vilnius"), ("Estonia", "Tallinn"), ("Slovenia", "Ljubljana"), ("Croatia", "Zagreb"),
                   ("Albania", "Tirana"), ("Germany", "Berlin"), ("Belgium", "Brussels"), ("Slovakia", "Bratislava")),
        "Asia": (("Japan", "Tokyo"), ("Thailand", "Bangkok"), ("Vietnam", "Hanoi"), ("Nepal", "Kathmandu"), ("Mongolia", "Ulaanbaatar"),
                 ("Jordan", "Amman"), ("Lebanon", "Beirut"), ("Iraq", "Baghdad"), ("Iran", "Tehran"), ("Oman", "Muscat"), ("Qatar", "Doha"),
                 ("Uzbekistan", "Tashkent"), ("Bangladesh", "Dhaka"), ("Laos", "Vientiane"), ("Cambodia", "Phnom Penh"), ("Bhutan", "Thimphu")),
        "Africa": (("Egypt", "Cairo"), ("Kenya", "Nairobi"), ("Ghana", "Accra"), ("Senegal", "Dakar"), ("Morocco", "Rabat"), ("Tunisia", "Tunis"),
                   ("Ethiopia", "Addis Ababa"), ("Uganda", "Kampala"), ("Zambia", "Lusaka"), ("Zimbabwe", "Harare"), ("Namibia", "Windhoek"),
                   ("Botswana", "Gaborone"), ("Mozambique", "Maputo"), ("Madagascar", "Antananarivo"), ("Rwanda", "Kigali"), ("Mali", "Bamako")),
        "America": (("Canada", "Ottawa"), ("Cuba", "Havana"), ("Jamaica", "Kingston"), ("Peru", "Lima"), ("Chile", "Santiago"),
                    ("Uruguay", "Montevideo"), ("Paraguay", "Asuncion"), ("Ecuador", "Quito"), ("Colombia", "Bogota"), ("Venezuela", "Caracas"),
                    ("Honduras", "Tegucigalpa"), ("Nicaragua", "Managua"), ("Brazil", "Brasilia"), ("Argentina", "Buenos Aires")),
    }.items()
    for row in rows
)  # fmt: skip

ELEMENTS = (
    ("hydrogen", "H", 1), ("helium", "He", 2), ("lithium", "Li", 3), ("beryllium", "Be", 4), ("boron", "B", 5), ("carbon", "C", 6),
    ("nitrogen", "N", 7), ("oxygen", "O", 8), ("fluorine", "F", 9), ("neon", "Ne", 10), ("sodium", "Na", 11), ("magnesium", "Mg", 12),
    ("aluminium", "Al", 13), ("silicon", "Si", 14), ("phosphorus", "P", 15), ("sulfur", "S", 16), ("chlorine", "Cl", 17), ("argon", "Ar", 18),
    ("potassium", "K", 19), ("calcium", "Ca", 20), ("scandium", "Sc", 21), ("titanium", "Ti", 22), ("vanadium", "V", 23), ("chromium", "Cr", 24),
    ("manganese", "Mn", 25), ("iron", "Fe", 26), ("cobalt", "Co", 27), ("nickel", "Ni", 28), ("copper", "Cu", 29), ("zinc", "Zn", 30),
    ("gallium", "Ga", 31), ("germanium", "Ge", 32), ("arsenic", "As", 33), ("selenium", "Se", 34), ("bromine", "Br", 35), ("krypton", "Kr", 36),
)  # fmt: skip

PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
POLYGONS = {
    3: "triangle",
    5: "pentagon",
    6: "hexagon",
    7: "heptagon",
    8: "octagon",
    9: "nonagon",
    10: "decagon",
    12: "dodecagon",
}
GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "omicron",
         "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega")  # fmt: skip
# (quantity, unit that carries a person's name or an own name)
UNITS = (("force", "newton"), ("energy", "joule"), ("power", "watt"), ("pressure", "pascal"), ("electric current", "ampere"),
         ("electric potential", "volt"), ("electrical resistance", "ohm"), ("frequency", "hertz"), ("temperature", "kelvin"),
         ("luminous intensity", "candela"), ("magnetic flux density", "tesla"), ("electrical capacitance", "farad"),
         ("electric charge", "coulomb"), ("inductance", "henry"), ("radioactive activity", "becquerel"))  # fmt: skip
_ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"),
          (4, "IV"), (1, "I"))  # fmt: skip
_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
         "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def roman(number: int) -> str:
    """The Roman numeral of a positive integer."""
    text = ""
    for value, mark in _ROMAN:
        count, number = divmod(number, value)
        text += mark * count
    return text


def spelled(number: int) -> str:
    """An integer from 0 to 99 in words."""
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def ordinal(number: int) -> str:
    """`1st`, `22nd`, `13th`."""
    suffix = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
