"""The policy file: every rule of tlog-policy, and every problem of a file in one message."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import Algorithm, Malformed, Policy, SigningKey, VerifierKey
from tests.tlog.signers import LOG, LOG_NEXT, LOG_PQ, ORIGIN, OTHER_LOG, W1, W2, W3, signer

L, LPQ, W, WPQ, X = (key.verifier.text for key in (LOG, LOG_PQ, W1, W2, W3))


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(Malformed) as caught:
        Policy.parse(text)
    return str(caught.value).split("\n")


def test_the_published_example_is_read() -> None:
    """The file that the specification shows (with keys in place of `<vkey>`)."""
    keys = iter(signer(f"w{n}.example", Algorithm.COSIGNATURE_ED25519, n).verifier.text for n in range(20, 26))
    text = (
        f"log {L}\n"
        "\n"
        f"witness X1 {next(keys)}\n"
        f"witness X2 {next(keys)}\n"
        f"witness X3 {next(keys)}\n"
        "group X-witnesses 2 X1 X2 X3\n"
        "\n"
        f"witness Y1 {next(keys)}\n"
        f"witness Y2 {next(keys)}\n"
        f"witness Y3 {next(keys)}\n"
        "group Y-witnesses any Y1 Y2 Y3\n"
        "\n"
        "group X-and-Y all X-witnesses Y-witnesses\n"
        "quorum X-and-Y\n"
    )
    policy = Policy.parse(text)
    assert [witness.name for witness in policy.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert [(group.name, group.threshold) for group in policy.groups] == [
        ("X-witnesses", 2), ("Y-witnesses", 1), ("X-and-Y", 2)
    ]  # fmt: skip
    assert policy.quorum == "X-and-Y"
    assert Policy.parse(policy.format()) == policy


def test_space_comments_and_order_mean_nothing() -> None:
    """A file laid out for people would be refused, or read as another."""
    loose = (
        "# a comment\n"
        " \t \n"
        f"\twitness \t a  {W}\t\n"
        f"   witness b {WPQ} https://b.example/ \n"
        "  # log and witness lines stand in any order \u00e9\n"
        f"log {L} https://log.example/\n"
        "group g any a b  \n"
        f"log {LPQ}\n"
        "quorum g\n"
        "#\n"
    )
    tight = (
        f"log {L} https://log.example/\nlog {LPQ}\n"
        f"witness a {W}\nwitness b {WPQ} https://b.example/\n"
        "group g 1 a b\nquorum g\n"
    )
    assert Policy.parse(loose) == Policy.parse(tight) == Policy.parse(tight.encode())
    assert Policy.parse(loose).format() == tight


@pytest.mark.parametrize("text", ["quorum none\n", f"log {L}\nquorum none\n", f"witness a {W}\nquorum none\n"])
def test_only_the_quorum_is_mandatory(text: str) -> None:
    """A policy without witnesses could not be written."""
    assert Policy.parse(text).quorum == "none"


@pytest.mark.parametrize(
    "name", ["all", "any", "2", "log", "witness", "quorum", "None", "a+b", "a#", "\u212a", "é" * 200]
)
def test_any_other_word_is_a_name(name: str) -> None:
    """Only `none` is reserved."""
    policy = Policy.parse(f"witness {name} {W}\ngroup g any {name}\nquorum {name}\n")
    assert policy.quorum == policy.witnesses[0].name == name


def test_names_are_octets() -> None:
    """Two names that look alike would be one witness, or a file that is not UTF-8 would not be readable."""
    kelvin = "\u212a".encode()
    text = b"witness K " + W.encode() + b"\nwitness " + kelvin + b" " + X.encode() + b"\nquorum " + kelvin + b"\n"
    assert Policy.parse(text).quorum == Policy.parse(text).witnesses[1].name != "K"
    raw = b"witness \xff\x80 " + W.encode() + b" http://\xfe\nquorum \xff\x80 # \xc0\n".replace(b" # \xc0", b"")
    policy = Policy.parse(raw)
    assert policy.format().encode("utf-8", "surrogateescape") == raw
    assert Policy.parse(policy.format()) == policy
    assert problems(raw.replace(b"quorum \xff\x80", b"quorum \xff\x81")) == [
        'line 2: "\\udcff\\udc81" is not defined on a line before'
    ]


def test_at_least_32_of_each_are_read() -> None:
    """The specification asks implementations for it; a real policy could be too large for ours."""
    lines = [f"log {signer('log.example', Algorithm.COSIGNATURE_ML_DSA_44, n).verifier.text}\n" for n in range(40)]
    lines += [
        f"witness w{n} {signer(f'w{n}.example', Algorithm.COSIGNATURE_ML_DSA_44, 100 + n).verifier.text}\n"
        for n in range(40)
    ]
    lines += [f"group g{n} all w{n} {'' if n == 0 else f'g{n - 1}'}\n" for n in range(40)]
    policy = Policy.parse("".join(lines) + "quorum g39\n")
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (40, 40, 40)


KEY_SHAPE = "a verifier key is <name>+<id>+<key>, three parts divided by plus signs"
ONE = f"witness a {W}\nwitness b {WPQ}\n"
NO_QUORUM = 'there is no quorum line; "quorum none" asks for no cosignature'
LOG_LINE = "expected: log <vkey> [<url>]"
WITNESS_LINE = "expected: witness <name> <vkey> [<url>]"
GROUP_LINE = "expected: group <name> all|any|<k> <name>..., with at least one member"
QUORUM_LINE = "expected: quorum <name>, or quorum none"
UNKNOWN_WORD = "is not one of log, witness, group, quorum, #"
ONCE = "has the same public key, which may be listed once only"
TAKEN = "as a witness or a group"
OUT_OF_RANGE = "is not within 1 to 2, the number of members"
NO_THRESHOLD = "is neither all, any nor a decimal without sign or leading zero"
ONLY_TAB = "only tab is allowed"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [NO_QUORUM]),
        (ONE, [NO_QUORUM]),
        ("quorum none\nquorum none\n", ["line 2: the quorum is already given in line 1"]),
        ("quorum none", ["line 1: has to end in a newline; the file may be cut short", NO_QUORUM]),
        ("quorum\n", [f"line 1: {QUORUM_LINE}"]),
        ("quorum none none\n", [f"line 1: {QUORUM_LINE}"]),
        ("quorum none # why\n", [f"line 1: {QUORUM_LINE}"]),
        ("quorum a\n" + ONE, ['line 1: "a" is not defined on a line before']),
        (ONE + "quorum c\n", ['line 3: "c" is not defined on a line before']),
        (ONE + "quorum A\n", ['line 3: "A" is not defined on a line before']),
        ("Quorum none\nquorum none\n", [f'line 1: "Quorum" {UNKNOWN_WORD}']),
        ("; comment\nquorum none\n", [f'line 1: ";" {UNKNOWN_WORD}']),
        ("log\nquorum none\n", [f"line 1: {LOG_LINE}"]),
        (f"log {L} a b\nquorum none\n", [f"line 1: {LOG_LINE}"]),
        (f"log name {L}\nquorum none\n", [f"line 1: {KEY_SHAPE}"]),
        (f"log {L[:-1]}\nquorum none\n", [f'line 1: verifier key of "{ORIGIN}" does not end in canonical base64']),
        (f"log {W}\nquorum none\n", ["line 1: the key of a log has type 0x01 or 0x06, not 0x04"]),
        (f"log {L}\nlog {LPQ}\nlog {L} url\nquorum none\n", [f"line 3: line 1 {ONCE}"]),
        (f"log {L}\nlog {LOG.verifier.named('x').text}\nquorum none\n", [f"line 2: line 1 {ONCE}"]),
        ("witness a\nquorum none\n", [f"line 1: {WITNESS_LINE}"]),
        (f"witness {W}\nquorum none\n", [f"line 1: {WITNESS_LINE}"]),
        (f"witness a {W} url more\nquorum none\n", [f"line 1: {WITNESS_LINE}"]),
        (f"witness a {L}\nquorum a\n", ["line 1: the key of a witness has type 0x04 or 0x06, not 0x01"]),
        (f"witness none {W}\nquorum none\n", ['line 1: the name "none" is reserved for the quorum line']),
        (f"witness a {W}\nwitness a {X}\nquorum a\n", [f'line 2: the name "a" is already defined in line 1, {TAKEN}']),
        (f"witness a {W}\nwitness b {W}\nquorum a\n", [f"line 2: line 1 {ONCE}"]),
        (
            f"witness a {W}\nwitness b {W1.verifier.named('b').text}\nquorum a\n",
            [f"line 2: line 1 {ONCE}"],
        ),
        (ONE + "group a any b\nquorum a\n", [f'line 3: the name "a" is already defined in line 1, {TAKEN}']),
        (
            ONE + f"group g any a\nwitness g {X}\nquorum g\n",
            [f'line 4: the name "g" is already defined in line 3, {TAKEN}'],
        ),
        (ONE + "group none any a\nquorum none\n", ['line 3: the name "none" is reserved for the quorum line']),
        (ONE + "group g any none\nquorum g\n", ['line 3: "none" cannot be a member']),
        (ONE + "group g\nquorum none\n", [f"line 3: {GROUP_LINE}"]),
        (ONE + "group g all\nquorum none\n", [f"line 3: {GROUP_LINE}"]),
        (ONE + "group g any g\nquorum g\n", ['line 3: "g" is not defined on a line before']),
        (ONE + "group g any h\ngroup h any a\nquorum h\n", ['line 3: "h" is not defined on a line before']),
        (ONE + "group g any a a\nquorum g\n", ['line 3: "a" is already a member in line 3']),
        (ONE + "group g any a b\ngroup h any a\nquorum h\n", ['line 4: "a" is already a member in line 3']),
        (ONE + "group g 0 a b\nquorum g\n", [f"line 3: threshold 0 {OUT_OF_RANGE}"]),
        (ONE + "group g 3 a b\nquorum g\n", [f"line 3: threshold 3 {OUT_OF_RANGE}"]),
        *(
            (ONE + f"group g {k} a b\nquorum g\n", [f'line 3: threshold "{k}" {NO_THRESHOLD}'])
            for k in ("+1", "-1", "01", "1_0", "1.", "All", "ALL", "\u0661", "0x1", "9" * 40, "a")
        ),
        ("quorum none\r\n", [f"line 1: has the control character 0x0d; {ONLY_TAB}", NO_QUORUM]),
        ("# a\x00b\nquorum none\n", [f"line 1: has the control character 0x00; {ONLY_TAB}"]),
        ("# a\x7fb\nquorum none\n", [f"line 1: has the control character 0x7f; {ONLY_TAB}"]),
        ("quorum\x0bnone\nquorum none\n", [f"line 1: has the control character 0x0b; {ONLY_TAB}"]),
        ("quorum\u00a0none\nquorum none\n", [f'line 1: "quorum\\xa0none" {UNKNOWN_WORD}']),
        ("\ufeffquorum none\nquorum none\n", [f'line 1: "\\ufeffquorum" {UNKNOWN_WORD}']),
    ],
)
def test_each_rule_is_kept_and_its_line_named(text: str, expected: list[str]) -> None:
    """A slip in the file would mean fewer witnesses than its author believes."""
    assert problems(text) == expected


def test_every_problem_is_told_at_once() -> None:
    """An operator would mend one line, try again, and so on."""
    text = f"logs\nlog {W}\nwitness a broken\nwitness none {X}\ngroup g 5 a b none a\nquorum h\nquorum a\n"
    assert problems(text) == [
        'line 1: "logs" is not one of log, witness, group, quorum, #',
        "line 2: the key of a log has type 0x01 or 0x06, not 0x04",
        f"line 3: {KEY_SHAPE}",
        'line 4: the name "none" is reserved for the quorum line',
        'line 5: "b" is not defined on a line before; "none" cannot be a member; "a" is already a member in line 5; '
        "threshold 5 is not within 1 to 4, the number of members",
        'line 6: "h" is not defined on a line before',
        "line 7: the quorum is already given in line 6",
    ]


@pytest.mark.parametrize(
    "line",
    ["log {}", "witness a {}", "{}", "witness {} x", "group {} any a", "group g any {}", "group g {} a", "quorum {}"],
)
def test_a_private_key_in_a_policy_is_not_repeated(line: str) -> None:
    """It would go to a screen or a log; the policy is a file that others read."""
    key = SigningKey(name="a", algorithm=Algorithm.ED25519, seed=bytes(range(32)))
    secret = base64.b64encode(bytes([1]) + key.seed).decode()[2:20]
    assert secret in key.text
    (problem, *rest) = problems(line.format(key.text) + "\nquorum none\nquorum none\n")
    assert secret not in "\n".join([problem, *rest])


def test_a_log_is_not_its_own_witness() -> None:
    """It would vouch for itself, and one key would be the whole quorum. tlog-policy leaves it open; here it is
    refused."""
    assert problems(f"log {LPQ}\nwitness self {LPQ}\nquorum self\n") == [f"line 2: line 1 {ONCE}"]


def test_two_keys_with_one_name_and_id_are_refused() -> None:
    """A signature line would be by both keys, of which one fails: no note could ever be accepted."""
    # Ids have 32 bits: among the hashes of 0, 1, 2 ... these two are the first to collide.
    first, second = (
        VerifierKey(name="c", algorithm=Algorithm.ED25519, public=hashlib.sha256(number.to_bytes(8, "big")).digest())
        for number in (68728, 133095)
    )
    assert first.public != second.public and first.label == second.label
    (problem,) = problems(f"log {first.text}\nlog {second.text}\nquorum none\n")
    assert re.fullmatch(r'line 2: another key has the same name and id, "c\+[0-9a-f]{8}"; one of .*', problem)


def test_a_policy_of_any_size_is_not_read() -> None:
    """A file that never ends would take the memory of whoever checks it."""
    assert problems("#" + "x" * (1 << 20) + "\nquorum none\n") == [
        "the policy has 1048590 bytes; at most 1048576 are read"
    ]
    with pytest.raises(Malformed, match="not text"):
        Policy.parse("# \ud800\nquorum none\n")


WORDS = st.sampled_from(
    ["log", "witness", "group", "quorum", "none", "a", "b", "c", "g", "h", "any", "all", "1", "2", "#", "http://x",
     L, LPQ, W, WPQ, X, LOG_NEXT.verifier.text, OTHER_LOG.verifier.text]
)  # fmt: skip
LINES = st.lists(WORDS, max_size=6).map(" ".join)
LIKELY = st.lists(
    st.sampled_from(
        [f"log {L}", f"log {LPQ} u", f"witness a {W}", f"witness b {WPQ}", f"witness c {X} u", "group g any a b",
         "group h all g c", "group g 2 a b c", "group h 1 g", "quorum none", "quorum h", "quorum g", "quorum a", "#"]
    )
    | LINES,
    max_size=9,
)  # fmt: skip


@given(LIKELY)
def test_whatever_is_read_is_written_and_read_again_equal(lines: list[str]) -> None:
    """A policy that is copied by our tools would become another policy."""
    text = "".join(f"{line}\n" for line in lines)
    try:
        policy = Policy.parse(text)
    except Malformed as error:
        assert str(error)
        return
    assert Policy.parse(policy.format()) == policy
    assert Policy.parse(policy.format()).format() == policy.format()
