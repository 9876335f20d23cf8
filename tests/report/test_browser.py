"""The report in a browser: charts answer to pointer and keys, tables sort, nothing leaves the page."""

import os
from pathlib import Path

import pytest

import bayesmixed as bm

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists() and not os.environ.get("CI"), reason="no chromium: apt-get install chromium"
)
SIZES = {"desktop": (1200, 900), "phone": (390, 800)}


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory, documents):
    folder = tmp_path_factory.mktemp("reports")
    paths = {name: folder / f"{place}.html" for place, name in enumerate(documents)}
    for name, text in documents.items():
        paths[name].write_text(text, encoding="utf-8")
    return paths


@pytest.fixture
def open_report(browser, reports):
    """Return a function that opens a report; afterwards the page must have been silent and alone."""
    pages, noise = [], []

    def show(name, size="desktop"):
        width, height = SIZES[size]
        page = browser.new_page(viewport={"width": width, "height": height})
        pages.append(page)
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("dialog", lambda dialog: noise.append(dialog.message))
        page.on("request", lambda request: noise.append(request.url))
        page.goto(reports[name].as_uri())
        assert noise.pop(0) == reports[name].as_uri()
        return page

    yield show
    for page in pages:
        page.close()
    assert [text for text in noise if not text.startswith("data:")] == []


def read(page):
    return page.locator("#groups-0 .told").inner_text()


def point_at(page, row, rows):
    """Move the pointer over the middle of a row of the chart."""
    box = page.locator("#groups-0 > svg")
    box.scroll_into_view_if_needed()
    height = min(20.0, 560.0 / rows)
    box.hover(position={"x": 200, "y": 4 + (row + 0.5) * height})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["15 groups", "2,000 groups", "slopes", "crossed", "nasty names"])
def test_a_report_opens_without_a_word_and_is_no_wider_than_the_screen(open_report, name, size):
    page = open_report(name, size)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert page.locator("#groups-0 > svg path").count() > 4


def test_pointing_at_a_group_tells_its_three_estimates(open_report):
    page = open_report("15 groups")
    point_at(page, 0, 15)
    assert read(page).startswith("herd herd 14, 3 rows. Own data alone: ")
    assert "Partial pooling: 11.5" in read(page)
    point_at(page, 14, 15)
    assert "Partial pooling: 8.5" in read(page)
    assert "Shrinkage factor: 0." in read(page)


def test_one_of_two_thousand_groups_is_found_by_pointer_and_by_name(open_report):
    page = open_report("2,000 groups")
    point_at(page, 1000, 2000)
    assert "Partial pooling: 10.0" in read(page)
    page.get_by_label("Show only names with").fill("herd 1234")
    assert read(page).startswith("1 of 2000 groups")
    point_at(page, 0, 1)
    assert read(page).startswith("herd herd 1234, 2 rows")


def test_arrow_keys_go_from_group_to_group(open_report):
    page = open_report("15 groups")
    page.locator("#groups-0 > svg").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert read(page).startswith("herd herd 13,")
    page.keyboard.press("ArrowUp")
    assert read(page).startswith("herd herd 14,")


def test_the_chart_orders_by_name_and_by_factor(open_report):
    page = open_report("15 groups")
    page.get_by_label("Order by").select_option(label="name")
    point_at(page, 0, 15)
    assert read(page).startswith("herd herd 0,")
    page.get_by_label("Order by").select_option(label="estimate")
    point_at(page, 0, 15)
    assert read(page).startswith("herd herd 14,")


def test_scale_and_coefficient_are_switched(open_report):
    page = open_report("slopes")
    scale = page.locator("label", has_text="Scale").locator("select")
    assert scale.locator("option").all_inner_texts() == [
        "probability, where x is 0",
        "logit of it",
    ]
    point_at(page, 0, 6)
    on_response = read(page)
    scale.select_option(label="logit of it")
    point_at(page, 0, 6)
    assert "Partial pooling: 0." in on_response
    assert "Partial pooling: -0." in read(page)
    page.get_by_label("Coefficient").select_option(label="slope of x")
    assert scale.locator("option").all_inner_texts() == ["slope of x, logit scale"]


def test_the_table_is_sorted_by_its_headers_and_filtered_with_the_chart(open_report):
    page = open_report("15 groups")
    page.get_by_text("Table of herd (15 groups)").click()
    table = page.locator("[data-table-of=groups-0] table")
    head = table.get_by_role("columnheader", name="partial")
    first = table.locator("tbody tr:visible th").first
    head.get_by_role("button").click()
    assert (head.get_attribute("aria-sort"), first.inner_text()) == ("ascending", "herd 0")
    head.get_by_role("button").click()
    assert (head.get_attribute("aria-sort"), first.inner_text()) == ("descending", "herd 14")
    page.get_by_label("Show only names with").fill("herd 7")
    assert table.locator("tbody tr:visible").count() == 1


@pytest.mark.parametrize("size", SIZES)
def test_names_of_groups_are_inside_the_chart_in_any_alphabet(open_report, size):
    page = open_report("nasty names", size)
    chart = page.locator("#groups-0 > svg")
    assert "北海道" in chart.text_content()
    outside = """(svg) => [...svg.querySelectorAll("text")].filter((name) =>
      name.getBoundingClientRect().left < svg.getBoundingClientRect().left - 1).length"""
    assert chart.evaluate(outside) == 0


def test_names_from_the_data_stay_text(open_report):
    page = open_report("nasty names")
    page.get_by_label("Show only names with").fill("<script>")
    point_at(page, 0, 1)
    assert "<script>alert(1)</script>, 3 rows" in read(page)


def test_every_control_has_a_label_and_text_has_contrast(open_report):
    page = open_report("slopes")
    unlabelled = page.evaluate("[...document.querySelectorAll('select, input')].filter((x) => !x.labels.length).length")
    assert unlabelled == 0
    assert page.evaluate(CONTRAST) >= 4.5


CONTRAST = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = (node) => {
    const style = getComputedStyle(node), pair = [light(style.color), light(ground(node))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  };
  const told = [...document.querySelectorAll("body *")].filter((node) => node.children.length === 0 && node.innerText);
  return Math.min(...told.map(ratio));
}"""


SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reports_and_the_site_have_no_violation_of_accessibility(browser, reports, scheme):
    from axe_playwright_python.sync_playwright import Axe

    pages = [reports["15 groups"], reports["nasty names"]]
    if SITE.exists():  # .ci/run builds it first
        pages += [SITE / f"{name}.html" for name in ("index", "questions", "formulas", "guide/check")]
    for path in pages:
        page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme=scheme)
        page.goto(path.as_uri())
        found = Axe().run(page)
        page.close()
        assert found.violations_count == 0, f"{path.name}: {found.generate_report()}"
        assert len(found.response["passes"]) > 10


def test_notes_beside_equations_wrap_and_overlap_nothing(browser):
    page = browser.new_page(viewport={"width": 640, "height": 900})
    page.set_content(bm.load_spec("lexical_decision_log")._repr_html_())
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    gaps = page.evaluate("""() => {
    const extent = (cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return range.getBoundingClientRect();
    };
    return [...document.querySelectorAll("mtr")].flatMap((row) => {
      const told = [...row.children].map((cell) => extent(cell));
      return told.slice(1).map((box, i) => box.left - told[i].right);
    });
  }""")
    page.close()
    assert len(gaps) > 10
    assert min(gaps) > 0
