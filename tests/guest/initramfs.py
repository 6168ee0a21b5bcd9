# SPDX-License-Identifier: Apache-2.0
"""The files that an emulated machine boots with: the kernel unpacks archives that follow each other."""

import shutil
import subprocess


def fresh_tree(work):
    """An empty folder for the files that go behind a base."""
    tree = work / 'overlay'
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    return tree


def write(path, base, tree=None):
    """The archive `base` and behind it the files of the folder `tree`, if there is one, as root's."""
    archive = base.read_bytes()
    if tree:
        listing = subprocess.run(['find', '.'], cwd=tree, check=True, capture_output=True).stdout
        behind = subprocess.run(['cpio', '-o', '-H', 'newc', '-R', '0:0', '--quiet'], cwd=tree, check=True,
                                input=listing, capture_output=True).stdout
        archive += bytes(-len(archive) % 4) + behind
    path.write_bytes(archive)
    return path
