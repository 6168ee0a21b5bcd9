# SPDX-License-Identifier: Apache-2.0
"""Each guard that ./dev mutate takes out is there, once: that takes minutes to say so, and is not part of ./dev test."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'mutation'))
from guards import GUARDS


def test_each_guard_is_in_its_file_once():
    assert [g.rule for g in GUARDS if (ROOT / g.file).read_text().count(g.text) != 1] == []
    assert len(GUARDS) > 100
