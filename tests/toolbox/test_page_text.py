"""From markup to text: what reads well, and in time linear to the page whatever it holds."""

import time

import pytest

from basechat.toolbox.web.markup import readable

SIZE = 500_000
SECONDS = 3.0


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("a &lt;b&gt; &amp;amp; &#44032; &nbsp;c &bogus;", "a <b> &amp; 가 c &bogus;"),
        ("<p>one</p>\n\n\n<p>two<br>three", "one\n\ntwo\nthree"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<H2 class=x>Head</H2>text", "## Head\n\ntext"),
        ("<table><tr><th>a<th>b<tr><td>1<td>2</table>", "| a | b\n| 1 | 2"),
        ("<pre>def f():\n    return\t1</pre>", "def f():\n    return  1"),
        ("3 < 4 and 5 > 2 <3", "3 < 4 and 5 > 2 <3"),
        ("a<!-- <p>no --><!doctype html><?php no ?>b", "ab"),
        ("<script>if (a < b) { '</p>' }</script>x<style>p{}</style><SCRIPT>y</SCRIPT >z", "xz"),
        ("<script>'</scripted>'</script>x", "x"),
        ("<nav><nav>a</nav>b</nav>c<footer>d</footer><svg><title>e</title></svg>f", "cf"),
        ("<textarea><p>no</textarea><noscript>no</noscript>x", "x"),
        ("<script>never closed", ""),
        ("<p", ""),
        ("<", "<"),
        ("", ""),
    ],
)
def test_text(html: str, text: str) -> None:
    assert readable(html) == ("", text)


def test_the_title_is_one_line() -> None:
    assert readable("<title>\n A\n&amp; B </title><title>C</title>x") == ("A & B", "x")


def test_where_main_holds_enough_the_rest_is_left_out() -> None:
    long = "word " * 100
    assert readable(f"<div>before</div><main><p>{long}</main><div>after</div>")[1] == long.strip()
    assert readable("<div>before</div><main><p>short</main>")[1] == "before\n\nshort"


@pytest.mark.parametrize(
    "piece",
    ["<", "</", "<!", "<!--", "<!-", "<?", "<a", "<a ", '<a "', "<a '=", "<p>", "<p", "</p", "<br/>", "<script>",
     "<script></scrip", "<script></script", "<script></script>", "<title>", "<nav>", "<nav></nav>", "<pre>\t", "<pre> ",
     "<main>", "&", "&#", "&#x", "&#1", "&amp", "&notanentity", "\n", " ", "\u00a0", "a\u2003", "\x0b\x1c", " \n",
     "<td>", "]]>", "<![CDATA[", "<h1>", "\ue000"],
)  # fmt: skip
def test_hostile_pages_cost_linear_time(piece: str) -> None:
    start = time.perf_counter()
    readable(piece * (SIZE // len(piece)))
    assert time.perf_counter() - start < SECONDS


@pytest.mark.parametrize("number", ["1" * SIZE, "x" + "f" * SIZE, "0" * 5_000 + "65"])
def test_entities_of_any_length(number: str) -> None:
    assert readable(f"a&#{number};b")[1].startswith("a")
