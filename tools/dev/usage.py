# SPDX-License-Identifier: Apache-2.0
"""Why a command of ./dev does not begin: main.py says so in one line and ends with 2."""

import os


class Wrong(Exception):
    """The message is the reason."""


def refuse(unknown, what, known=()):
    """Words that say nothing here, if there are any: a slip of the pen must not start an hour's work."""
    if unknown:
        raise Wrong(f'no {what} {", ".join(unknown)}' + (f', there are {", ".join(known)}' if known else ''))


def refuse_options_but(known, arguments):
    refuse([a for a in arguments if a.startswith('-') and a not in known], 'option')


def need_root(why):
    if os.geteuid() != 0:
        raise Wrong(f'it needs root, {why}')


def take(option, arguments, read=str):
    """(its value or None, the other arguments)."""
    if option not in arguments:
        return None, arguments
    at = arguments.index(option)
    try:
        return read(arguments[at + 1]), arguments[:at] + arguments[at + 2 :]
    except (IndexError, ValueError):
        raise Wrong(f'{option} wants a value') from None
