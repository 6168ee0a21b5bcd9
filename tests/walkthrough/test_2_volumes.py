# SPDX-License-Identifier: Apache-2.0
"""The product page's steps, and every other way to ask for a volume."""

import re

KINDS = {'lvm': ('pmem-1', '10Gi'), 'direct': ('pmem-2', '9Gi')}
# The page's image, replaced by one that these nodes have.
IMAGE = 's|nginx:1.7.9|localhost/busybox:1|'
PAGE_NODES = {'lvm': 'cn-zhangjiakou.192.168.1.12', 'direct': 'cn-zhangjiakou.192.168.1.14'}
READY = '--for=condition=Ready --timeout=180s'
AVAILABLE = '--for=condition=Available --timeout=180s'


def source(kind, volume):
    """What `df` must show for the volume."""
    return r'/dev/mapper/pmemvgregion0-' + volume.replace('-', '--') if kind == 'lvm' else r'/dev/pmem\d+(\.\d+)?'


def shown_bytes(df):
    return int(df.split()[-5]) << 10  # A long device name has a line of its own.


def look_at(page, kind, options=''):
    """The page's three commands; what the last one prints."""
    node, size = KINDS[kind]
    claim = page.shell(f'kubectl{options} get pvc pmem-{kind}')
    bound = re.search(r'Bound +(disk-\S+) +(\S+) +RWO', claim)
    assert bound and bound[2] == size
    assert re.search(rf'1/1 +Running .* {node} ', page.shell(f'kubectl{options} get pod -o wide -l app=nginx-{kind}'))
    df = page.shell(f'kubectl{options} exec deployment/deployment-{kind} -- df /data')
    assert re.search(rf'(?m)^{source(kind, bound[1])}\s[^/]* /data$', df)
    gib = int(size.removesuffix('Gi')) << 30
    assert 0.93 * gib < shown_bytes(df) <= gib
    return df


def test_the_pages_claims(page):
    page.chapter('The examples', "The product page's claims and Deployments: without a node, and with the annotation that names one.")
    for kind in KINDS:
        page.shell(f"sed '{IMAGE}' manifests/examples/{kind}.yaml | kubectl apply -f -")
    page.shell('kubectl create namespace by-hand')
    for kind, (node, _) in KINDS.items():
        page.shell(f"sed '{IMAGE}; s/{PAGE_NODES[kind]}/{node}/' manifests/examples/pinned_{kind}.yaml |"
                   ' kubectl -n by-hand apply -f -')
    page.chapter('Without a node', 'They find the nodes that have room for them.')
    for kind in KINDS:
        page.shell(f'kubectl wait deployment/deployment-{kind} {AVAILABLE}', seconds=200)
        look_at(page, kind)


def test_the_pages_claims_with_the_node_typed_in(page):
    page.chapter('A node looked up by hand', 'As on the page: the annotation names the node. It is honoured.')
    for kind in KINDS:
        page.shell(f'kubectl -n by-hand wait deployment/deployment-{kind} {AVAILABLE}', seconds=200)
        look_at(page, kind, ' -n by-hand')
    page.say('The pods are not needed any more; the claims stay.')
    page.shell('kubectl -n by-hand scale deployment --all --replicas=0')


def test_data_outlives_the_pods(page):
    page.chapter('The pods are replaced', 'What they wrote is there for the next ones.')
    for kind in KINDS:
        page.shell(f"kubectl exec deployment/deployment-{kind} -- sh -c 'echo written by $(hostname) >/data/note'")
    page.shell("kubectl delete pod -l 'app in (nginx-lvm, nginx-direct)' --grace-period=1")
    for kind in KINDS:
        page.shell(f'kubectl wait deployment/deployment-{kind} {AVAILABLE}', seconds=200)
        page.until(f'kubectl exec deployment/deployment-{kind} -- cat /data/note', 'written by deployment-')
    page.shell("kubectl get pod -l 'app in (nginx-lvm, nginx-direct)'")


def test_a_block_volume(page):
    page.chapter('Other ways to ask', 'All at once: a block volume, a generic ephemeral one, one of a class of our own, and those of a '
                 'StatefulSet.')
    for name in ('block', 'ephemeral', 'growing_direct', 'stateful_set'):
        page.shell(f'kubectl apply -f tests/walkthrough/objects/{name}.yaml')
    page.chapter('A block volume', 'No file system: the container gets the device.')
    page.shell(f'kubectl wait pod/block {READY}', seconds=200)
    assert page.shell('kubectl exec block -- blockdev --getsize64 /dev/disk').strip() == str(16 << 20)
    page.say('It is written from end to end.')
    page.shell("kubectl exec block -- sh -c 'yes \"raw bytes\" | dd of=/dev/disk bs=1M count=16 iflag=fullblock conv=fsync 2>/dev/null'")
    assert page.shell('kubectl exec block -- head -c 9 /dev/disk').strip() == 'raw bytes'


def test_an_ephemeral_volume_goes_with_its_pod(page):
    page.chapter('A generic ephemeral volume')
    page.shell(f'kubectl wait pod/scratch {READY}', seconds=200)
    assert re.search(source('direct', ''), page.shell('kubectl exec scratch -- df /scratch'))
    volume = page.shell("kubectl get pvc scratch-scratch -o jsonpath='{.spec.volumeName}'")
    page.shell('kubectl delete pod scratch')
    page.until('kubectl get pvc,pv', rf'(?s)^(?!.*{volume})')


def test_a_stateful_set(page):
    page.chapter('A StatefulSet', 'A claim for each replica.')
    page.shell('kubectl rollout status statefulset/store --timeout=180s', seconds=200)
    page.shell('kubectl get pvc -l app=store')
    for number in (0, 1):
        volume = page.shell(f"kubectl get pvc data-store-{number} -o jsonpath='{{.spec.volumeName}}'")
        assert source('lvm', volume) in page.shell(f'kubectl exec store-{number} -- df /data')
