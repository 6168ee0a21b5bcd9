# SPDX-License-Identifier: Apache-2.0
"""How long files, functions and test bodies are, against the hard limits; the longest of each room."""

import re
import statistics

import sources

FILE_LINES_MAX = 500
TEST_FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
MAIN_LINES_MAX = 120
WORST_SHOWN = 3

_NOT_A_FUNCTION = re.compile(
    r'\s*(if|for|while|switch|else|do|try|catch|namespace|class|struct|enum|union|extern)\b'
)


def functions(path, text):
    """(name, first line, lines) of each function. Relies on the formatter: a body ends at its own indent."""
    if path.endswith('.py'):
        return list(_python_functions(text))
    return (
        list(_cpp_functions(sources.without_comments_and_strings(text)))
        if sources.is_cpp(path)
        else []
    )


def _cpp_functions(text):
    lines = text.split('\n')
    start = 0
    for number, line in enumerate(lines):
        if re.search(r'[;}]\s*$', line) or not line.strip():
            start = number + 1
        if not re.search(r'\)[^;()=]*\{\s*$', line):
            continue
        head = ' '.join(lines[min(start, number) : number + 1])
        indent = re.match(r'\s*', lines[min(start, number)])[0]
        if _NOT_A_FUNCTION.match(head) or re.search(r'\]\s*(\(|\{)', head) or len(indent) > 2:
            continue
        end = next(
            (n for n in range(number + 1, len(lines)) if lines[n].startswith(indent + '}')), None
        )
        if end is not None:
            yield re.sub(r'\s+', ' ', head.split('{')[0]).strip()[:60], min(
                start, number
            ) + 1, end - min(start, number) + 1


def _python_functions(text):
    lines = text.split('\n')
    for number, line in enumerate(lines):
        match = re.match(r'(\s*)(async )?def (\w+)', line)
        if match:
            end, number_in = number, number + 1
            while number_in < len(lines):
                inner = lines[number_in]
                if (
                    inner.strip()
                    and len(inner) - len(inner.lstrip()) <= len(match[1])
                    and not inner.lstrip().startswith(')')
                ):
                    break
                end = number_in if inner.strip() else end
                number_in += 1
            yield match[3], number + 1, end - number + 1


def _limit(path):
    if path.endswith('/main.cc'):
        return MAIN_LINES_MAX
    return TEST_FILE_LINES_MAX if path.startswith('tests/') else FILE_LINES_MAX


def check(texts):
    found = []
    for path, text in texts.items():
        if not (sources.is_cpp(path) or path.endswith(('.py', '.sh'))):
            continue
        count = text.count('\n')
        if count > _limit(path):
            found.append(f'{path}: {count} lines, the limit is {_limit(path)}')
        found += [
            f'{path}:{line}: {name} has {length} lines, the limit is {FUNCTION_LINES_MAX}'
            for name, line, length in functions(path, text)
            if length > FUNCTION_LINES_MAX
        ]
    return found


def report(texts):
    """Lines that tell the longest files and functions of each room."""
    rooms = {}
    for path, text in texts.items():
        if sources.is_cpp(path):
            room = rooms.setdefault(
                'tests' if path.startswith('tests/') else path.split('/')[0], ([], [])
            )
            room[0].append((text.count('\n'), path))
            room[1].extend((length, f'{path}:{line}') for _, line, length in functions(path, text))
    for room, (files, bodies) in sorted(rooms.items()):
        yield (
            f'{room}: {len(files)} files, median {statistics.median(n for n, _ in files):.0f} lines; '
            f'{len(bodies)} functions, median {statistics.median([n for n, _ in bodies] or [0]):.0f}'
        )
        for kind, items in (('file', files), ('function', bodies)):
            worst = sorted(items, reverse=True)[:WORST_SHOWN]
            yield f'  longest {kind}s: ' + ', '.join(f'{where} {count}' for count, where in worst)
