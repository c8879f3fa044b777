"""Pickles of tables are read, and nothing in any pickle runs."""

from __future__ import annotations

import base64
import os
import pickle
import pickletools
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from llmfusionbench.builders.reading.pickle import is_pickle, read_frame
from llmfusionbench.errors import InputError
from tests.helpers.reading import write

PANDAS_1_5 = (
    "c-nna!EVz)5RDV3ZJ?r52nZ5Fh)c?WTo4ixNRbFdfJKmsIF-s;+nd;`cWv#iX@gP$2iiv3TbBd;37^23AK()>a)X(5B9gRX4?8pK"
    "+1dBTZ$7x6@3|Gb^m<NsL}WY61a0>PVbtixW1`3t>z|n0AI*W;(5}x0!sr{b=?Pa<aFWV4Bb*GVkVdaQO0#hHMH$0&ePwdPPm@6Y"
    "yJGa3U+_E$cT?&Icn6a&^Md8WvN|hLl@KAw5UTouh8dSi6rsYzx=l2C8EV^<6XR7rnXVI<BeP{TJjbhfwL=rH>3XDwIWp1J{(Un("
    "F2C2b^U(Bqz2|>m+0Cmc6O6l0%f|fbl=k=g(*Epx{etV;#D4GGwd+S``hC$FD5qC~A^{p4_||2bgop!>HM}aqDEIh$d?8*(`0=GF"
    "c*lZo>S{6rIlg`t;HFcVU(*-?#J9X9Z`pJH|C&2}?d4p9Mhgw<;CnkD28S38oz_kWw6<IOtsVFi+pXanjvk!6L+dCLZ^oM#3y6E@"
    "NN_0PI*kE>JLB%nMHbbGb!S+WOpXj<Y0fJ$qWe^~10q4k=X_50{AYLuZI55+`qa0IjzHz+G>{bt9$1<UNmvf@Od_L~a*?rI!En&G"
    "B=xx+6o(mok&Rdu(G(OabC4(;ud<QK6l8^&gc}ZrBR+eC9nh|=(JKz|r@YqJ&f*~mA0Uw}v@_u27`iDH5ej6lU8%AhWQ7g|$FVgj"
    "ZZNl?en5?6r{nE2s)%Kee~TyugL?oJ{eDUY*1by7G~1JYROBF9qNtyefWp)s%OYt11y09~X#"
)
"""What pandas 1.5.3 with numpy 1.23.5 wrote of `OLD`, deflated."""

OLD = {
    "sample_id": ["a", "b", "c"],
    "prompt": ["['x']", "['y\\n']", "['z']"],
    "eval_name": ["t"] * 3,
    "m": [1.0, None, 0.5],
    "m|model_response": ["['r']", None, "['s']"],
    "m|total_cost": [0.1, 0.2, 0.3],
    "n": [1, 0, 1],
    "n|total_cost": [0.5, 0.5, 0.5],
}

FRAME = pd.DataFrame(
    {
        "texts": ["a", "é\n", None],
        "reals": [1.0, np.nan, 0.25],
        "more": [0.1, 0.2, 0.3],
        "whole": [1, 2, 3],
        "flags": [True, False, True],
        "mixed": pd.Series(["x", None, float("nan")], dtype=object),
        "numbers": pd.Series([1, None, np.float64(0.5)], dtype=object),
        "lists": pd.Series([["a", "b"], None, "q"], dtype=object),
    }
)
COLUMNS = {
    "texts": ["a", "é\n", None],
    "reals": [1.0, None, 0.25],
    "more": [0.1, 0.2, 0.3],
    "whole": [1, 2, 3],
    "flags": [True, False, True],
    "mixed": ["x", None, None],
    "numbers": [1.0, None, 0.5],
    "lists": ["['a', 'b']", None, "q"],
}


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that code in a pickle would make."""
    return tmp_path / "canary"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_frame_of_this_pandas(tmp_path: Path, protocol: int) -> None:
    path = write(tmp_path / "frame.pkl.gz", pickle.dumps(FRAME, protocol=protocol))
    assert is_pickle(path)
    assert read_frame(path).to_pydict() == COLUMNS
    shuffled = FRAME.astype({"texts": object})[list(reversed(COLUMNS))].iloc[[2, 0]]
    shuffled.columns = pd.Index(list(shuffled.columns), dtype=object)
    found = read_frame(write(tmp_path / "other.pkl", pickle.dumps(shuffled, protocol=protocol)))
    assert found.to_pydict() == {name: [COLUMNS[name][2], COLUMNS[name][0]] for name in reversed(COLUMNS)}


def test_a_frame_of_an_older_pandas(tmp_path: Path) -> None:
    data = zlib.decompress(base64.b85decode(PANDAS_1_5))
    assert read_frame(write(tmp_path / "old.pkl", data)).to_pydict() == OLD


def older_layout(axes: list[Any], blocks: list[dict[str, Any]]) -> bytes:
    state = pickle.dumps(([], [], [], {"0.14.1": {"axes": axes, "blocks": blocks}}), protocol=2)[2:-1]
    manager = b"cpandas.core.internals.managers\nBlockManager\n)\x81" + state + b"b"
    return b"\x80\x02cpandas.core.frame\nDataFrame\n)\x81}X\x05\x00\x00\x00_data" + manager + b"sb."


def test_the_layout_of_pandas_before_1_3(tmp_path: Path) -> None:
    """Blocks in a state by the name of the version, without functions of their own."""
    blocks = [{"values": np.array([[1.0, 2.0], [3.0, np.nan]]), "mgr_locs": slice(0, 2, 1)}]
    axes = [np.array(["a", "b"], object), np.array([0, 1])]
    found = read_frame(write(tmp_path / "older.pkl", older_layout(axes, blocks)))
    assert found.to_pydict() == {"a": [1.0, 2.0], "b": [3.0, None]}


@pytest.mark.parametrize(
    "place", [slice(0, 1 << 60), np.array([1]), np.array([-1]), np.array([0.5]), np.empty((1 << 39, 0), int)]
)
@pytest.mark.parametrize("names", [np.array(["a"], object), np.empty((1 << 39, 0), object)])
def test_places_that_do_not_exist(tmp_path: Path, place: Any, names: Any) -> None:
    """A shape with a 0 in it takes no memory, whatever else it has."""
    data = older_layout([names, np.array([0, 1])], [{"values": np.array([1.0, 2.0]), "mgr_locs": place}])
    if isinstance(place, slice) and names.size:
        assert read_frame(write(tmp_path / "places.pkl", data)).to_pydict() == {"a": [1.0, 2.0]}
    else:
        with pytest.raises(InputError, match="not a pickle of a plain table"):
            read_frame(write(tmp_path / "places.pkl", data))


def test_what_is_a_pickle(tmp_path: Path) -> None:
    assert is_pickle(write(tmp_path / "a.csv", pickle.dumps({}, protocol=4)))
    assert is_pickle(write(tmp_path / "b.pickle", b"cos\nsystem\n."))
    assert is_pickle(write(tmp_path / "c.PKL.gz", b"text"))
    assert not is_pickle(write(tmp_path / "d.csv", b"prompt,m\n"))
    assert not is_pickle(write(tmp_path / "e.csv", b""))


class Reduced:
    """Pickles as a call of anything."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args


def attacks(canary: Path) -> dict[str, bytes]:
    """Pickles that would run something, were they to be loaded as usual."""
    touch = f"open({str(canary)!r}, 'w')"
    nested = pd.DataFrame({"a": pd.Series([Reduced(eval, touch)], dtype=object)})
    shell = f"touch {canary}".encode()
    return {
        "system": pickle.dumps(Reduced(os.system, f"touch {canary}")),
        "eval": pickle.dumps(Reduced(eval, touch)),
        "nested": pickle.dumps(nested),
        "text protocol": b"cos\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR.",
        "getattr": b"cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR.",
        "attribute of an allowed module": b"\x80\x04\x8c\x05numpy\x8c\x17core.multiarray.os.system\x93\x8c\x04"
        + shell[:4]
        + b"\x85R.",
        "another numpy": b"cnumpy\nload\n(S'x'\ntR.",
        "another pandas": b"cpandas\nread_pickle\n(S'x'\ntR.",
        "inst": b"(S'touch " + str(canary).encode() + b"'\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nS'touch " + str(canary).encode() + b"'\no.",
        "persistent": b"Pid\n.",
        "extension": b"\x82\x01.",
        "partial": b"cfunctools\npartial\n(cos\nsystem\ntR.",
        "registry": b"ccopyreg\n_reconstructor\n(cpandas\nDataFrame\nc__builtin__\nobject\nNtR.",
        "codecs": b"c_codecs\ndecode\n(S'x'\ntR.",
    }


@pytest.mark.parametrize("name", sorted(attacks(Path("canary"))))
def test_nothing_runs(tmp_path: Path, canary: Path, name: str) -> None:
    modules = set(sys.modules)
    with pytest.raises(InputError, match=r"not a pickle of a plain table .* Remedy: write it as CSV where you trust it"):
        read_frame(write(tmp_path / "bad.pkl", attacks(canary)[name]))
    assert not canary.exists()
    assert set(sys.modules) == modules


def test_the_attacks_are_real(canary: Path) -> None:
    """A canary is made where the pickle is loaded as usual, so that its absence above means something."""
    for name in ("system", "eval", "nested", "text protocol", "inst", "obj"):
        loaded = pickle.loads(attacks(canary)[name])
        assert canary.exists(), (name, loaded)
        canary.unlink()


def test_allowed_names_are_only_notes(tmp_path: Path) -> None:
    """A state put on a class of pandas, which would stay for the whole process, reaches no class of pandas."""
    before = dict(vars(pd.DataFrame))
    data = b"\x80\x02cpandas.core.frame\nDataFrame\nN}X\x05\x00\x00\x00emptyK\x01s\x86b."
    with pytest.raises(InputError, match="not a pickle of a plain table"):
        read_frame(write(tmp_path / "state.pkl", data))
    assert dict(vars(pd.DataFrame)) == before


def _changed(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """A pickle with other small whole numbers in it."""
    out = bytearray(data)
    for opcode, argument, place in pickletools.genops(data):
        if opcode.name == "BININT1" and place is not None:
            out[place + 1] = change(argument)
    return bytes(out)


def damaged() -> dict[str, bytes]:
    """Pickles of allowed names that do not fit each other."""
    whole = pickle.dumps(FRAME, protocol=4)
    numbers = pickle.dumps(pd.DataFrame({"a": [1.5, 2.5]}), protocol=4)
    return {
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
        "no frame": pickle.dumps([1, 2, 3]),
        "an array": pickle.dumps(np.arange(3)),
        "a series": pickle.dumps(pd.Series([1, 2])),
        "bytes of another size": numbers.replace(np.float64(2.5).tobytes(), np.float64(2.5).tobytes()[:-1], 1),
        "wrong shape": _changed(numbers, lambda a: 5 if a == 2 else a),
        "lone surrogate": pickle.dumps(pd.DataFrame({"a": pd.Series(["\ud83d", "x"], dtype=object)})),
        "same names": pickle.dumps(pd.DataFrame([[1, 2]], columns=["a", "a"])),
        "numbers for names": pickle.dumps(pd.DataFrame([[1, 2]])),
        "dates": pickle.dumps(pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])})),
        "two levels": pickle.dumps(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")]))),
        "dictionaries": pickle.dumps(pd.DataFrame({"a": pd.Series([{"x": 1}], dtype=object)})),
    }


@pytest.mark.parametrize("name", sorted(damaged()))
def test_damaged_and_other_tables(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"not a pickle of a plain table|cannot be read to its end"):
        read_frame(write(tmp_path / "bad.pkl", damaged()[name]))


def test_texts_of_pyarrow_are_checked(tmp_path: Path) -> None:
    """Offsets that point outside of the buffer are found before they are followed."""
    texts = pa.array(["abc", "def"], pa.large_string())
    frame = pd.DataFrame({"a": pd.Series(texts.to_pylist(), dtype="str")})
    data = pickle.dumps(frame, protocol=4)
    offsets = texts.buffers()[1].to_pybytes()[:24]
    assert offsets in data
    forged = data.replace(offsets, np.array([0, 3, 1 << 40], np.int64).tobytes())
    with pytest.raises(InputError, match="not a pickle of a plain table"):
        read_frame(write(tmp_path / "bad.pkl", forged))


@pytest.mark.parametrize("cell", ["x" * (1 << 20), ["x" * (1 << 20)]], ids=["text", "list"])
def test_one_text_in_many_cells(tmp_path: Path, cell: Any) -> None:
    frame = pd.DataFrame({"a": pd.Series([cell] * 2000, dtype=object)})
    data = pickle.dumps(frame, protocol=4)
    assert len(data) < 2 << 20
    with pytest.raises(InputError, match="more than 268,435,456 characters in its columns"):
        read_frame(write(tmp_path / "bomb.pkl", data))
