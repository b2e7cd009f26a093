"""Checkpoints have one text per meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import Checkpoint, Malformed

# The example in tlog-checkpoint.
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LINES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[chr(code) for code in range(32)]), min_size=1
)
CHECKPOINTS = st.builds(
    Checkpoint,
    origin=LINES,
    size=st.integers(0, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(LINES, max_size=3).map(tuple),
)


def test_the_published_example_is_read() -> None:
    """No other log's checkpoint could be followed."""
    checkpoint = Checkpoint.parse(SOFA)
    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.extensions == ()
    assert checkpoint.format() == SOFA


@given(CHECKPOINTS)
def test_what_is_written_reads_back_equal(checkpoint: Checkpoint) -> None:
    """A checkpoint that we signed could not be read again."""
    assert Checkpoint.parse(checkpoint.format()) == checkpoint


@pytest.mark.parametrize(
    "size",
    ["", "+1", "-1", "-0", " 1", "1 ", "01", "00", "1_0", "1.0", "1e3", "0x1", "\u0661", "\uff11", "\u00b2", "1\r",
     "9223372036854775808", "18446744073709551616", "1" * 5000],
)  # fmt: skip
def test_a_size_has_one_spelling(size: str) -> None:
    """Two texts with one meaning: a witness signs one, and a verifier is shown the other."""
    with pytest.raises(Malformed):
        Checkpoint.parse(SOFA.replace("20852163", size))


@pytest.mark.parametrize("size", ["0", "1", "9223372036854775807"])
def test_sizes_to_the_largest_are_read(size: str) -> None:
    """A log would stop being readable at some size."""
    assert Checkpoint.parse(SOFA.replace("20852163", size)).size == int(size)


@pytest.mark.parametrize(
    "root",
    [
        "abc",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=",  # the same bytes to a lenient decoder
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I",
        "CsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= ",
        "CsUYapGG Po4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I==",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2IA",
        "ＣsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "\udcff",
    ],
)
def test_a_root_hash_has_one_spelling(root: str) -> None:
    """As with sizes; lenient base64 takes all of the first ones."""
    with pytest.raises(Malformed, match="line 3: root hash .* is not canonical base64 of 32 bytes"):
        Checkpoint.parse(SOFA.replace("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", root))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "this has 0"),
        ("\n", "three lines"),
        (SOFA[:-1], "ends in a newline"),
        (SOFA + "\n", "line 4: a checkpoint has no empty lines"),
        ("\n" + SOFA, "line 1: a checkpoint has no empty lines"),
        (SOFA.replace("sofa\n", "sofa\n\n"), "line 2: a checkpoint has no empty lines"),
        (SOFA + "extension\n\nanother\n", "line 5: a checkpoint has no empty lines"),
        ("".join(SOFA.splitlines(keepends=True)[:2]), "this has 2"),
        (SOFA.replace("sofa", "so\tfa"), r"control character U\+0009"),
        (SOFA.replace("sofa", "so\x00fa"), r"control character U\+0000"),
        (SOFA + "exten\x1fsion\n", r"control character U\+001F"),
        (SOFA.replace("\n", "\r\n"), "tree size"),
        (SOFA.replace("sofa", "so\ud800fa"), "not valid UTF-8"),
    ],
)
def test_what_is_no_checkpoint_is_refused_in_words(text: str, complaint: str) -> None:
    """An operator would not find which line is wrong."""
    with pytest.raises(Malformed, match=complaint):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": ""},
        {"origin": "a\nb"},
        {"size": -1},
        {"size": 2**63},
        {"root": bytes(31)},
        {"extensions": ("",)},
        {"extensions": ("a\nb",)},
    ],
)
def test_no_checkpoint_is_made_that_could_not_be_read(wrong: dict[str, object]) -> None:
    """A writer would sign bytes that nobody accepts."""
    sound: dict[str, object] = {"origin": "a", "size": 0, "root": bytes(32)}
    with pytest.raises(Malformed):
        Checkpoint(**(sound | wrong))  # type: ignore[arg-type]


def test_a_long_wrong_word_is_clipped() -> None:
    """One message would fill an operator's screen, or a log's disk."""
    with pytest.raises(Malformed) as caught:
        Checkpoint.parse(SOFA.replace("20852163", "7" * 5000))
    assert len(str(caught.value)) < 200
