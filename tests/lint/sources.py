# SPDX-License-Identifier: Apache-2.0
"""Which files are ours, and their text with comments or string contents taken out."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = ('common/', 'capacity-agent/', 'extender/', 'csi-driver/')
CPP = ('.h', '.cc')

# One alternative per kind of token that may hide a quote or a slash; comments come first.
_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\ ]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


def tracked(root=ROOT):
    """Paths relative to root, '/' between parts: what git tracks or would track."""
    listed = subprocess.run(
        ['git', '-C', root, 'ls-files', '--cached', '--others', '--exclude-standard'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split('\n')
    return [p for p in sorted(set(listed)) if p and (pathlib.Path(root) / p).is_file()]


def read_all(root=ROOT):
    """{path: text} of every text file of ours."""
    texts = {}
    for path in tracked(root):
        try:
            texts[path] = (pathlib.Path(root) / path).read_text()
        except UnicodeDecodeError:
            pass
    return texts


def is_cpp(path):
    return path.endswith(CPP)


def _blank(text):
    return ''.join(c if c == '\n' else ' ' for c in text)


def without_comments(text):
    """Same line numbers, comments blanked."""
    return _TOKENS.sub(lambda m: _blank(m[0]) if m[0].startswith(('//', '/*')) else m[0], text)


def without_comments_and_strings(text):
    return _TOKENS.sub(lambda m: _blank(m[0]), text)


def matches(pattern, text):
    """(line number, match) of each match."""
    for match in re.finditer(pattern, text):
        yield text.count('\n', 0, match.start()) + 1, match
