# SPDX-License-Identifier: Apache-2.0
"""What git tracks, or would track, is text of a moderate size: no core file, no program, no archive by mistake."""

import pathlib

import sources

BYTES_MAX = 1 << 20
# Binary on purpose: sysfs of real machines, thousands of small files with names that git could not keep.
BINARY = ('tests/testdata/nvdimm-sysfs/captures.tar.gz',)


def is_text(data):
    try:
        return '\0' not in data.decode()
    except UnicodeDecodeError:
        return False


def check(root=sources.ROOT):
    found = []
    for path in sources.tracked(root):
        file = pathlib.Path(root) / path
        size = file.stat().st_size
        if size > BYTES_MAX:
            found.append(f'{path}: {size} bytes, more than {BYTES_MAX}')
        elif path not in BINARY and not is_text(file.read_bytes()):
            found.append(f'{path}: binary')
    return found
