# SPDX-License-Identifier: Apache-2.0
"""What docs/ and manifests/ say about the programs is what the programs say."""
import json
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

from harness import cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / 'docs'
DRIVER = cluster.PROGRAMS / 'csi-driver' / 'pmem-csi-driver'
sys.path.insert(0, str(ROOT / 'tools' / 'dev'))


@pytest.mark.parametrize('name', ['flags', 'metrics'])
def test_a_generated_page_is_current(name):
    from commands import docs

    page = {'flags': docs.flags_page, 'metrics': docs.metrics_page}[name]()
    assert (DOCS / f'{name}.md').read_text() == page, './dev docs writes it anew'


def workload_arguments():
    """(program, flag) of every argument in the manifests. The chart's are the base's."""
    programs = {'agent': (cluster.AGENT,), 'extender': (cluster.EXTENDER,), 'driver': (DRIVER,),
                'init': (DRIVER, 'init')}
    for path in sorted((ROOT / 'manifests').rglob('*.yaml')):
        if 'templates' in path.parts:
            continue
        for obj in yaml.safe_load_all(path.read_text()):
            pod = (((obj or {}).get('spec') or {}).get('template') or {}).get('spec') or {}
            ours = [c for c in pod.get('initContainers', []) + pod.get('containers', []) if c['name'] in programs]
            for container in ours:
                for argument in container.get('args', []):
                    yield programs[container['name']], argument.partition('=')[0]


def test_every_flag_in_the_manifests_exists():
    known = {}
    for program, flag in workload_arguments():
        if program not in known:
            known[program] = subprocess.run([*program, '--flags-markdown'], check=True,
                                            capture_output=True, text=True).stdout
        assert f'| `{flag}` |' in known[program]
    assert len(known) == 4


@pytest.mark.parametrize('page', ['operations', 'troubleshooting'])
def test_every_metric_that_a_page_names_exists(page):
    named = set(re.findall(r'pmem_[a-z_]+', (DOCS / f'{page}.md').read_text()))
    metrics = (DOCS / 'metrics.md').read_text()
    assert named and {name for name in named if f'`{name}`' not in metrics} == set()


def unknown_metrics(text):
    """Those that it names and metrics.md does not. A histogram is served as three."""
    page = (DOCS / 'metrics.md').read_text()
    named = {re.sub(r'_(bucket|sum|count)$', '', name) for name in re.findall(r'pmem_[a-z_]+', text)}
    assert named
    return {name for name in named if f'| `{name}` |' not in page}


def test_every_metric_of_the_dashboard_exists():
    panels = json.loads((ROOT / 'manifests' / 'components' / 'monitoring' / 'dashboard.json').read_text())['panels']
    queries = [target['expr'] for panel in panels for target in panel['targets']]
    assert {query: found for query in queries if (found := unknown_metrics(query))} == {}
    assert unknown_metrics(queries[0].replace('leading', 'leadin')) == {'pmem_extender_leadin'}


def test_every_alert_has_its_row_in_the_order_of_the_rules():
    rules = (ROOT / 'manifests' / 'components' / 'monitoring' / 'rules.yaml').read_text()
    table = (DOCS / 'troubleshooting.md').read_text().partition('| alert | check | remedy |')[2].partition('\n\n')[0]
    assert re.findall(r'^\| (Pmem\w+)', table, re.MULTILINE) == re.findall(r'- alert: (\w+)', rules)


@pytest.mark.parametrize('heading', ['| alert | check | remedy |', '| kind | check | remedy |', '| symptom | check | remedy |'])
def test_every_row_of_troubleshooting_has_something_to_look_at(heading):
    tables = (DOCS / 'troubleshooting.md').read_text().split(heading)[1:]
    rows = [row for table in tables for row in table.partition('\n\n')[0].splitlines()[2:]]
    assert rows and [row for row in rows if len(re.split(r'(?<!\\)\|', row)) != 5 or not row.split('|')[2].strip()] == []


def test_the_table_of_guards_names_those_that_are_tried():
    sys.path.insert(0, str(ROOT / 'tests' / 'mutation'))
    import guards

    page = (DOCS / 'ledger.md').read_text().partition('| test that dies |')[2].partition('\n\n')[0]
    told = re.findall(r'^\| (.+) \| `([^`]+)` \|$', page, re.MULTILINE)
    assert sorted(told) == sorted((g.rule, g.test) for g in guards.GUARDS)


def test_every_reason_is_documented_with_its_text():
    source = (ROOT / 'common' / 'pure' / 'reasons.cc').read_text()
    rows = re.findall(r'return \{"(\w+)", "([^"]+)"\}', source)
    assert len(rows) >= 10
    page = (DOCS / 'protocol.md').read_text()
    assert [name for name, text in rows if f'| `{name}` | {text} |' not in page] == []


PAGES = [ROOT / 'README.md', ROOT / 'manifests' / 'README.md', *sorted(DOCS.rglob('*.md'))]


def anchors(page):
    """Of its headings, as they are made of them where pages are shown."""
    headings = re.findall(r'^#+ (.*)$', page.read_text(), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_file_of_a_page_exists(page):
    text = page.read_text()
    for link in re.findall(r'\]\(([^)]+)\)', text):
        target, _, anchor = link.partition('#')
        target = page.parent / target if target else page
        assert target.exists() and (not anchor or anchor in anchors(target)), link
    named = re.findall(r'`((?:common|capacity-agent|csi-driver|extender|tests|tools|manifests)/[\w./-]+)`', text)
    assert [path for path in named if not list(ROOT.glob(path + '*'))] == []


def test_every_image_of_the_manifests_is_built_by_dev_images():
    """Names and versions, as they are imported: `localhost/` in front. The images of the examples are the product page's."""
    tools = cluster.ROOT / 'tools' / 'dev'
    listed = subprocess.run(
        [sys.executable, '-c', 'from commands import images; print(*(f"localhost/{i.name}:{i.version}" for i in images.all_images()))'],
        cwd=tools,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    used = set()
    for path in (cluster.ROOT / 'manifests' / 'base').glob('*.yaml'):
        used |= set(re.findall(r'image: (\S+)', path.read_text()))
    assert used == set(listed)


def test_there_is_one_version():
    """The programs have meson's."""
    described = json.loads((ROOT / 'extender' / 'openapi.json').read_text())['info']['version']
    chart = yaml.safe_load((ROOT / 'manifests' / 'helm' / 'Chart.yaml').read_text())['appVersion']
    built = re.search(r"^  version: '([^']+)'", (ROOT / 'meson.build').read_text(), re.MULTILINE).group(1)
    assert (described, chart) == (built, built)
