# SPDX-License-Identifier: Apache-2.0
"""Counts what really ran from JUnit files: meson's (one case per gtest case) and pytest's."""

import json
import pathlib
import xml.etree.ElementTree as ElementTree

import steps


# In testlog.json; meson's JUnit file shows such a test as one that passed, or by what it wrote of itself before.
UNFINISHED = ('TIMEOUT', 'INTERRUPT')


def forget_meson(directory):
    """The last run's results, which meson takes for this one's when a program dies before it writes its own."""
    for xml in (*directory.glob('*.xml'), *(directory / 'meson-logs').glob('testlog*')):
        xml.unlink()


def count_meson(directory):
    """The Counts of the last `meson test` in a build directory."""
    log = directory / 'meson-logs' / 'testlog.json'
    results = map(json.loads, log.read_text().splitlines()) if log.exists() else ()
    # By the name that both files have: "pmem-scheduler:unit / common".
    unfinished = {one['name'] for one in results if one['result'] in UNFINISHED}
    return count(log.with_name('testlog.junit.xml'), unfinished)


def count(path, unfinished=()):
    """The Counts of one file; no file or no case in it is one failure, for nothing ran. The tests `unfinished` failed."""
    path = pathlib.Path(path)
    counts = steps.Counts(failed=len(unfinished))
    try:
        cases = list(ElementTree.parse(path).getroot().iter('testcase'))
    except (OSError, ElementTree.ParseError):
        cases = []
    for case in cases:
        if case.get('name') in unfinished:
            continue  # Counted.
        skipped = case.find('skipped')
        # pytest leaves a case without a name of the test in which it was told to end.
        if case.find('failure') is not None or case.find('error') is not None or not case.get('name'):
            counts.failed += 1
        elif skipped is not None or case.get('status') == 'notrun':
            counts.skipped += 1
            reason = (skipped.get('message') or '') if skipped is not None else 'disabled'
            counts.skip_reasons.append(
                f"{case.get('classname')}.{case.get('name')}: {reason.strip() or 'no reason given'}"
            )
        else:
            counts.passed += 1
    if not cases and not unfinished:
        counts.failed += 1
    return counts
