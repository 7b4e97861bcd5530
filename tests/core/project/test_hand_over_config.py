"""``hand_over`` of a manifest: how sizes are written."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from odibi_core.project import ProjectManifest
from odibi_core.project.hand_over import HandOverConfig


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (0, 0),
        (1024, 1024),
        ("1024", 1024),
        ("512 MiB", 512 << 20),
        ("2GB", 2_000_000_000),
        ("1.5 gib", 3 << 29),
        ("10 k", 10_000),
        ("7 B", 7),
        ("1 TiB", 1 << 40),
        (None, None),
    ],
)
def test_sizes_are_numbers_or_have_a_unit(written, expected):
    assert HandOverConfig(max_bytes=written).max_bytes == expected


@pytest.mark.parametrize("written", ["much", "1 PiB", "-1", -1, True, "1 GiB!", 1.5, [1]])
def test_what_is_no_size_is_refused(written):
    with pytest.raises(ValidationError):
        HandOverConfig(max_bytes=written)


def test_default_is_one_gibibyte_and_is_not_written():
    manifest = ProjectManifest(project_name="Energy")

    assert manifest.hand_over.max_bytes == 1 << 30
    assert "hand_over" not in manifest.to_dict()
    changed = ProjectManifest(project_name="Energy", hand_over={"max_bytes": "2 GiB"})
    assert changed.to_dict()["hand_over"] == {"max_bytes": 2 << 30}
    assert ProjectManifest.from_dict(changed.to_dict()) == changed
