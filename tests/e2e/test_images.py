# SPDX-License-Identifier: Apache-2.0
"""Images are reproducible: what `./dev images` packs twice is the same twice.

Of the images that are nothing but a program: Debian's packages may change between two builds of the others.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'dev'))

import control_plane as programs
import steps
from commands import images

SECONDS = 1_700_000_000
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='needs root, for the owners of files')


def packed(image, directory):
    """SHA-256 of its archive."""
    assert images.build(steps.Board(directory / 'logs'), image, SECONDS)
    images.archive(image)
    return hashlib.sha256((images.IMAGES / f'{image.name}.tar').read_bytes()).hexdigest()


@needs_root
def test_the_same_program_is_the_same_archive_byte_for_byte(tmp_path, monkeypatch):
    first, second = tmp_path / 'first', tmp_path / 'second'
    program = programs.SIDECARS[-1]
    sums = []
    for directory in (first, second):
        monkeypatch.setattr(images, 'IMAGES', directory)
        copy = tmp_path / f'of-{directory.name}' / program.name
        copy.parent.mkdir()
        shutil.copy(program.binary, copy)
        os.utime(copy, (time.time(), SECONDS + len(sums)))
        image = images.sidecar_image(program)
        sums.append(packed(dataclasses.replace(image, program=copy), directory))
    assert sums[0] == sums[1]


@needs_root
def test_another_program_is_another_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(images, 'IMAGES', tmp_path)
    sums = {packed(images.sidecar_image(program), tmp_path) for program in programs.SIDECARS}
    assert len(sums) == len(programs.SIDECARS)


def test_the_containerfile_gives_each_program_the_user_and_entry_point_of_its_image():
    text = (ROOT / 'tools' / 'images' / 'Containerfile').read_text()
    stages = re.findall(r'^FROM files AS (\S+)\nUSER (\S+)\nENTRYPOINT (\[.*\])$', text, re.MULTILINE)
    found = {name: (user, json.loads(entry_point)) for name, user, entry_point in stages}
    assert found == {i.name: (i.user, [i.name]) for i in images.all_images() if i.has_packages}
    assert text.rstrip().endswith('FROM ${PROGRAM}')
