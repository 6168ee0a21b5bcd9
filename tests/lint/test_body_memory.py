# SPDX-License-Identifier: Apache-2.0
"""The extender's memory limit is enough for the bodies that it takes from whoever posts some."""
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a body may take in all while it is read: itself, and 4 bytes of simdjson's for each of one that is all brackets.
BYTES_FOR_A_BODY_BYTE = 5
REST_MIB = 512  # The extender without bodies, of 20,000 nodes: docs/performance.md.


def memory_mib(body_max_mib):
    """What docs/operations.md, "Whole Nodes", says."""
    return REST_MIB + BYTES_FOR_A_BODY_BYTE * number('common/io/http_server.h', 'kLargestBodiesDefaultMax') * body_max_mib


def number(path, name):
    return int(re.search(rf'\b{name} = (\d+)\b', (ROOT / path).read_text())[1])


def shipped():
    """(--body-max-mib, MiB of the memory limit) of the extender's manifest."""
    for obj in yaml.safe_load_all((ROOT / 'manifests' / 'base' / 'extender.yaml').read_text()):
        if obj['kind'] != 'Deployment':
            continue
        (container,) = obj['spec']['template']['spec']['containers']
        flags = dict(arg.split('=', 1) for arg in container['args'])
        (gib,) = re.fullmatch(r'(\d+)Gi', container['resources']['limits']['memory']).groups()
        default = number('extender/config.h', 'body_bytes_max')
        return int(flags.get('--body-max-mib', default)), 1024 * int(gib)
    raise AssertionError('no Deployment')


def test_the_shipped_memory_limit_is_enough_for_the_shipped_bodies():
    body_max_mib, limit_mib = shipped()
    assert memory_mib(body_max_mib) <= limit_mib


def test_operations_says_how_much_memory_larger_bodies_take():
    assert 'a memory limit of 512 MiB and 10 times' in (ROOT / 'docs' / 'operations.md').read_text()
    assert memory_mib(80) == REST_MIB + 10 * 80 <= 1536
