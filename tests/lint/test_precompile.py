# SPDX-License-Identifier: Apache-2.0
"""The header that sanitizers' builds have compiled beforehand: made as the sources are, and left alone while it stays the same."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'dev'))
import precompile

# Stands for the compiler: says how it was called, and makes a file of what it read.
COMPILER = """#!/bin/sh
echo "$@" >> calls
for word; do last=$word; done
while [ "$1" != -o ]; do shift; done
cat "$last" version > "$2"
"""


def set_up(directory):
    compiler = directory / 'compiler'
    compiler.write_text(COMPILER)
    compiler.chmod(0o755)
    (directory / 'version').write_text('1')
    command = f'{compiler} -Isome.p -fsanitize=address -DA="b c" -Winvalid-pch -include-pch precompiled.pch -MD -MQ x.o -MF x.d -o x.o -c x_test.cc'
    (directory / 'compile_commands.json').write_text(json.dumps([
        {'command': 'other', 'file': 'x.cc'}, {'command': command, 'file': '../x_test.cc'}]))


def test_it_is_compiled_as_a_test_is_and_without_what_names_that_test(tmp_path):
    set_up(tmp_path)
    precompile.make(tmp_path)
    called = (tmp_path / 'calls').read_text().split()
    assert called == [
        '-fsanitize=address', '-DA=b', 'c', *precompile.FLAGS, '-o', 'precompiled.pch.new', 'precompiled.h']
    assert '#include <gtest/gtest.h>' in (tmp_path / precompile.NAME).read_text()


def test_one_that_comes_out_the_same_keeps_its_time_so_that_nothing_is_compiled_anew(tmp_path):
    set_up(tmp_path)
    precompile.make(tmp_path)
    made = (tmp_path / precompile.NAME).stat()
    precompile.make(tmp_path)
    assert (tmp_path / precompile.NAME).stat().st_ino == made.st_ino
    (tmp_path / 'version').write_text('2')
    precompile.make(tmp_path)
    assert (tmp_path / precompile.NAME).stat().st_ino != made.st_ino
    assert not list(tmp_path.glob('*.new'))
