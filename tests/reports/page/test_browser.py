"""The page in a real browser: Chromium without a window, through selenium."""

import shutil

import pytest
from factories.made_up_pages import (
    draw_svg,
    make_answers,
    make_claims,
    make_clips,
    make_comparisons,
    make_figures,
)
from factories.odd_studies import make_study

from reno_store.reports.commands import PythonCalls
from reno_store.reports.page import write_page
from reno_store.reports.tables import tables_of

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

PROGRAMS = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LUMINANCE = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
  .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (node) => {
  for (; node; node = node.parentElement) {
    const rgb = parse(getComputedStyle(node).backgroundColor);
    if (rgb.length < 4 || rgb[3] > 0) return rgb;
  }
  return [255, 255, 255];
};
"""
CONTRASTS = (
    LUMINANCE
    + """
const found = {};
for (const node of document.querySelectorAll("main *, header *")) {
  const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
  if (!own || !node.getClientRects().length) continue;
  const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const name = node.tagName + "." + node.className;
  found[name] = Math.min(found[name] ?? 99, ratio);
}
return [found, light(ground(document.body))];
"""
)


@pytest.fixture(scope="module")
def study():
    return make_study(datasets=("jnv", "vivae"), lacking=("wav2vec2-base",))


@pytest.fixture(scope="module")
def address(study, tmp_path_factory):
    path = write_page(
        study,
        tmp_path_factory.mktemp("page") / "report.html",
        answers=make_answers(study),
        clips=make_clips(study),
        tables=tables_of(study),
        claims=make_claims(study),
        comparisons=make_comparisons(study),
        figures=make_figures(study),
        to_svg=draw_svg,
    )
    return path.as_uri()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """One browser for all tests here, with a profile of its own."""
    for name, program in PROGRAMS.items():
        if program is None:
            pytest.skip(f"{name} is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = PROGRAMS["chromium"]
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # The driver's own path, so that selenium does not look for one on the network.
    service = webdriver.ChromeService(executable_path=PROGRAMS["chromedriver"])
    browser = webdriver.Chrome(options=options, service=service)
    try:
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def browser(chromium, address):
    """The page, freshly loaded at the width of a desktop, in light colours."""
    show(chromium, 1280)
    chromium.get_log("browser")
    chromium.get("about:blank")
    chromium.get(address)
    return chromium


def show(browser, width_px, *, scheme="light", scripts=True):
    """Set what the next page is shown on."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    metrics = {"width": width_px, "height": 800, "deviceScaleFactor": 1, "mobile": width_px < 500}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def heading(browser, text, table="table-1"):
    """Find the button that sorts a column of a table."""
    button, *_ = (
        each
        for each in find(browser, f"table[aria-labelledby='{table}'] button.sort")
        if each.text.startswith(text)
    )
    return button


def column(browser, number, table="table-1", body=0):
    """Read a column down; None where the row was not computed."""
    return browser.execute_script(
        "return [...document.querySelector(`table[aria-labelledby='${arguments[0]}']`)"
        ".tBodies[arguments[2]].rows].map((row) => { const place = row.cells[arguments[1]]; return "
        "!place || place.className === 'reason' ? null : place.textContent; })",
        table,
        number,
        body,
    )


def means(browser, number=2, **others):
    texts = column(browser, number, **others)
    return [float(text.split()[0]) if text else None for text in texts]


def direction(button):
    return button.find_element("xpath", "..").get_attribute("aria-sort")


def test_the_page_loads_without_a_word_on_the_console(browser):
    assert "jnv and vivae" in browser.title
    assert browser.execute_script("return document.documentElement.className") == "js"
    assert browser.get_log("browser") == []


def test_no_request_leaves_the_page(browser):
    entries = browser.execute_script(
        "return performance.getEntriesByType('resource').map((each) => each.name)"
    )
    assert [name for name in entries if not name.startswith("data:")] == []


def test_the_policy_stops_a_load_and_a_script_from_elsewhere(browser):
    browser.execute_async_script(
        "const done = arguments[0]; const script = document.createElement('script');"
        "script.textContent = 'window.strange = 1'; document.body.append(script);"
        "const image = new Image(); image.onerror = () => done();"
        "image.src = 'http://127.0.0.1:9/x.png'"
    )
    assert browser.execute_script("return window.strange") is None
    told = " ".join(each["message"] for each in browser.get_log("browser"))
    assert "script-src" in told
    assert "img-src" in told


def test_a_click_on_a_heading_sorts_and_a_second_reverses(browser):
    before = column(browser, 1)
    button = heading(browser, "accuracy")
    assert direction(button) is None
    button.click()
    sorted_down = means(browser)
    numbers = [each for each in sorted_down if each is not None]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers != sorted(numbers)
    assert sorted_down == numbers + [None] * 2
    assert direction(button) == "descending"
    button.click()
    assert means(browser) == sorted(numbers) + [None] * 2
    assert direction(button) == "ascending"
    button.click()
    assert column(browser, 1) == before
    assert direction(button) is None


def test_numbers_are_sorted_as_numbers_and_empty_places_stand_last(browser):
    button = heading(browser, "difference")
    for reverse in (True, False):
        button.click()
        texts = column(browser, 4)
        numbers = [float(text.replace("−", "-")) for text in texts if text]
        assert numbers == sorted(numbers, reverse=reverse)
        assert len({text[0] for text in texts if text}) == 2  # there are + and -
        assert not any(texts[len(numbers) :])
        assert len(texts) > len(numbers) > 1


def test_words_are_sorted_by_alphabet(browser):
    button = heading(browser, "models")
    button.click()
    names = column(browser, 1)
    assert names == sorted(names)
    assert direction(button) == "ascending"


def test_only_the_column_that_sorts_says_so(browser):
    heading(browser, "accuracy").click()
    heading(browser, "macro-F1").click()
    sorting = find(browser, "#tables th[aria-sort]")
    assert [each.text.split()[0] for each in sorting] == ["macro-F1"]


def test_the_keyboard_sorts_and_shows_where_it_is(browser):
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    heading(browser, "models").click()
    browser.switch_to.active_element.send_keys(keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.text.startswith("accuracy")
    assert focused.value_of_css_property("outline-style") == "solid"
    assert focused.value_of_css_property("outline-width") == "3px"
    focused.send_keys(keys.ENTER)
    assert direction(focused) == "descending"
    focused.send_keys(keys.SPACE)
    assert direction(focused) == "ascending"


def test_comparisons_sort_too(browser):
    before = column(browser, 0, "comparisons-1", body=1)
    heading(browser, "points", "comparisons-1").click()
    for body in (0, 1):
        section, *texts = column(browser, 1, "comparisons-1", body=body)
        assert section is None
        numbers = [float(text.replace("−", "-")) for text in texts]
        assert numbers == sorted(numbers, reverse=True)
    after = column(browser, 0, "comparisons-1", body=1)
    assert (after[0], sorted(after)) == (before[0], sorted(before))


@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_scrolls_down_alone(browser, address, scripts):
    show(browser, 360, scripts=scripts)
    browser.get(address)
    opened = "document.querySelectorAll('details').forEach((each) => { each.open = true; });"
    show(browser, 360)
    browser.execute_script(opened)
    width, shown = browser.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert width <= shown == 360
    # The tables are wider than the screen, and the columns that name a row stay in sight.
    inner, outer, left = browser.execute_script(
        "const box = document.querySelector('#tables .scroll'); box.scrollLeft = 200;"
        "return [box.scrollWidth, box.clientWidth,"
        " box.querySelectorAll('tbody th')[1].getBoundingClientRect().right]"
    )
    assert inner > outer
    assert 100 < left < outer


def test_a_copy_button_copies_its_own_command(browser, study):
    browser.execute_script(
        "navigator.clipboard.writeText = async (text) => { window.copied = text; };"
        "document.querySelector('#commands-1').open = true"
    )
    button = find(browser, "#commands button.copy")[3]
    button.click()
    assert browser.execute_script("return window.copied") == PythonCalls().cell(
        study, study.cells[3]
    )
    assert button.text == "copied"


def test_without_a_clipboard_the_command_is_selected(browser, study):
    browser.execute_script(
        "navigator.clipboard.writeText = async () => { throw new Error('not allowed'); };"
        "document.execCommand = () => false;"
    )
    button = find(browser, "#versions button.copy")[0]
    button.click()
    assert browser.execute_script("return getSelection().toString()") == PythonCalls().study(study)
    assert button.text == "selected"


def test_a_link_from_a_number_opens_its_command(browser, study):
    link = find(browser, "table[aria-labelledby='table-3'] tbody a")[0]
    name = link.get_attribute("href").partition("#")[2]
    assert not find(browser, f"#{name}")[0].is_displayed()
    link.click()
    row = find(browser, f"#{name}")[0]
    assert row.is_displayed()
    command = PythonCalls().cell(study, study.cells[int(name.removeprefix("cell-")) - 1])
    assert command in " ".join(row.text.split())


def test_figures_of_one_dataset_can_be_shown_alone(browser):
    def shown():
        return [
            each.text.split("\n")[0]
            for each in find(browser, "#figures figure")
            if each.is_displayed()
        ]

    assert len(shown()) == 4
    (option,) = (each for each in find(browser, "#dataset option") if each.text == "vivae")
    option.click()
    assert len(shown()) == 2
    assert all(title.endswith("vivae") for title in shown())


def test_figures_are_drawn(browser):
    sizes = browser.execute_script(
        "return [...document.images].map((each) => [each.complete, each.naturalWidth])"
    )
    assert [width for _, width in sizes] == [322, 322, 322, 672, 322, 672]
    assert all(complete for complete, _ in sizes)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser, scheme):
    show(browser, 1280, scheme=scheme)
    browser.execute_script("document.querySelector('#commands-1').open = true")
    contrasts, ground = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 20
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}
    assert (ground < 0.05) == (scheme == "dark")


@pytest.mark.parametrize(("scheme", "turned"), [("light", False), ("dark", True)])
def test_figures_are_dark_in_the_dark(browser, scheme, turned):
    show(browser, 1280, scheme=scheme)
    filters = {each.value_of_css_property("filter") for each in find(browser, "figure img")}
    assert (filters == {"none"}) is not turned


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_has_the_best_guessing_and_the_figure(browser, address, width, height):
    show(browser, width)
    browser.get(address)
    ends, top, smallest = browser.execute_script(
        "const [key, image] = ['.key', '.answer img'].map((each) => document.querySelector(each));"
        "const sizes = [...key.querySelectorAll('dt, dd, span, strong')]"
        ".map((each) => parseFloat(getComputedStyle(each).fontSize));"
        "return [key.getBoundingClientRect().bottom, image.getBoundingClientRect().top,"
        " Math.min(...sizes)]"
    )
    assert ends < height
    assert top < 0.75 * height
    assert smallest >= 12


@pytest.mark.parametrize(("width", "shown"), [(1280, 413), (390, 247)])
def test_a_figure_has_its_own_picture_for_a_narrow_screen(browser, address, width, shown):
    show(browser, width)
    browser.get(address)
    image = find(browser, ".answer img")[0]
    assert image.size["width"] == shown  # text of 7 points has 12 pixels


def test_pointing_at_a_clip_shows_its_name_label_and_prediction(browser):
    point = find(browser, ".map > svg > use.w")[0]
    webdriver.ActionChains(browser).move_to_element(point).perform()
    detail = find(browser, ".map .detail")[0]
    assert detail.text == "clip-2 · fear · predicted joy (0.75) · speaker f1"


def test_a_click_on_a_clip_plays_its_recording(browser):
    browser.execute_script(
        "HTMLMediaElement.prototype.play = function () { window.played = this.dataset.clip; }"
    )
    find(browser, ".map > svg > use:not(.w)")[0].click()
    assert browser.execute_script("return window.played") is None
    find(browser, ".map > svg > use.w")[0].click()
    assert browser.execute_script("return window.played") == "clip-2"


@pytest.mark.parametrize("scripts", [True, False])
def test_the_map_can_show_mistaken_clips_alone(browser, address, scripts):
    show(browser, 1280, scripts=scripts)
    browser.get(address)
    points = find(browser, ".map")[0].find_elements("css selector", "svg:first-of-type > use")
    box = find(browser, ".map input")[0]
    assert [each.is_displayed() for each in points[:2]] == [True, True]
    box.click()
    assert [each.is_displayed() for each in points[:2]] == [False, True]


def test_without_scripts_everything_is_there_but_what_needs_them(browser, address, study):
    show(browser, 1280, scripts=False)
    browser.get(address)
    assert len(find(browser, "#commands tbody tr")) == len(study.cells)
    assert not any(each.is_displayed() for each in find(browser, "button.copy, .scripted"))
    summary = find(browser, "#commands-1 summary")[0]
    summary.click()
    assert find(browser, "#cell-1")[0].is_displayed()


def test_printing_unfolds_what_is_folded(browser):
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert all(each.is_displayed() for each in find(browser, "#commands tbody tr"))
    browser.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert not find(browser, "#cell-1")[0].is_displayed()
