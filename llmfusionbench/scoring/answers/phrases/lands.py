"""Lands, and the names of their people that English forms from them by a regular ending."""

from __future__ import annotations

_BY_ENDING = {
    ("", "n"): (
        "africa albania algeria america angola arabia armenia asia australia austria bavaria bolivia bosnia bulgaria "
        "california cambodia colombia corsica crimea croatia cuba eritrea estonia ethiopia georgia guatemala guinea "
        "india indonesia jamaica kenya korea latvia liberia libya lithuania macedonia malaysia manchuria mauritania micronesia "
        "moldova mongolia namibia nicaragua nigeria oceania persia polynesia prussia rica romania russia rwanda samoa sardinia "
        "scandinavia serbia siberia slovakia slovenia somalia syria tanzania tasmania tonga transylvania tunisia uganda "
        "venezuela yugoslavia zambia"
    ),
    ("", "an"): ("belize brunei burundi chile eswatini europe fiji haiti malawi mali paraguay singapore uruguay zimbabwe"),
    ("", "ian"): "brazil chad ecuador egypt ghana iran jordan",
    ("", "ese"): "bhutan gabon japan nepal senegal sudan taiwan vietnam",
    ("", "i"): (
        "azerbaijan bahrain bangladesh iraq israel kazakhstan kuwait kyrgyzstan nepal oman pakistan qatar tajikistan "
        "turkmenistan uzbekistan yemen"
    ),
    ("a", "ian"): "argentina canada",
    ("a", "e"): "argentina",
    ("a", "ese"): "burma china guyana malta",
    ("e", "ian"): "palestine ukraine",
    ("o", "an"): "kosovo mexico morocco rico",
    ("on", "ese"): "lebanon",
    ("y", "ian"): "hungary italy sicily",
    ("us", "iot"): "cyprus",
}
"""What the name loses, what it gets -> the last words of the names of lands."""

PEOPLES: dict[str, tuple[str, ...]] = {}
"""The last word of a land, in lower case -> the names of one of its people."""
for (_lost, _ending), _lands in _BY_ENDING.items():
    for _land in _lands.split():
        PEOPLES[_land] = (*PEOPLES.get(_land, ()), _land.removesuffix(_lost) + _ending)
