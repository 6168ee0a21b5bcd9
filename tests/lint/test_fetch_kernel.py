# SPDX-License-Identifier: Apache-2.0
"""The machine's kernel is found on a machine whose package lists are missing or old, and those are not fetched for nothing."""

import os
import pathlib
import subprocess

import pytest

FETCH = pathlib.Path(__file__).resolve().parents[2] / 'tests' / 'guest' / 'fetch_kernel'
NEW, OLD = 'linux-image-2', 'linux-image-1'
# `listed` is what the lists name, and NEW is all that the mirror has.
STAND_INS = {
    'apt-cache': '[ -s listed ] || { echo "E: No packages found" >&2; exit 100; }\necho "  Depends: $(cat listed)"',
    'apt-get': f"""case "$*" in
      *update) echo {NEW} >"$HERE/listed"; echo >>"$HERE/updates" ;;
      *download\\ {NEW}) cp "$HERE/kernel.deb" . ;;
      *) exit 100 ;;
    esac""",
    'sudo': 'exec "$@"',
    'depmod': ':',
}


@pytest.mark.parametrize('listed, updates', [('', 1), (OLD, 1), (NEW, 0)], ids=['no lists', 'old lists', "today's lists"])
def test_the_kernel_is_fetched_and_the_lists_if_they_must(tmp_path, listed, updates):
    for name, text in STAND_INS.items():
        (tmp_path / name).write_text(f'#!/bin/sh\n{text}\n')
        (tmp_path / name).chmod(0o755)
    tree = tmp_path / 'tree'
    (tree / 'lib' / 'modules' / '2-cloud').mkdir(parents=True)
    (tree / 'boot').mkdir()
    (tree / 'boot' / 'vmlinuz-2-cloud').write_text('a kernel')
    (tree / 'DEBIAN').mkdir()
    (tree / 'DEBIAN' / 'control').write_text(f'Package: {NEW}\nVersion: 2\nArchitecture: all\nMaintainer: none\nDescription: none\n')
    subprocess.run(['dpkg-deb', '--build', tree, tmp_path / 'kernel.deb'], check=True, stdout=subprocess.DEVNULL)
    (tmp_path / 'listed').write_text(listed)
    (tmp_path / 'updates').touch()
    env = {**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}', 'HERE': str(tmp_path)}
    for _ in range(2):  # The second time it is there.
        subprocess.run([FETCH, tmp_path / 'kernel'], env=env, cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    assert (tmp_path / 'kernel' / 'package').read_text() == f'{NEW}\n'
    assert (tmp_path / 'kernel' / 'vmlinux').read_text() == 'a kernel'
    assert len((tmp_path / 'updates').read_text()) == updates
