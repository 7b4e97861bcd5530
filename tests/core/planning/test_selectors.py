"""Selector expressions."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from odibi_core.errors import SelectionError
from odibi_core.planning.graph import Edge
from odibi_core.planning.selectors import select


@dataclass
class Row:
    transformation_id: str
    layer: str
    tags: tuple[str, ...] = ()


ROWS = [Row("raw", "Bronze"), Row("clean", "Silver", ("nightly",)), Row("other", "Silver"), Row("report", "Gold")]
EDGES = [Edge(0, 1, ""), Edge(1, 3, "")]


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        pytest.param(["clean"], {1}, id="id"),
        pytest.param(["+clean"], {0, 1}, id="upstream"),
        pytest.param(["clean+"], {1, 3}, id="downstream"),
        pytest.param(["+clean+"], {0, 1, 3}, id="both ways"),
        pytest.param(["tag:nightly"], {1}, id="tag"),
        pytest.param(["layer:silver"], {1, 2}, id="layer ignores case"),
        pytest.param(["raw,other"], {0, 2}, id="comma adds"),
        pytest.param(["raw other", "report"], {0, 2, 3}, id="blanks and repetition add"),
        pytest.param(["r*"], {0, 3}, id="pattern"),
    ],
)
def test_expression_selects(expressions, expected):
    assert select(ROWS, edges=EDGES, expressions=expressions) == expected


@pytest.mark.parametrize("id_", ["two words", "a,b", "+plus", "plus+", "star*", "tag:nightly", "layer:Silver"])
def test_id_that_looks_like_an_expression_is_that_id(id_):
    rows = [*ROWS, Row(id_, "Silver"), Row("star-other", "Silver")]

    assert select(rows, edges=EDGES, expressions=[id_]) == {len(ROWS)}


def test_unknown_id_names_what_there_is_and_what_may_be_meant():
    with pytest.raises(
        SelectionError, match=r"No transformation 'claen'.*clean, other, raw, report.*Did you mean 'clean'"
    ):
        select(ROWS, edges=EDGES, expressions=["claen"])


def test_unknown_tag_names_the_tags():
    with pytest.raises(SelectionError, match=r"No tag 'daily'.*There are: nightly"):
        select(ROWS, edges=EDGES, expressions=["tag:daily"])
