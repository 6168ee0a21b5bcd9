# SPDX-License-Identifier: Apache-2.0
"""`./dev bench start`: the extender's start beside curl, which downloads the same lists from the same real kube-apiserver.

Objects are made once: Nodes, PersistentVolumes with their claims, pods that have a node. The agents
are fakes in one process. Nothing else runs: no scheduler, no controller.
"""

import concurrent.futures
import json
import shutil
import subprocess
import sys
import time

import bench_tools
import builds
import idle_benchmarks
import scale_benchmarks
import tables

DIRECTORY = builds.BUILD / 'bench-start'
NODES, VOLUMES, PODS = 5000, 50_000, 100_000
RUNS = 5
WRITERS = 3  # Processes; kube-apiserver has the rest of two cores.
BATCH = 500
# What the extender asks for at its start.
LISTS = (
    '/api/v1/nodes', '/api/v1/persistentvolumes', '/api/v1/persistentvolumeclaims',
    '/api/v1/pods?fieldSelector=spec.nodeName%3D', '/apis/storage.k8s.io/v1/storageclasses',
)  # fmt: skip


def _pod(number, node_name):
    return {
        'kind': 'Pod', 'apiVersion': 'v1', 'metadata': {'name': f'pod-{number}', 'namespace': 'default'},
        'spec': {'nodeName': node_name, 'containers': [{'name': 'c', 'image': 'registry.example.org/image'}]},
    }  # fmt: skip


def _new(obj):
    """Without what is the API server's own."""
    for member in ('uid', 'resourceVersion', 'managedFields'):
        obj['metadata'].pop(member, None)
    return obj


_api = None


def _connect(*arguments):
    from harness import kube

    global _api
    _api = kube.KubeClient(*arguments)


def _create(begin, end):
    """The objects of that range: the nodes' numbers first, then the volumes', then the pods'. {number: UID} of claims."""
    import fake_cluster as fakes

    claim_uids = {}
    for number in range(begin, end):
        if number < NODES:
            _api.create(_new(fakes.node(number)))
        elif (volume := number - NODES) < VOLUMES:
            claim_uids[volume] = _api.create(_new(fakes.claim(volume, NODES)))['metadata']['uid']
            _api.create(_new(fakes.volume(volume, NODES, claim_uids[volume])))
        else:
            pod = volume - VOLUMES
            _api.create(_new(_pod(pod, fakes.node_name(pod % NODES))))
    return claim_uids


def _populate(server, token, certificate):
    """The UIDs of all claims, by number."""
    total = NODES + VOLUMES + PODS
    began = time.monotonic()
    claim_uids = {}
    with concurrent.futures.ProcessPoolExecutor(
        WRITERS, initializer=_connect, initargs=(server, token, certificate)
    ) as pool:
        batches = [
            pool.submit(_create, begin, min(begin + BATCH, total)) for begin in range(0, total, BATCH)
        ]
        for done, batch in enumerate(batches, 1):
            claim_uids.update(batch.result())
            if done % 50 == 0:
                print(f'  {done * BATCH:,} of {total:,} made in {time.monotonic() - began:.0f} s', file=sys.stderr, flush=True)
    return tuple(claim_uids[number] for number in range(VOLUMES))


def _curl(control_plane, token):
    """Seconds and bytes of one download of all lists, one after the other."""
    config = ''.join(
        f'url = "{control_plane.server}{path}"\noutput = "{DIRECTORY}/list-{i}"\n' for i, path in enumerate(LISTS)
    )
    certificate = control_plane.directory / 'certs' / 'apiserver.crt'
    command = ['curl', '-sSf', '--cacert', certificate, '-H', f'Authorization: Bearer {token}', '-K', '-']
    began = time.monotonic()
    subprocess.run(command, input=config.encode(), check=True)
    seconds = time.monotonic() - began
    return seconds, sum((DIRECTORY / f'list-{i}').stat().st_size for i in range(len(LISTS)))


def _ours(control_plane, agents_file):
    """Seconds from the start of the process to /readyz, its processor time by then, and its memory."""
    command = [
        scale_benchmarks.EXTENDER, '--kubeconfig', control_plane.kubeconfig, '--listen', '127.0.0.1:0',
        '--agents', f'static:{agents_file}', '--capacity-objects', 'false', '--placement-controller', 'false',
    ]  # fmt: skip
    (DIRECTORY / 'extender').mkdir(exist_ok=True)
    began = time.monotonic()
    with bench_tools.listening(command, DIRECTORY / 'extender') as (process, port):
        bench_tools.wait_until_ready(port, DIRECTORY / 'extender')
        seconds = time.monotonic() - began
        cpu = idle_benchmarks.cpu_seconds(process)
        time.sleep(scale_benchmarks.SETTLE_SECONDS)
        return {
            'ready_s': round(seconds, 2), 'cpu_s': round(cpu, 2),
            'resident_bytes': bench_tools.status_number(process, 'VmRSS'),
        }  # fmt: skip


def _measure(runs):
    sys.path[:0] = [str(builds.ROOT / 'tests' / part) for part in ('e2e', 'benchmark')]
    import fake_cluster
    from harness import cluster

    shutil.rmtree(DIRECTORY, ignore_errors=True)
    running = cluster.Cluster(DIRECTORY, [])
    plane = running.control_plane
    try:
        plane.start()
        running.supervisor.running['kube-controller-manager'].kill()
        running.api.create(_new(fake_cluster.storage_class()))
        claim_uids = _populate(plane.server, plane.admin_token, str(plane.directory / 'certs' / 'apiserver.crt'))
        size = fake_cluster.Size(NODES, VOLUMES, claim_uids=claim_uids)
        with bench_tools.serving(fake_cluster.run_agents, size, is_elsewhere=True) as port:
            agents = {fake_cluster.node_name(i): fake_cluster.agent_url(i, port) for i in range(NODES)}
            (DIRECTORY / 'agents.json').write_text(json.dumps(agents))
            for _ in range(runs):
                seconds, size_bytes = _curl(plane, plane.admin_token)
                yield {'curl_s': round(seconds, 2), 'bytes': size_bytes, **_ours(plane, DIRECTORY / 'agents.json')}
    finally:
        running.stop()


HEADINGS = ('run', 'MB', 'curl s', 'ready s', 'x', 'CPU s', 'MiB')
NOTE = (
    f'{NODES:,} Nodes, {VOLUMES:,} PersistentVolumes with their claims and {PODS:,} pods that have a node, in a real\n'
    'kube-apiserver. curl: the lists that the extender asks for, one after the other. ready: from the start of the\n'
    'process to /readyz, with the reports of all agents (fakes).'
)


def start(runs=RUNS, as_json=False):
    rows = list(_measure(runs))
    if as_json:
        return print(json.dumps(rows, indent=1))
    cells = [
        [
            i, row['bytes'] // 10**6, row['curl_s'], row['ready_s'], f'{row["ready_s"] / row["curl_s"]:.1f}', row['cpu_s'],
            row['resident_bytes'] >> 20,
        ]
        for i, row in enumerate(rows, 1)
    ]  # fmt: skip
    print('\n'.join(tables.table(HEADINGS, cells, HEADINGS)))
    print(NOTE)
