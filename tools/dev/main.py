# SPDX-License-Identifier: Apache-2.0
"""Finds the commands of ./dev and runs one.

A command is a file in tools/dev/commands: NAME.py with a function main(arguments) -> exit code, or
an executable NAME.sh. The first line of its docstring (or the second line of the script) is its
line in the list, so a command exists exactly when its work does.
"""

import ast
import importlib
import os
import pathlib
import sys

import usage

HERE = pathlib.Path(__file__).resolve().parent
COMMANDS = HERE / 'commands'
HELP = ('-h', '--help')
ORDER = ['demo', 'build', 'test', 'lint', 'fuzz', 'mutate', 'guest', 'walkthrough', 'bench', 'images']


def summary(path):
    lines = path.read_text().splitlines()
    marker = '"""' if path.suffix == '.py' else '# '
    line = next((line for line in lines[1:] if line.startswith(marker)), marker)
    return line.removeprefix(marker).removesuffix('"""')


def commands():
    found = {
        p.stem: p for p in COMMANDS.iterdir() if p.suffix in ('.py', '.sh') and p.stem[0] != '_'
    }
    return dict(
        sorted(found.items(), key=lambda kv: (ORDER.index(kv[0]) if kv[0] in ORDER else 99, kv[0]))
    )


def tell(found):
    print('usage: ./dev COMMAND [ARGUMENT...]\n')
    for name, path in found.items():
        print(f'  {name:<12}{summary(path)}')
    print('\n./dev COMMAND --help tells more.')


def main(arguments):
    found = commands()
    if not arguments or arguments[0] in ('help', *HELP):
        tell(found)
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in found:
        print(f'dev: no command {name!r}; ./dev lists them', file=sys.stderr)
        return 2
    if found[name].suffix == '.sh':
        os.execv(found[name], [str(found[name]), *rest])
    if set(HELP) & set(rest):  # Not imported: what it needs may not be there yet.
        print(ast.get_docstring(ast.parse(found[name].read_text())))
        return 0
    try:
        return importlib.import_module(f'commands.{name}').main(rest)
    except usage.Wrong as wrong:
        print(f'dev {name}: {wrong}; ./dev {name} --help tells what there is', file=sys.stderr)
        return 2


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
