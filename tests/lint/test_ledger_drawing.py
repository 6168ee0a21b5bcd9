# SPDX-License-Identifier: Apache-2.0
"""docs/ledger.md shows the drawing at the top of extender/core/ledger.h, line by line."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def drawing_of_header(text):
    inside = text.split('// clang-format off\n')[1].split('// clang-format on\n')[0]
    return [line.removeprefix('//').removeprefix(' ') for line in inside.splitlines()]


def drawing_of_page(text):
    return text.split('```\n')[1].splitlines()


def test_header_and_page_have_the_same_drawing():
    header = drawing_of_header((ROOT / 'extender/core/ledger.h').read_text())
    assert header == drawing_of_page((ROOT / 'docs/ledger.md').read_text())
    assert len(header) > 10


def test_a_drawing_is_found():
    assert drawing_of_header('// a\n// clang-format off\n//   b\n//\n// clang-format on\n') == ['  b', '']
    assert drawing_of_page('# a\n```\n  b\n```\n') == ['  b']
