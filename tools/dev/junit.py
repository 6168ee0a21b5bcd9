# SPDX-License-Identifier: Apache-2.0
"""Counts what really ran from JUnit files: meson's (one case per gtest case) and pytest's."""

import pathlib
import xml.etree.ElementTree as ElementTree

import steps


def count(path):
    """The Counts of one file; no file or no case in it is one failure, for nothing ran."""
    path = pathlib.Path(path)
    counts = steps.Counts()
    try:
        cases = list(ElementTree.parse(path).getroot().iter('testcase'))
    except (OSError, ElementTree.ParseError):
        cases = []
    for case in cases:
        skipped = case.find('skipped')
        if case.find('failure') is not None or case.find('error') is not None:
            counts.failed += 1
        elif skipped is not None or case.get('result') in ('skipped', 'suppressed'):
            counts.skipped += 1
            reason = (skipped.get('message') or '') if skipped is not None else case.get('result')
            counts.skip_reasons.append(
                f"{case.get('classname')}.{case.get('name')}: {reason.strip() or 'no reason given'}"
            )
        else:
            counts.passed += 1
    if not cases:
        counts.failed += 1
    return counts
