# SPDX-License-Identifier: Apache-2.0
"""Aligned tables and colours for a terminal; plain text anywhere else."""

import os
import sys

_TINTS = {'good': '32', 'bad': '31', 'head': '1', 'dim': '2'}


def tint(text, kind, stream=sys.stdout):
    if not stream.isatty() or 'NO_COLOR' in os.environ:
        return text
    return f'\033[{_TINTS[kind]}m{text}\033[0m'


def size(size_bytes):
    """Exact when it can be: 10Gi, 512Mi; else Gi with two places."""
    for suffix, factor in (('Gi', 1 << 30), ('Mi', 1 << 20)):
        if size_bytes and size_bytes % factor == 0:
            return f'{size_bytes // factor}{suffix}'
    return '0' if size_bytes == 0 else f'{size_bytes / (1 << 30):.2f}Gi'


def table(headings, rows, right=(), stream=sys.stdout):
    """Lines of text for the stream; `right`: the headings whose columns are aligned to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    lines = []
    for row in [headings, *rows]:
        cells = [
            cell.rjust(w) if heading in right else cell.ljust(w)
            for cell, w, heading in zip(row, widths, headings)
        ]
        lines.append('  ' + '  '.join(cells).rstrip())
    return [tint(lines[0], 'head', stream), *lines[1:]]
