"""The hidden lines: what they take, and that no text can pass for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.forge import fact, marked
from reconciler.forge.marker import fitting, in_bytes, key_of

TEXTS = st.text() | st.lists(
    st.sampled_from(
        ["<!-- reconciler:fingerprint=eeee -->", "<!-- reconciler:plan:evil -->", "", "```", "~~~~", "word"]
    )
).map("\n".join)


@given(TEXTS)
def test_a_text_never_sets_a_fact_or_the_key(text: str) -> None:
    body = marked(text, "acme", {"fingerprint": "aaaa"})
    assert (key_of(body), fact(body, "fingerprint")) == ("acme", "aaaa")
    assert fact(marked(text, "acme", {}), "fingerprint") is None


def test_a_marker_that_is_there_stays_unless_another_is_asked_for() -> None:
    body = "<!-- reconciler:plan:acme:0f1e -->\n# Plan\n"
    assert key_of(marked(body, None, {})) == "acme:0f1e"
    assert marked(body, "mine", {}) == "<!-- reconciler:plan:mine -->\n\n# Plan\n"
    assert key_of(marked("# Plan", None, {})) == "default"
    assert marked(marked(body, None, {}), None, {}) == marked(body, None, {})


@given(TEXTS, st.integers(300, 2000))
def test_whatever_is_cut_fits_and_keeps_its_head(text: str, most: int) -> None:
    body = fitting(marked(text * 20, "acme", {"fingerprint": "aaaa"}), most)
    assert len(body.encode("utf-16-le", "surrogatepass")) // 2 <= most
    assert fact(body, "fingerprint") == "aaaa"


def test_a_summary_is_measured_in_bytes() -> None:
    """Letters beyond ASCII have two of them or more, and the forge counts those."""
    body = fitting("ÄÖÜ\n" * 200, 1000, in_bytes)
    assert len(body.encode()) <= 1000 < len(fitting("ÄÖÜ\n" * 200, 1000).encode())
    assert "Cut off here" in body


@pytest.mark.parametrize(
    ("opened", "closing"), [("```yaml", "```"), ("~~~~", "~~~~"), ("```\nx\n```", ""), ("````\n```", "````")]
)
def test_a_code_block_is_closed_where_it_is_cut(opened: str, closing: str) -> None:
    body = fitting(opened + "\nsome words" * 100, 500)
    before = body.split("\n\n**Cut off")[0].splitlines()
    assert before[-1] == (closing or "some words")
