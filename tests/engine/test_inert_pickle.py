"""Pickles read as data: whatever they hold comes out as data or is refused, and nothing runs."""

from __future__ import annotations

import contextlib
import pickle
import pickletools
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionlcm_blender.files.pickle_reader import DamagedPickle, HostilePickle, read_pickle
from motionlcm_blender.importing.unsafe_names import runs_commands


def read(content: bytes, most_bytes: int = 1 << 23, most_operations: int = 1_000_000) -> Any:
    return read_pickle(content, runs_commands, most_bytes, most_operations)


@pytest.mark.parametrize(
    "content",
    [
        b"]" * 200_000 + b"a" * 199_999 + b".",
        b"(" * 200_000 + b"t" * 200_000 + b".",
        b"cany\nthing\n" + b")R" * 200_000 + b".",
        b"}X\x01\x00\x00\x00a" + b")" + b"\x85" * 200_000 + b"s.",
        b"})" + b"\x85" * 200_000 + b"K\x01s.",
        b"cany\nthing\n)R" * 200_000 + b"b" * 199_999 + b".",
        b"\x80\x02})q\x00" + b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(60)) + b"Ns.",
        b"})" + b"2\x86" * 60 + b"Ns.",
    ],
    ids=["lists", "tuples", "calls", "values", "keys", "states", "a key that holds itself twice", "the same by DUP"],
)
def test_a_deep_pickle_does_not_bring_the_program_down(content: bytes) -> None:
    read(content)


def test_unknown_names_are_placeholders_that_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unheard_of.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    state = b"\x80\x02}X\x01\x00\x00\x00acunheard_of\nThing\n)\x81}X\x01\x00\x00\x00bK\x01sbs."
    assert read(state).keys() == {"a"}
    assert "unheard_of" not in sys.modules
    assert read(b"cunheard_of\nThing\n(I1\ntR.").arguments == (1,)
    assert read(b"(iunheard_of\nThing\n.").what.name == "Thing"
    assert read(b"(cunheard_of\nThing\nI1\no.").arguments == (1,)
    assert read(b"cunheard_of\nThing\n)R}X\x01\x00\x00\x00bK\x01sb.").state == {"b": 1}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(PLAIN, st.sampled_from([0, 1, 2, 3, 4, 5]))
def test_plain_data_is_read_as_python_reads_it(value: object, protocol: int) -> None:
    content = pickle.dumps(value, protocol)
    called = any(opcode.name in ("REDUCE", "GLOBAL") for opcode, _, _ in pickletools.genops(content))
    if not called:  # before protocol 3 bytes are made by a call
        assert read(content) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for noise in (content, b"\x80\x02}" + content, pickle.dumps({"a": [1, 2]})[:-5] + content):
        with contextlib.suppress(DamagedPickle, HostilePickle):
            read(noise)


def test_limits() -> None:
    assert read(b"]" * 10 + b"a" * 9 + b".", most_bytes=20, most_operations=20) == [[[[[[[[[[]]]]]]]]]]
    for limits in ({"most_bytes": 19}, {"most_operations": 18}):
        with pytest.raises(DamagedPickle, match="more"):
            read(b"]" * 10 + b"a" * 9 + b".", **limits)
    for content in (
        b"\x80\x02\x82\x01.",  # a code for a name
        b"\x97.",  # a buffer from elsewhere
        b"\x80\x02}X\xff\xff\xff\x7f.",  # more text than there is
        b"\x80\x04\x8e" + b"\xff" * 8 + b".",
        b"K\x01",
    ):
        with pytest.raises(DamagedPickle):
            read(content)
    assert read(b"\x80\x02}r\xff\xff\xff\x7f.") == {}  # the memo is as large as what is in it


def test_a_refused_name_is_one_short_line() -> None:
    long = b"\x80\x04\x8c\x02os\x8c\xc8a\n" + b"b" * 198 + b"\x93."
    with pytest.raises(HostilePickle) as caught:
        read(long)
    assert str(caught.value).startswith("os.ab") and "\n" not in str(caught.value) and len(str(caught.value)) <= 80
