"""What notebooks show: legible on any background, with all text escaped."""

import re

from reno_store.runtime.notebooks import (
    html_details,
    html_preformatted,
    html_table,
    html_text,
    html_view,
)


def test_no_colour_and_no_background_is_fixed():
    shown = html_view("A", html_table(["b"], [[1]]))
    values = re.findall(r"(?:^|[{;\s])(color|background(?:-color)?):\s*([^;}]+)", shown)
    assert values
    assert {(name, value.split()[0]) for name, value in values} <= {
        ("color", "inherit"),
        ("background", "none"),
    }


def test_its_rules_are_for_itself_alone():
    style = re.search(r"<style>(.*)</style>", html_view("A"), re.DOTALL).group(1)
    selectors = re.sub(r"\{[^}]*\}", "\n", style).replace(",", "\n").split("\n")
    selectors = [each.strip() for each in selectors if each.strip()]
    assert selectors
    assert all(each.startswith(".reno-store") for each in selectors)


def test_numbers_are_on_the_right():
    shown = html_table(["name", "n", "share"], [["a", 1200, "12.5 %"], ["b", 7, ""]])
    assert '<td>a</td><td class="number">1,200</td><td class="number">12.5 %</td>' in shown
    assert '<th>name</th><th class="number">n</th>' in shown


def test_the_middle_of_a_long_table_is_left_out_and_counted():
    shown = html_table(["n"], [[n] for n in range(100)])
    assert "… 60 more" in shown
    assert [int(n) for n in re.findall(r">(\d+)</td>", shown)] == [*range(20), *range(80, 100)]
    assert "<tbody></tbody>" in html_table(["n"], [])


def test_every_text_is_escaped():
    odd = "<b>&"
    table = html_table([odd], [[odd]], odd)
    shown = html_view(odd, html_text(odd), table, html_details(odd, html_preformatted(odd)))
    assert shown.count("&lt;b&gt;&amp;") == 7
    assert html_text("") == ""
