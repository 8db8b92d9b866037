"""Text of pages: complete and readable on ten saved pages, and linear in time on hostile ones."""

import time
from pathlib import Path

import pytest

from basechat.toolbox.web.encoding import decode
from basechat.toolbox.web.markup import readable

PAGES = Path(__file__).parent / "pages"

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


@pytest.mark.parametrize(
    ("page", "parts", "missing"),
    [
        ("news_ko", ["# 서울시, 심야 버스 노선 14개로 확대\n\n김하늘 기자", "- N12: 김포공항 – 여의도 – 서울역\n- N13"],
         ["무료", "많이 본 기사", "정치", "개인정보", "adsbygoogle"]),
        ("news_en", ["By Dana Okoro, 12 October 2026", "The terminal would cost £38 million and replace"],
         ["Accept all", "Terms", "Subscribe"]),
        ("blog_ko", ["유휴 24W → 9W.", "# powertop --auto-tune\necho powersave", "나는 pcie_aspm=off로 되돌렸다.",
                     "산책자 저도"], []),
        ("docs_en", ["from queuelib import Retry\n\npolicy = Retry(\n    attempts=5,",
                     "    first_delay=0.5,   # seconds",
                     "| Option | Type | Default\n| attempts | int | 3", "jitter\nAdds up to 10 % to each delay."],
         ["Quickstart", "generator"]),
        ("docs_ko", ["| 코드 | HTTP | 설명\n| E-401 | 401 | 키가 없거나 만료되었습니다.\n", "geocode?q=판교역\"\n{",
                     "- 콘솔에서 키를 만듭니다.\n- 허용"], ["시작하기"]),
        ("forum_en", ["I use 1% instant yeast & 68% water.", "That is your answer. Use water at 35 °C",
                      "Overnight worked!"], []),
        ("shop_ko", ["- 저소음 적축 K8 Pro 129,000원 99,000원 ★4.7 (1,204)\n- 접이식", "품절"], ["사업자등록번호"]),
        ("cp949_ko", ["똠방각하 독서 모임", "매달 둘째 주 토요일 오후 3시, 2층", "펲시콜라의 역사(ㅎㅎ)입니다."], []),
        ("script_only", [], ["JavaScript", "not text", "STATE"]),
        ("broken_en", ["### Minutes of 4 May\n\nPresent: Ada, Bo & Chi (late)\n\n1. Budget: 3 < 4, so we wait.",
                       "- Ada asks the bank\n- Bo prints the posters", "Room 5", "Signed: Chi"], []),
    ],
)  # fmt: skip
def test_saved_pages(page: str, parts: list[str], missing: list[str]) -> None:
    title, text = readable(decode((PAGES / f"{page}.html").read_bytes(), None))
    assert title
    assert [part for part in parts if part not in text] == []
    assert [part for part in missing if part in text] == []


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


def test_a_page_that_makes_parsers_copy_elements_costs_linear_time() -> None:
    open_elements = "".join(f"<b id={number}>" for number in range(500))
    start = time.perf_counter()
    readable(f"<p>{open_elements}</p>" + "<p>x" * 40_000)
    assert time.perf_counter() - start < SECONDS


@pytest.mark.parametrize("number", ["1" * SIZE, "x" + "f" * SIZE, "0" * 5_000 + "65"])
def test_entities_of_any_length(number: str) -> None:
    assert readable(f"a&#{number};b")[1].startswith("a")
