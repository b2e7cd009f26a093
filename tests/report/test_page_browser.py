"""The page in a real browser, from a file and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from armslength.report import html
from tests.report.browser import Browser, browser
from tests.report.pictures import meridian, quiet
from tests.report.test_page import HOSTILE, hostile

CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d");
  const parse = c => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1);
                       return canvas.getImageData(0, 0, 1, 1).data; };
  const light = d => [d[0], d[1], d[2]].map(v => v / 255)
                     .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
                     .reduce((sum, v, k) => sum + v * [.2126, .7152, .0722][k], 0);
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
                        if (c[3] > 0) return c; } return [255, 255, 255, 255]; };
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walk.nextNode();) {
    const e = node.parentElement, style = getComputedStyle(e);
    if (!node.data.trim() || !e.checkVisibility() || e.closest("svg, .vh, script, style")) continue;
    const [a, b] = [light(parse(style.color)), light(ground(e))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24;
    if ((a + .05) / (b + .05) < (large ? 3 : 4.5)) poor.push(node.data.trim().slice(0, 40) + " " + style.color);
  }
  return poor;
})()
"""
"""Text on the page with too little contrast to what is behind it, as the browser computes both."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "reach.html"
    path.write_text(html(meridian()), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1360, 2560])
def test_it_opens_alone_and_in_silence(chromium: Browser, page: Path, width: int, dark: bool) -> None:
    """A request would tell someone that the report was opened; a console error is a part of it that failed."""
    chromium.look(width=width, height=900, dark=dark, phone=width < 500)
    chromium.open(page)
    assert chromium.requests == [page.resolve().as_uri()]
    assert chromium.complaints == []
    # Wide tables and drawings scroll by themselves; the page never does sideways.
    assert chromium.value("document.scrollingElement.scrollWidth") == width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_on_it_has_contrast(chromium: Browser, page: Path, dark: bool) -> None:
    """The palette's contrast says nothing of a text that stands on the wrong ground."""
    chromium.look(width=1360, height=900, dark=dark)
    chromium.open(page)
    assert chromium.value(CONTRAST) == []


def test_its_own_policy_would_stop_a_request(chromium: Browser, page: Path) -> None:
    """The promise that nothing is loaded must not rest on the template alone."""
    chromium.look(width=1360, height=900, dark=False)
    chromium.open(page)
    chromium.value(
        "new Promise(done => { const i = new Image(); i.onerror = i.onload = () => done(1);"
        " i.src = 'https://example.invalid/a.png'; document.body.append(i); })"
    )
    assert any("Content Security Policy" in said or "ContentSecurityPolicy" in said for said in chromium.complaints)


def test_hostile_words_run_nothing(chromium: Browser, tmp_path: Path) -> None:
    """Escaping is what the browser makes of it, not what we believe."""
    chromium.look(width=1360, height=900, dark=False)
    for k, text in enumerate(HOSTILE):
        path = tmp_path / f"{k}.html"
        path.write_text(html(hostile(text)), encoding="utf-8")
        chromium.open(path)
        assert chromium.requests == [path.resolve().as_uri()]
        assert chromium.complaints == []
        assert chromium.value("[document.scripts.length, document.images.length]") == [1, 0]


def test_the_switch_changes_the_colours_and_says_what_it_will_do(chromium: Browser, page: Path) -> None:
    """Who projects the page in a dark room needs the other scheme whatever the system prefers."""
    chromium.look(width=1360, height=900, dark=False)
    chromium.open(page)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    before = chromium.value(ground)
    assert chromium.value("document.getElementById('scheme').getAttribute('aria-label')") == "Switch to dark colours"
    chromium.value("document.getElementById('scheme').click()")
    after = chromium.value(ground)
    assert after != before
    assert chromium.value("document.getElementById('scheme').textContent") == "Light"
    chromium.look(width=1360, height=900, dark=True)
    chromium.open(page)
    assert chromium.value(ground) == after


def test_a_link_to_a_folded_chain_unfolds_it(chromium: Browser, tmp_path: Path) -> None:
    """A cell that leads to a closed line looks like a broken link."""
    full = meridian()
    chains = tuple(replace(full.chains[k % 4], number=k + 1) for k in range(20))
    path = tmp_path / "many.html"
    path.write_text(html(replace(full, chains=chains)), encoding="utf-8")
    chromium.look(width=1360, height=900, dark=False)
    chromium.open(path)
    is_open = "document.querySelector('#chain-15 > details').open"
    assert chromium.value(is_open) is False
    chromium.open(path, "#chain-15")
    assert chromium.value(is_open) is True


def test_the_keyboard_reaches_everything_and_shows_where_it_is(chromium: Browser, page: Path) -> None:
    """Without a mouse a reader moves by Tab; a stop without a visible ring is a stop in the dark."""
    chromium.look(width=1360, height=900, dark=False)
    chromium.open(page)
    where = (
        "(() => { const e = document.activeElement, s = getComputedStyle(e); return [e.tagName, e.textContent.trim(),"
    )
    where += " s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]; })()"
    stops = []
    for _ in range(200):
        chromium.press("Tab")
        tag, text, ringed = chromium.value(where)
        if tag == "BODY":
            break
        assert ringed, f"no ring on {tag} {text[:40]}"
        stops.append((tag, text))
    assert stops[0] == ("A", "Skip to the findings")
    count = chromium.value(
        "[...document.querySelectorAll('a[href], button, summary, [tabindex=\"0\"]')]"
        ".filter(e => e.checkVisibility()).length"
    )
    assert len(stops) == count


def test_every_control_and_picture_has_a_name(chromium: Browser, page: Path) -> None:
    """A screen reader says "link" for a link without a name, sixty times over."""
    chromium.look(width=1360, height=900, dark=False)
    chromium.open(page)
    nodes = chromium.call("Accessibility.getFullAXTree")["nodes"]
    need = {
        "link",
        "button",
        "image",
        "img",
        "region",
        "table",
        "heading",
        "article",
        "navigation",
        "disclosureTriangle",
    }
    seen = [n for n in nodes if not n.get("ignored") and n.get("role", {}).get("value") in need]
    assert len(seen) > 60
    assert [n["role"]["value"] for n in seen if not n.get("name", {}).get("value", "").strip()] == []


def test_it_prints_on_white_with_the_map_as_a_table(chromium: Browser, page: Path) -> None:
    """The board gets it on paper: no dark ground, no buttons, nothing folded that stands for a picture."""
    chromium.look(width=1360, height=900, dark=True)
    chromium.open(page)
    chromium.value("window.dispatchEvent(new Event('beforeprint'))")
    chromium.call("Emulation.setEmulatedMedia", media="print")
    assert chromium.value("getComputedStyle(document.querySelector('h1')).color") == "rgb(27, 29, 34)"
    assert chromium.value("getComputedStyle(document.body).getPropertyValue('--paper').trim()") == "#ffffff"
    assert chromium.value("document.getElementById('scheme').checkVisibility()") is False
    assert chromium.value("document.querySelector('#map details').open") is True
    chromium.call("Emulation.setEmulatedMedia", media="")
    paper = chromium.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]
    assert len(paper) > 20_000


def test_a_quiet_page_opens_in_silence_too(chromium: Browser, tmp_path: Path) -> None:
    """The page of a repaired estate is the one that is kept."""
    path = tmp_path / "quiet.html"
    path.write_text(html(quiet()), encoding="utf-8")
    chromium.look(width=390, height=844, dark=True, phone=True)
    chromium.open(path)
    assert chromium.complaints == [] and chromium.value(CONTRAST) == []
    assert chromium.value("document.scrollingElement.scrollWidth") == 390
