"""The page that verifies a bundle, in a real browser and without a network: it says what the command says."""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from armslength.ledger import (
    Kind,
    NotReadable,
    Outcome,
    format_base64url,
    format_saved,
    parse_bundle,
    parse_saved,
    verify_bundle,
)
from armslength.tlog import Policy
from armslength.web import verify_page
from tests.ledger.ledgers import ADA, CYD, LOG_KEYS, NOW, POLICY, Ledger, community, policy_text, written
from tests.ledger.tamperings import Case, cases, saved_of
from tests.report.browser import Browser, browser
from tests.report.test_page_browser import CONTRAST
from tests.web.mutations import mutated

CASES = cases()

SHOWN = """
new Promise(done => {
  const look = () => {
    const status = document.getElementById("status").textContent;
    const problems = [...document.querySelectorAll("#problems p")].map(e => e.textContent);
    if (document.getElementById("verify").disabled) return setTimeout(look, 10);
    const result = document.getElementById("result");
    done({
      status, problems,
      verdict: result.hidden ? null : result.dataset.verdict,
      head: document.getElementById("verdict").textContent,
      checks: Object.fromEntries([...document.querySelectorAll("#checks li")]
        .map(e => [e.dataset.check, e.dataset.outcome])),
      said: [...document.querySelectorAll("#checks li p")].map(e => e.textContent),
      records: [...document.querySelectorAll("#records tbody tr")].map(e => [...e.cells].map(c => c.textContent)),
      unshown: [...document.querySelectorAll("#unshown li")].map(e => e.textContent),
      keeps: !result.hidden && !document.getElementById("keep").hidden,
    });
  };
  setTimeout(look, 10);
})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the page shows after it was asked."""

    verdict: str | None
    problems: list[str]
    checks: dict[str, str]
    said: list[str]
    records: list[list[str]]
    unshown: list[str]
    keeps: bool

    def checks_that(self, outcome: str) -> set[str]:
        return {check for check, found in self.checks.items() if found == outcome}


@dataclass(frozen=True, slots=True)
class Page:
    """The page in the browser, with a folder for what it is given."""

    chromium: Browser
    path: Path
    folder: Path

    def open(self) -> None:
        self.chromium.look(width=1200, height=900, dark=False)
        self.chromium.open(self.path)

    def choose(self, field: str, data: bytes | None) -> None:
        """Choose a file as a person does; none where there is no data."""
        files = []
        if data is not None:
            path = self.folder / f"{field}.json"
            path.write_bytes(data)
            files = [str(path)]
        self.chromium.value(f"void (document.getElementById('{field}').value = '')")
        if not files:
            return
        node = self.chromium.call("Runtime.evaluate", expression=f"document.getElementById('{field}')")["result"]
        self.chromium.call("DOM.setFileInputFiles", files=files, objectId=node["objectId"])

    def ask(self, case: Case) -> Answer:
        self.choose("bundle", case.bundle)
        self.choose("policy", case.policy.encode())
        self.choose("saved", None if case.saved is None else case.saved.encode())
        handle = "" if case.handle is None else format_base64url(case.handle)
        self.chromium.value(f"void (document.getElementById('handle').value = {json.dumps(handle)})")
        return self.verify()

    def verify(self) -> Answer:
        self.chromium.value("void document.getElementById('verify').click()")
        shown: dict[str, Any] = self.chromium.value(SHOWN)
        return Answer(**{name: shown[name] for name in Answer.__slots__})


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def page(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("verify")
    path = folder / "verify.html"
    path.write_text(verify_page(), encoding="utf-8")
    opened = Page(chromium, path, folder)
    opened.open()
    return opened


@pytest.mark.parametrize("make", [make for _, make in CASES], ids=[name for name, _ in CASES])
def test_the_page_finds_what_the_command_finds(page: Page, make: Callable[[], Case]) -> None:
    """Whoever made a forged bundle would send it to those who verify it the other way."""
    case = make()
    answer = page.ask(case)
    if case.fails is None:
        assert answer.verdict is None and answer.problems
        return
    assert answer.problems == []
    assert answer.checks_that("fails") == case.fails
    assert answer.checks_that("unchecked") == case.open
    assert answer.verdict == ("fails" if case.fails else "holds")
    parsed = parse_bundle(case.bundle)
    saved = None if case.saved is None else parse_saved(case.saved.encode())
    verdict = verify_bundle(parsed, policy=Policy.parse(case.policy), saved=saved, customer=case.handle, now=NOW)
    assert answer.keeps == (verdict.worth_saving is not None)
    assert len(answer.records) == len(verdict.kinds)
    # Both say what they cannot show; the page has more of it where a signature is of a sort that it cannot verify.
    assert set(verdict.unshown) <= set(answer.unshown)


def agreed(page: Page, seed: int, count: int) -> int:
    """How many of these many bundles changed at random could be read; both verifiers have to say the same of each."""
    chance = random.Random(seed)
    ledger = community()
    honest = [
        written(ledger.bundle(ADA, earlier=(5,), withhold=("reason",))),
        written(ledger.bundle(ADA, full=True)),
        written(ledger.bundle(CYD)),
    ]
    saved = saved_of(ledger, ADA, 5)
    read = 0
    for number in range(count):
        data = mutated(chance.choice(honest), chance)
        given = saved if chance.random() < 0.5 else None
        case = Case(
            name="",
            bundle=data,
            fails=None,
            policy=policy_text(),
            saved=None if given is None else format_saved(given),
        )
        answer = page.ask(case)
        try:
            verdict = verify_bundle(parse_bundle(data), policy=POLICY, saved=given, customer=ADA, now=NOW)
        except NotReadable:
            assert answer.verdict is None and not any("the page failed" in each for each in answer.problems), number
        else:
            assert answer.checks == {check.name.value: check.outcome.value for check in verdict.checks}, number
            read += 1
    return read


def test_both_verifiers_say_the_same_of_bundles_changed_at_random(page: Page) -> None:
    """What one reader lets pass and the other refuses is where a forger would begin."""
    assert agreed(page, seed=1, count=150) > 20


@pytest.mark.slow
def test_both_verifiers_say_the_same_of_many_bundles_changed_at_random(page: Page) -> None:
    """As above, many times."""
    assert agreed(page, seed=2, count=2_000) > 300


def test_every_sort_of_value_is_spelled_as_it_was_recorded(page: Page) -> None:
    """An honest record would be called forged for a number that two languages write in two ways."""
    chance = random.Random(3)
    numbers = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(400)]
    numbers += [sign * base * 10.0**power for power in range(-30, 31) for base in (1, 1.5, 1 / 3) for sign in (1, -1)]
    found = [number for number in numbers if math.isfinite(number)]
    found += [0, -0.0, 1, -1, 2**53 - 1, 5e-324, 1.7976931348623157e308]
    texts = [chr(code) for code in (*range(0x20), 0x22, 0x5C, 0x7F, 0x2028, 0xFEFF, 0xFFFF, 0x10FFFF)]
    nested = {
        "\U0001f600": [1.0, None],
        "\ufb33": {"b": True, "a": [[], {}]},
        "é": "e\u0301",
        "": -1.5e-9,
        "10": 1,
        "9": 2,
    }
    values = [*found, *texts, nested, [nested, nested]]
    ledger = Ledger(name="values")
    for start in range(0, len(values), 40):
        fields = {f"f{k}": value for k, value in enumerate(values[start : start + 40])}
        ledger.add(ADA, Kind.USE, fields)
    ledger.head()
    bundle = written(ledger.bundle(ADA))
    assert verify_bundle(parse_bundle(bundle), policy=POLICY, now=NOW).holds
    answer = page.ask(Case(name="", bundle=bundle, fails=frozenset(), policy=policy_text()))
    assert answer.checks["openings"] == "holds" and answer.verdict == "holds"


def test_every_saved_size_is_connected(page: Page) -> None:
    """The shape of a consistency proof changes with each size."""
    ledger = community()
    total = len(ledger.entries)
    bundle = written(ledger.bundle(ADA, earlier=range(1, total), opened=()))
    for size in range(1, total + 1):
        saved = format_saved(saved_of(ledger, ADA, size))
        answer = page.ask(Case(name="", bundle=bundle, fails=frozenset(), policy=policy_text(), saved=saved))
        assert answer.verdict == "holds" and answer.checks_that("unchecked") == set(), size


def test_it_says_the_same_in_the_same_words(page: Page) -> None:
    """Two readers who compare notes must not wonder whether they saw two answers."""
    ledger = community()
    bundle = ledger.bundle(ADA, withhold=("reason",))
    saved = saved_of(ledger, ADA, 11)
    verdict = verify_bundle(bundle, policy=POLICY, saved=saved, customer=ADA, now=NOW)
    answer = page.ask(
        Case(name="", bundle=written(bundle), fails=frozenset(), policy=policy_text(), saved=format_saved(saved))
    )
    assert answer.said == [said for check in verdict.checks for said in check.said]
    assert answer.unshown == list(verdict.unshown)
    assert answer.records[0] == ["use", "4", "2025-11-03T08:00Z", "2025-11-03T08:11Z"]


@pytest.mark.parametrize(
    ("logs", "witnesses", "least", "told"),
    [
        (LOG_KEYS[1:], ("anna", "bruno"), 2, "whether the log"),
        (LOG_KEYS[:1], ("anna", "carla"), 2, "whether your quorum"),
        (LOG_KEYS[1:], ("carla",), 1, "whether your quorum"),
    ],
    ids=["the log's signature", "a cosignature", "both"],
)
def test_what_only_ml_dsa_would_meet_is_never_green(
    page: Page, logs: Any, witnesses: tuple[str, ...], least: int, told: str
) -> None:
    """A customer would believe a signature that nobody verified."""
    ledger = community()
    bundle = written(ledger.bundle(ADA, note=ledger.checkpoint(logs=LOG_KEYS, witnesses=("anna", "bruno", "carla"))))
    policy = policy_text(logs=logs, witnesses=witnesses, least=least)
    assert verify_bundle(parse_bundle(bundle), policy=Policy.parse(policy), now=NOW).holds
    answer = page.ask(Case(name="", bundle=bundle, fails=frozenset(), policy=policy))
    assert answer.verdict == "unchecked" and not answer.keeps
    assert answer.checks["signatures"] == "unchecked"
    assert any(said.startswith(told) for said in answer.said)


def test_ml_dsa_beside_what_suffices_is_told_as_unchecked(page: Page) -> None:
    """A reader has to know which signatures the answer rests on."""
    ledger = community()
    bundle = written(ledger.bundle(ADA, note=ledger.checkpoint(logs=LOG_KEYS, witnesses=("anna", "bruno", "carla"))))
    policy = policy_text(logs=LOG_KEYS, witnesses=("anna", "bruno", "carla"), least=2)
    answer = page.ask(Case(name="", bundle=bundle, fails=frozenset(), policy=policy))
    assert answer.verdict == "holds"
    assert any("2 ML-DSA-44 signatures" in each for each in answer.unshown)


def test_a_quorum_that_even_unverified_signatures_would_miss_fails(page: Page) -> None:
    """Not checked would be too kind a word for what cannot be."""
    ledger = community()
    bundle = written(ledger.bundle(ADA, note=ledger.checkpoint(witnesses=("carla",))))
    policy = policy_text(witnesses=("anna", "carla"), least=2)
    answer = page.ask(Case(name="", bundle=bundle, fails=frozenset(), policy=policy))
    assert answer.verdict == "fails" and answer.checks_that("fails") == {"signatures"}


def test_it_opens_and_verifies_without_a_request(page: Page) -> None:
    """A request would tell somebody that a customer is checking, and could carry what they check."""
    page.open()
    _, make = CASES[0]
    assert page.ask(make()).verdict == "holds"
    assert page.chromium.requests == [page.path.resolve().as_uri()]
    assert page.chromium.complaints == []


@pytest.mark.parametrize(
    "attempt",
    [
        "fetch('https://example.invalid/').catch(() => {})",
        "navigator.sendBeacon('https://example.invalid/', 'x')",
        "new WebSocket('wss://example.invalid/')",
        "document.body.append(Object.assign(new Image(), {src: 'https://example.invalid/a.png'}))",
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'globalThis.ran = 1'}))",
        "document.body.append(Object.assign(document.createElement('iframe'), {src: 'https://example.invalid/'}))",
        "new Worker('data:text/javascript,1')",
    ],
    ids=["fetch", "beacon", "socket", "image", "script", "frame", "worker"],
)
def test_its_own_policy_forbids_every_connection(page: Page, attempt: str) -> None:
    """The promise that nothing leaves must not rest on the script alone."""
    page.open()
    page.chromium.value(f"(() => {{ try {{ {attempt}; }} catch {{}} }})()")
    page.chromium.value("new Promise(done => setTimeout(done, 100))")
    said = page.chromium.complaints
    assert any("Content Security Policy" in each or "ContentSecurityPolicy" in each for each in said)
    assert page.chromium.value("globalThis.ran") is None
    assert not any("ERR_" in each for each in said)


def test_a_policy_can_be_pasted(page: Page) -> None:
    """A policy often comes in a letter, and its last newline is lost on the way."""
    page.open()
    page.choose("bundle", written(community().bundle(ADA)))
    text = json.dumps(policy_text().rstrip("\n"))
    page.chromium.value(f"void (document.getElementById('policy-text').value = {text})")
    assert page.verify().verdict == "holds"


def test_what_is_missing_is_asked_for(page: Page) -> None:
    """A button that does nothing teaches nobody."""
    page.open()
    assert page.verify().problems == ["Choose the bundle.", "Choose the policy, or paste it."]


def test_what_it_saves_is_what_the_command_saves(page: Page, tmp_path: Path) -> None:
    """A customer may verify here this time and with the command the next."""
    page.open()
    page.chromium.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    _, make = CASES[0]
    case = make()
    assert page.ask(case).keeps
    page.chromium.value("void document.getElementById('save').click()")
    file = tmp_path / "armslength.saved.json"
    page.chromium.value("new Promise(done => setTimeout(done, 500))")
    verdict = verify_bundle(parse_bundle(case.bundle), policy=POLICY, customer=ADA, now=NOW)
    assert verdict.worth_saving is not None
    assert file.read_text("utf-8") == format_saved(verdict.worth_saving)


def test_hostile_words_are_shown_and_never_run(page: Page) -> None:
    """The bundle's maker chooses its words, and the reader trusts this page."""
    page.open()
    word = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    document = json.loads(written(community().bundle(ADA)))
    answer = page.ask(
        Case(
            name="",
            bundle=json.dumps({**document, "origin": word}).encode(),
            fails=frozenset(),
            policy=policy_text(),
        )
    )
    assert answer.checks["signatures"] == "fails" and any(word in said for said in answer.said)
    assert page.chromium.value("[document.scripts.length, document.images.length]") == [1, 0]
    assert page.chromium.complaints == []


def test_a_verdict_is_announced_and_takes_the_focus(page: Page) -> None:
    """Who does not see the page has to hear that it is done, and what came out."""
    page.open()
    _, make = CASES[0]
    page.ask(make())
    assert page.chromium.value("document.activeElement.id") == "verdict"
    assert page.chromium.value("document.getElementById('status').getAttribute('role')") == "status"
    assert page.chromium.value("document.getElementById('status').textContent") == "Done. It holds."
    assert page.chromium.value("document.getElementById('problems').getAttribute('role')") == "alert"


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(page: Page) -> None:
    """Without a mouse a reader moves by Tab; a stop without a visible ring is a stop in the dark."""
    page.open()
    _, make = CASES[0]
    page.ask(make())
    page.chromium.value("void document.activeElement.blur()")
    where = (
        "(() => { const e = document.activeElement, s = getComputedStyle(e);"
        " return [e.id || e.className, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]; })()"
    )
    page.chromium.value("void document.querySelector('.skip').focus()")
    stops = []
    for _ in range(20):
        name, ringed = page.chromium.value(where)
        if name in stops or not name:
            break
        assert ringed, name
        stops.append(name)
        page.chromium.press("Tab")
    assert stops == ["skip", "bundle", "policy", "policy-text", "handle", "saved", "verify", "save"]


def test_every_control_has_a_name(page: Page) -> None:
    """A screen reader says "button" for a button without a name."""
    page.open()
    _, make = CASES[0]
    page.ask(make())
    nodes = page.chromium.call("Accessibility.getFullAXTree")["nodes"]
    need = {"button", "textbox", "link", "heading", "table", "columnheader", "rowheader", "form", "progressbar"}
    seen = [n for n in nodes if not n.get("ignored") and n.get("role", {}).get("value") in need]
    assert len(seen) > 20
    nameless = {"table"}
    found = [
        n["role"]["value"]
        for n in seen
        if n["role"]["value"] not in nameless and not n.get("name", {}).get("value", "").strip()
    ]
    assert found == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1360])
@pytest.mark.parametrize("name", ["an_honest_bundle", "a_leaf_dropped", "a_file_cut_short"])
def test_all_text_has_contrast_and_nothing_scrolls_sideways(page: Page, name: str, width: int, dark: bool) -> None:
    """A verdict that cannot be read was not given."""
    page.chromium.look(width=width, height=900, dark=dark, phone=width < 500)
    page.chromium.open(page.path)
    page.ask(dict(CASES)[name]())
    assert page.chromium.value("document.scrollingElement.scrollWidth") == width
    assert page.chromium.complaints == []
    assert page.chromium.value(CONTRAST) == []


def test_the_page_is_the_same_each_time_and_names_no_other_place() -> None:
    """Its digest can be told by telephone, and it sends nobody anywhere."""
    assert verify_page() == verify_page()
    assert "http:" not in verify_page() and "https:" not in verify_page()
    assert "{{" not in verify_page()
    assert Outcome.HOLDS in verify_page()
