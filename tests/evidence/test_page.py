"""The auditor's page, as Chromium shows it."""

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from mastertrade.evidence.document import document, to_json
from mastertrade.evidence.model import Audit, AuditedPack, Finding, State, WaiverOfVerdict
from mastertrade.evidence.page import render
from tests.evidence.chromium import Browser, PageError, chromium
from tests.evidence.demo import DAYS_LEFT, DEMO, WAIVER, control, earlier, large, verdict

VIEWS = (
    "/",
    "/verdicts",
    "/verdicts?state=fail&q=queue",
    "/frameworks",
    "/framework/nist-800-53-r5",
    "/framework/nist-800-53-r5/SC-28",
    "/controls",
    "/control/enc-rds-storage",
    f"/resource/{DEMO.verdicts[1].urn}",
    "/waivers",
    "/gaps",
    "/changes",
    "/no/such/page",
)
OLDER = earlier("a", "2026-01-10T08:00:00+00:00", plain=State.PASS, west_database=State.FAIL, without=["door"])
OLD = earlier("b", "2026-06-10T08:00:00+00:00", plain=State.PASS, west_database=State.PASS)

# No allowance for a busy machine: with six times as many processes as processors, opening took at most 492 ms and the median
# of eleven letters of filtering 77 ms
OPENS_MILLISECONDS, FILTERS_MILLISECONDS = 2000, 100

Show = Callable[..., Browser]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Show:
    """Opens the page of an audit at an address, in a window of the usual size."""

    def opened(address: str = "/", audit: Audit = DEMO, *before: Audit, **emulated: Any) -> Browser:
        file = tmp_path / "index.html"
        file.write_text(render(document(audit), [document(each) for each in before]), encoding="utf-8")
        browser.emulate(**emulated)
        browser.open(f"{file.as_uri()}#{address}")
        return browser

    return opened


def verdicts_on(page: Browser) -> set[tuple[str, str]]:
    """State and resource of each row."""
    rows = page.js(
        """[...document.querySelectorAll("table.verdicts tbody tr:not(.group)")].map((row) =>
            [row.querySelector(".state").textContent, row.querySelector(".subject a").textContent])"""
    )
    return {(state, name) for state, name in rows}


def text_of(page: Browser, selector: str = "main") -> str:
    return page.js(f"document.querySelector({json.dumps(selector)}).innerText")


def click(page: Browser, text: str, within: str = "main") -> None:
    """Follows the link, or clicks the button or label, of this text."""
    page.js(f"""(() => {{
        const found = [...document.querySelectorAll({json.dumps(within)} + " :is(a, button, label)")];
        found.find((each) => each.textContent.trim().startsWith({json.dumps(text)})).click();
    }})()""")
    page.js("new Promise((done) => setTimeout(done))")  # navigation within a page is a task of its own


def focused(page: Browser) -> str:
    return page.js("document.activeElement.id || document.activeElement.textContent.trim()")


@pytest.mark.parametrize("address", VIEWS)
def test_every_view_opens_without_complaints_and_requests(show: Show, address: str) -> None:
    page = show(address, DEMO, OLD)
    assert page.js("document.querySelectorAll('h1').length") == 1
    page.js("new Promise(requestAnimationFrame)")
    assert (page.complaints, [each.partition("#")[0] for each in page.requests]) == ([], [page.js("location.href.split('#')[0]")])


def test_the_page_may_not_ask_the_network(show: Show) -> None:
    page = show()
    with pytest.raises(PageError, match="Failed to fetch"):
        page.js("fetch('https://mastertrade.example/')")
    assert any("Content Security Policy" in each for each in page.complaints)


def test_the_overview_counts_by_pack_framework_and_region(show: Show) -> None:
    page = show()
    assert "Not compliant: 2 failed or unknown under mandatory controls." in text_of(page)
    rows = page.js(
        """Object.fromEntries([...document.querySelectorAll(".counts tbody tr")].map((row) =>
            [row.cells[0].textContent, [...row.querySelectorAll(".figure")].map((each) => each.textContent)]))"""
    )
    assert rows == {  # fail, unknown, waived, pass, not applicable
        "encryption": ["1", "0", "1", "2", "0"],
        "exposure": ["0", "1", "0", "0", "1"],
        "NIST Special Publication 800-53 Revision 5": ["0", "0", "1", "1", "0", "2 of 3"],
        "no region": ["0", "0", "0", "0", "1"],
        "us-east-1": ["1", "1", "0", "2", "0"],
        "us-west-2": ["0", "0", "1", "0", "0"],
    }
    assert page.js("document.querySelectorAll('.counts .picture .is-fail').length") == 2


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ("", {"east-database", "west-database", "orders", "plain", "door", "wall"}),
        ("state=fail", {"plain"}),
        ("state=fail,waived", {"plain", "west-database"}),
        ("pack=exposure", {"door", "wall"}),
        ("framework=nist-800-53-r5", {"east-database", "west-database"}),
        ("framework=nist-800-53-r5&requirement=SC-29", set()),
        ("region=us-west-2", {"west-database"}),
        ("region=none", {"wall"}),
        ("severity=medium", {"orders", "plain"}),
        ("q=QUEUE+orders", {"orders"}),
        ("q=known+after", {"door"}),
        ("pack=encryption&region=us-east-1&state=pass&q=database", {"east-database"}),
    ],
)
def test_filters_in_the_address_select_verdicts(show: Show, query: str, selected: set[str]) -> None:
    page = show(f"/verdicts?{query}")
    assert {name for _, name in verdicts_on(page)} == selected
    assert text_of(page, "[role=status]").startswith(f"{len(selected)} of 6 verdicts")


def test_filters_of_the_form_go_to_the_address_and_back_again(show: Show) -> None:
    page = show("/verdicts")
    click(page, "fail", "form")
    assert page.js("location.hash") == "#/verdicts?state=fail"
    assert verdicts_on(page) == {("fail", "plain")}
    page.js("(() => { const pack = document.querySelector('.filters select'); pack.value = 'exposure'; "
            "pack.dispatchEvent(new Event('change', {bubbles: true})); })()")  # fmt: skip
    assert page.js("location.hash") == "#/verdicts?state=fail&pack=exposure"
    assert verdicts_on(page) == set()
    page.js("new Promise((done) => { addEventListener('hashchange', done, {once: true}); history.back(); })")
    assert (page.js("location.hash"), verdicts_on(page)) == ("#/verdicts?state=fail", {("fail", "plain")})
    assert page.js("document.querySelector('.filters select').value") == ""


def test_the_back_button_returns_to_the_view_before(show: Show) -> None:
    page = show("/framework/nist-800-53-r5?state=waived")
    click(page, "SC-28")
    assert "SC-28 What is stored stays secret" in text_of(page, "h1")
    assert focused(page) == "SC-28 What is stored stays secret", "a reader of screens is told where they are"
    page.js("new Promise((done) => { addEventListener('hashchange', done, {once: true}); history.back(); })")
    assert "NIST Special Publication" in text_of(page, "h1")
    assert page.js("[...document.querySelectorAll('.filters :checked')].map((each) => each.value)")[0] == "waived"
    assert text_of(page, "[role=status]") == "1 of 3 requirements"


def test_frameworks_lead_down_to_requirement_control_and_resource(show: Show) -> None:
    page = show("/frameworks")
    for text, heading in (
        ("NIST", "NIST Special Publication 800-53"),
        ("SC-28", "SC-28 What is stored stays secret"),
        ("enc-rds-storage", "Storage of database clusters is encrypted"),
        ("west-database", "west-database"),
    ):
        click(page, text)
        assert text_of(page, "h1") == heading
    assert "urn:pulumi:prod::demo::demo:index:Region$aws:rds/cluster:Cluster::west-database" in text_of(page)
    assert page.js("decodeURIComponent(location.hash)") == f"#/resource/{DEMO.verdicts[1].urn}"


def test_requirements_say_why_nothing_serves_them(show: Show) -> None:
    page = show("/framework/nist-800-53-r5?state=not+covered")
    assert "is written by people" in text_of(page, ".requirements")
    assert "SC-28" not in text_of(page, ".requirements")


def test_the_auditors_question_is_answered_within_three_clicks(show: Show) -> None:
    page = show("/", DEMO, OLDER, OLD)
    page.js("document.getElementById('search-text').focus()")  # one
    page.type("database encrypted")
    page.press("Enter")  # two
    page.until("document.querySelector('.answer')")
    assert verdicts_on(page) == {("pass", "east-database"), ("waived", "west-database")}, "is every database encrypted"
    answer = text_of(page, ".answer")
    assert "commit f047e57c90 of 2026-11-25 22:22 UTC" in answer
    assert "1 since commit aaaaaaaaaa of 2026-01-10 08:00 UTC, or longer" in answer, "since which commit"
    assert "1 changed or new after commit bbbbbbbbbb" in answer
    assert f"enc-rds-storage of west-database accepted by ada@demo.example on {WAIVER.accepted} until {WAIVER.expires}" in answer, "by whom"
    assert f"{DAYS_LEFT} days left, OPS-7" in answer


def test_what_was_otherwise_in_between_is_not_unchanged(show: Show) -> None:
    between = earlier("b", "2026-06-10T08:00:00+00:00", east_database=State.FAIL)
    page = show("/control/enc-rds-storage", DEMO, between, OLDER)  # pass, then fail, then pass
    (row,) = page.js(
        "[...document.querySelectorAll('tbody tr')].map((row) => row.innerText).filter((each) => each.includes('east-database'))"
    )
    assert "fail at bbbbbbbbbb" in row


def test_waivers_show_days_left_and_what_ended(show: Show) -> None:
    ended = replace(WAIVER, owner="eve@demo.example", accepted="2020-01-01", expires="2020-02-01")
    page = show("/waivers", replace(DEMO, verdicts=(*DEMO.verdicts, verdict("enc-rds-storage", "old", State.WAIVED, waiver=ended))))
    rows = page.js("[...document.querySelectorAll('tbody tr')].map((row) => row.innerText.replaceAll(/\\s+/g, ' '))")
    assert rows[0].startswith("ended ")
    assert "eve@demo.example" in rows[0]
    assert rows[1].startswith(f"{DAYS_LEFT} days left ada@demo.example enc-rds-storage")
    assert "restored with the next release OPS-7" in rows[1]


def test_gaps_name_types_controls_and_requirements_without_verdicts(show: Show) -> None:
    said = text_of(show("/gaps"))
    assert "3 resources of 1 type about which no control says anything" in said
    assert "1 disabled control" in said
    assert "2 controls with nothing to judge here" in said
    assert "random:index/randomId:RandomId 3 nobody has said why" in " ".join(said.split())
    reasoned = text_of(show("/gaps", replace(DEMO, reasons={"random:index/randomId:RandomId": "part of a name"})))
    assert "random:index/randomId:RandomId 3 part of a name" in " ".join(reasoned.split())


def test_evidence_of_a_run_of_the_cli_says_what_it_cannot_tell(show: Show) -> None:
    page = show("/", replace(DEMO, mode="pulumi update", limits=("Which commit was run is not told.",)))
    assert "made of an update of the Pulumi CLI" in text_of(page, "header")
    assert "What this evidence cannot tell\nWhich commit was run is not told." in text_of(page)


def test_changes_are_told_with_before_and_after(show: Show) -> None:
    page = show("/changes", DEMO, OLDER)
    rows = page.js(
        """[...document.querySelectorAll("table.verdicts tbody tr")].map((row) =>
            [...row.cells].slice(0, 4).map((each) => each.innerText.split(/\\s/)[0]))"""
    )
    assert rows == [["worse", "pass", "fail", "plain"], ["better", "fail", "waived", "west-database"], ["new", "none", "unknown", "door"]]
    click(page, "better", "form")
    assert page.js("location.hash") == "#/changes?since=0&state=better"
    assert text_of(page, "[role=status]").startswith("1 change between commit aaaaaaaaaa")


def test_a_file_of_the_reader_is_compared_with(show: Show, tmp_path: Path) -> None:
    page = show("/changes")
    chosen = tmp_path / "evidence.json"
    chosen.write_text(to_json(document(OLD)))
    page.choose("input[type=file]", chosen)
    page.until("document.querySelector('[role=status]')")
    assert text_of(page, "[role=status]").startswith("2 changes between commit bbbbbbbbbb of 2026-06-10")
    assert page.requests[1:] == []
    page.js("location.hash = '#/control/enc-rds-storage'")
    page.until("document.querySelector('h1').textContent.startsWith('Storage')")
    assert "1 since commit bbbbbbbbbb" in text_of(page, ".answer")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is no whole JSON document"),
        (to_json(document(OLD))[:-300], "is no whole JSON document"),
        ("[]", "is no evidence of format 1"),
        ('{"version": "2.1.0", "runs": []}', "is no evidence of format 1"),
        (to_json(document(OLD)).replace('"state": "pass"', '"state": "great"'), "is no evidence of format 1"),
        (to_json(document(replace(OLD, stack="dev"))), "is of demo dev; allowed: evidence of demo prod"),
    ],
)
def test_a_wrong_file_is_one_clear_error_on_the_page(show: Show, tmp_path: Path, content: str, told: str) -> None:
    page = show("/changes")
    (tmp_path / "odd.json").write_text(content)
    page.choose("input[type=file]", tmp_path / "odd.json")
    page.until("document.querySelector('[role=alert] li')")
    assert f"odd.json {told}" in text_of(page, "[role=alert]")
    assert page.js("document.querySelectorAll('[role=alert] li').length") == 1
    assert page.complaints == []


def test_the_keyboard_is_enough(show: Show) -> None:
    page = show("/verdicts")
    page.press("Tab")
    assert focused(page) == "Skip to content"
    page.press("Enter")
    assert focused(page) == "main"
    page.press("Tab")
    page.press(" ")
    assert page.js("location.hash") == "#/verdicts?state=fail", "the first thing after the heading is the first filter"
    assert focused(page) == "", "and it keeps the focus"
    for _ in range(3):
        page.press("Tab", shift=True)
    assert page.js("document.activeElement.closest('nav, header') !== null")
    page.js("document.getElementById('search-text').focus()")
    page.type("plain ")
    assert page.js("location.hash") == "#/verdicts?state=fail&q=plain", "typing filters at once"
    assert page.js("document.getElementById('search-text').value") == "plain "
    page.press("Escape")
    assert (page.js("location.hash"), page.js("document.getElementById('search-text').value")) == ("#/verdicts?state=fail", "")


def test_the_tab_key_follows_the_order_on_the_page(show: Show) -> None:
    page = show("/")
    order: list[str] = []
    for _ in range(14):
        page.press("Tab")
        order.append(focused(page))
    assert order == [
        "Skip to content", "Evidence", "search-text", "Search", "theme", "Not compliant",
        "Overview", "Verdicts", "Frameworks", "Controls", "Waivers", "Coverage gaps", "What changed since", "1 fail",
    ]  # fmt: skip
    outline = page.js("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "where the focus is can be seen"


GROUND, INK = "getComputedStyle(document.body).backgroundColor", "getComputedStyle(document.body).color"


def test_the_theme_is_the_systems_or_the_readers(show: Show) -> None:
    light = show("/").js(GROUND)
    page = show("/", dark=True)
    dark = page.js(GROUND)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 23, 26)")
    page.js("(() => { theme.value = 'light'; theme.dispatchEvent(new Event('change')); })()")
    assert page.js(GROUND) == light


ROWS = "document.querySelectorAll('tbody tr:not(.group)').length"


def test_rows_are_drawn_as_the_reader_comes_near_them_and_many_when_asked_for(show: Show) -> None:
    page = show("/verdicts?state=pass", large(10_000))
    assert page.js(ROWS) == 30
    assert page.js("document.querySelector('.more').getBoundingClientRect().top > innerHeight"), "they fill the window"
    page.js("document.querySelector('.more').scrollIntoView()")
    page.until(f"{ROWS} === 100")
    assert text_of(page, ".more").startswith("100 of ")
    click(page, "Show 500 more", ".more")
    assert page.js(ROWS) == 600


def test_print_is_light_and_shows_all_that_is_filtered(show: Show) -> None:
    page = show("/verdicts?state=pass", large(300), dark=True)
    assert page.js(ROWS) < 270
    assert page.pdf().startswith(b"%PDF")
    assert page.js(ROWS) == 270
    page.emulate(media="print", dark=True, width=700)  # A4
    assert page.js("document.documentElement.scrollWidth") == 700
    assert page.js(GROUND) == "rgb(255, 255, 255)"
    assert page.js(
        "['.filters', '#search', 'header nav', '.more'].every((each) => getComputedStyle(document.querySelector(each)).display === 'none')"
    )
    assert page.js("getComputedStyle(document.querySelector('.picture')).printColorAdjust") == "exact"


@pytest.mark.parametrize("address", [*VIEWS[1:3], VIEWS[4], VIEWS[8], "/waivers"])
def test_a_phone_scrolls_in_one_direction_only(show: Show, address: str) -> None:
    page = show(address, DEMO, OLD, width=360, height=700)
    assert page.js("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(show: Show, dark: bool) -> None:
    page = show("/", DEMO, OLD, dark=dark)
    page.js(f"{files('axe_core_python').joinpath('axe.min.js').read_text(encoding='utf-8')}; 1")
    found: list[str] = []
    for address in VIEWS:
        page.js(f"new Promise((done) => {{ const to = {json.dumps('#' + address)}; if (to === location.hash) done(); "
                "addEventListener('hashchange', done, {once: true}); location.hash = to; })")  # fmt: skip
        # themes differ in colours only
        rules = "{runOnly: ['color-contrast'], resultTypes: ['violations']}" if dark else "{resultTypes: ['violations']}"
        answer = page.js(f"axe.run({rules})")
        found += [f"{address}: {each['impact']} {each['id']} {each['nodes'][0]['html']}" for each in answer["violations"]]
    assert found == []


HOSTILE = {
    "markup": "</script><script>window.struck=1</script><img src=x onerror=window.struck=1>",
    "placeholders": "{{script}} {{evidence}} ${struck} \\u003c",
    "bidirectional": "a\u202efdp.exe\u2066\u200f\u05d0",
    "separators": "one\u2028two\u2029three\u0007",
    "half": "lone\ud800surrogate",
    "prototype": "__proto__",
    "path": "../..//%2e%2e/?x#y%",
    "long": "x" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_are_inert(show: Show, name: str) -> None:
    odd = control("enc-odd", name)
    audit = replace(
        DEMO,
        packs=(*DEMO.packs, AuditedPack(name, name, name)),
        controls=(*DEMO.controls, replace(odd, id=name, pack=name, references=(f"javascript:{name}",), rationale=name, severity=name)),
        verdicts=(
            *DEMO.verdicts,
            verdict(
                name, name, State.WAIVED, type_=name, region=name, message=name,
                findings=(Finding(name, name, name),), waiver=WaiverOfVerdict(name, name, name, name, name, name),
            ),
        ),
        unjudged={name: 1},
    )  # fmt: skip
    urn = audit.verdicts[-1].urn
    page = show("/verdicts?state=waived", audit)
    assert page.js("typeof struck") == "undefined"
    assert page.js("document.querySelectorAll('main img, main script').length") == 0
    page.js("[...document.querySelectorAll('main .verdicts .subject a')].at(-1).click()")
    page.until("document.querySelector('.whole')")
    assert page.js("document.querySelector('.whole').textContent.length") >= len(urn), "its address leads to it, and it is told whole"
    assert page.js("document.documentElement.scrollWidth") == 1280
    assert page.js("/[\\u202a-\\u202e\\u2066-\\u2069\\u2028\\u2029]/.test(document.body.innerText + document.title)") is False
    for address in ("/", "/waivers", "/gaps", "/controls"):
        page.js(f"location.hash = '#{address}'; new Promise((done) => setTimeout(done))")
    assert page.js("document.querySelectorAll('a[href^=\"javascript\"]').length") == 0
    assert page.js("[...document.querySelectorAll('main bdi')].every((each) => getComputedStyle(each).unicodeBidi === 'isolate')")
    assert page.complaints == []


def test_ten_thousand_verdicts_stay_usable(show: Show) -> None:
    page = show("/verdicts", large(10_000))
    opened = page.js("performance.getEntriesByType('navigation')[0].loadEventEnd")
    page.js("document.getElementById('search-text').focus()")
    page.js(
        """window.filtered = [];
        addEventListener("input", () => {
            const begun = performance.now();
            requestAnimationFrame(() => setTimeout(() => filtered.push(performance.now() - begun))); // when it has been drawn
        }, true)"""
    )
    for number, letter in enumerate("resource-19", 1):
        page.type(letter)
        page.until(f"filtered.length === {number}")
    filtered = statistics.median(page.js("filtered"))
    assert text_of(page, "[role=status]") == "555 of 10,000 verdicts for “resource-19”"
    print(f"\n10 000 verdicts: opened in {opened:.0f} ms, filtered in {filtered:.0f} ms, drawing included")
    assert opened < OPENS_MILLISECONDS
    assert filtered < FILTERS_MILLISECONDS


def test_the_same_evidence_is_the_same_page() -> None:
    assert render(document(DEMO), [document(OLD)]) == render(document(DEMO), [document(OLD)])
