# SPDX-License-Identifier: Apache-2.0
"""One cluster for the whole walk; the tests are its steps, in the order of their files and lines."""

import json
import os
import pathlib
import shutil

import pytest

import paths
import cluster as clusters
import transcript

TOOK = paths.WORK / 'took.json'  # For ./dev walkthrough.


@pytest.fixture(scope='session')
def cluster(request):
    """A control plane, no node yet. Logs stay when a step failed."""
    directory = paths.WORK / f'run-{os.getpid()}'
    shutil.rmtree(directory, ignore_errors=True)
    running = clusters.Cluster(directory)
    try:
        running.plane.start()
        yield running
    finally:
        running.stop()
        if request.session.testsfailed:
            print(f'\nlogs: {directory}')
        else:
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope='session')
def page(cluster, request):
    """What is typed and seen, for docs/walkthrough.md."""
    telling = transcript.Transcript(cluster)
    yield telling
    TOOK.write_text(json.dumps(telling.took))
    target = os.environ.get('WALKTHROUGH_PAGE')
    if target and not request.session.testsfailed:
        telling.write(pathlib.Path(target))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed step says how the nodes and our pods are."""
    report = (yield).get_result()
    cluster = item.funcargs.get('cluster') if hasattr(item, 'funcargs') else None
    if report.failed and cluster:
        report.sections.append(('the cluster', cluster.state()))
