"""Chooses what is run: of a broken plugin's contract the test that has to find the defect, or with WHOLE all of it."""

from __future__ import annotations

import os

from acme.defects_in_words import DEFECTS

_TAKE_SECONDS = ("killed", "full_disk", "permission", "slow_target", "unreadable_dataset", "in_mid_write")
_TESTS = {f"Test_{defect.name}": defect.test for defect in DEFECTS}


def pytest_collection_modifyitems(items):
    if "WHOLE" not in os.environ:
        items[:] = [item for item in items if _is_wanted(item.cls.__name__, item.originalname)]


def _is_wanted(contract, test):
    if contract in _TESTS:
        return _TESTS[contract] == test
    return not any(word in test for word in _TAKE_SECONDS)
