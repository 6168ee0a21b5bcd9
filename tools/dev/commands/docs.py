# SPDX-License-Identifier: Apache-2.0
"""Writes the generated pages, docs/flags.md and docs/metrics.md, from the programs themselves.

usage: ./dev docs [--check]
  --check  writes nothing; the exit status says whether both pages are current
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import builds
import usage

E2E = builds.ROOT / 'tests' / 'e2e'
AGENT = builds.RELEASE.directory / 'capacity-agent' / 'pmem-capacity-agent'
EXTENDER = builds.RELEASE.directory / 'extender' / 'pmem-extender'
DRIVER = builds.RELEASE.directory / 'csi-driver' / 'pmem-csi-driver'
WRITTEN_BY = 'Written by `./dev docs`.'
LAYOUT = {
    'volume_groups': [{'name': 'pmemvgregion0', 'size_bytes': 1 << 40, 'extent_size_bytes': 4 << 20,
                       'numa_node': 0, 'volumes': []}],
    'regions': [{'name': 'region1', 'size_bytes': 1 << 39, 'align_bytes': 16 << 20, 'numa_node': 1,
                 'label_slots': 1023, 'namespaces': []}],
}


def flags_page():
    """docs/flags.md, from what each program says with --flags-markdown."""
    page = f'# Flags\n\n{WRITTEN_BY} A flag wins over its environment variable.\n'
    for program in (AGENT, EXTENDER, DRIVER):
        done = subprocess.run([program, '--flags-markdown'], check=True, capture_output=True, text=True)
        page += f'\n## {program.name}\n\n{done.stdout.strip()}\n'
    done = subprocess.run([DRIVER, 'init', '--flags-markdown'], check=True, capture_output=True, text=True)
    page += f'\n## {DRIVER.name} init\n\n{done.stdout.strip()}\n'
    return page


def families(text):
    """[(name, type, labels, help)] of an exposition, sorted by name."""
    helps = dict(re.findall(r'(?m)^# HELP (\S+) (.*)$', text))
    types = dict(re.findall(r'(?m)^# TYPE (\S+) (\S+)$', text))
    labels = {name: set() for name in types}
    for sample, inside in re.findall(r'(?m)^([a-z0-9_]+)\{(.*?)\} ', text):
        family = sample if sample in types else re.sub(r'_(bucket|sum|count)$', '', sample)
        labels[family] |= set(re.findall(r'([a-z_]+)="', inside)) - {'le'}
    return [(name, types[name], ', '.join(sorted(labels[name])), helps.get(name, ''))
            for name in sorted(types)]


def metrics_page():
    """docs/metrics.md, from a scrape of the programs while they know one node."""
    sys.path.insert(0, str(E2E))
    from harness import pair

    page = f'# Metrics\n\n{WRITTEN_BY} The programs serve them under `/metrics`, in base units.\n'
    with tempfile.TemporaryDirectory() as directory:
        with pair.running(directory, LAYOUT, AGENT, EXTENDER) as urls, pair.driver(directory, DRIVER) as driver_url:
            for program, url in zip((AGENT, EXTENDER, DRIVER), (*urls, driver_url)):
                page += f'\n## {program.name}\n\n| name | type | labels | meaning |\n|---|---|---|---|\n'
                page += ''.join(f'| `{name}` | {kind} | {labels} | {text} |\n'
                                for name, kind, labels, text in families(pair.metrics_text(url)))
    return page


def main(arguments):
    usage.refuse([a for a in arguments if a != '--check'], 'option')
    if missing := [p.name for p in (AGENT, EXTENDER, DRIVER) if not p.exists()]:
        print(f'dev docs: not built yet: {", ".join(missing)}; ./dev build makes them', file=sys.stderr)
        return 1
    stale = []
    for name, make in (('flags.md', flags_page), ('metrics.md', metrics_page)):
        path = pathlib.Path(builds.ROOT / 'docs' / name)
        page = make()
        if path.exists() and path.read_text() == page:
            continue
        stale.append(name)
        if '--check' not in arguments:
            path.write_text(page)
            print(f'docs/{name} written')
    if '--check' in arguments and stale:
        print(f'not current: {", ".join(stale)} (./dev docs)', file=sys.stderr)
        return 1
    return 0
