# SPDX-License-Identifier: Apache-2.0
"""Writes a C++ file whose function returns the text of another file.

usage: embed_text.py IN OUT HEADER FUNCTION
"""
import pathlib
import sys

source, target, header, function = sys.argv[1:]
text = pathlib.Path(source).read_text(encoding='utf-8')
DELIMITER = 'embedded'
assert f'){DELIMITER}"' not in text
name_space, _, name = function.rpartition('::')
pathlib.Path(target).write_text(
    f'// Generated from {pathlib.Path(source).name}.\n'
    f'#include "{header}"\n\n'
    f'namespace {name_space} {{\n\n'
    f'std::string_view {name}() {{ return R"{DELIMITER}({text}){DELIMITER}"; }}\n\n'
    f'}}  // namespace {name_space}\n',
    encoding='utf-8',
)
