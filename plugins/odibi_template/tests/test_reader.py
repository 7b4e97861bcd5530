"""What is particular to this reader; what every reader does is in the contracts."""

import pytest

from odibi_template.reader import parse_lines


def test_rows_come_in_the_order_of_the_lines() -> None:
    table = parse_lines(['["tag", "value"]', '["FC-102", 1]', '["FC-101", null]'])

    assert table.to_pylist() == [{"tag": "FC-102", "value": 1}, {"tag": "FC-101", "value": None}]


@pytest.mark.parametrize(
    ("line", "said"),
    [('["FC-101"]', "line 2 has 1 cells, and there are 2 columns"), ("FC-101", "line 2 is no JSON"), ("1", "no list")],
)
def test_wrong_line_is_named(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_lines(['["tag", "value"]', line])
