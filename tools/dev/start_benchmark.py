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


def _objects(fakes, begin, end):
    """The objects of that range: the nodes' numbers first, then the volumes', then the pods'."""
    for number in range(begin, end):
        if number < NODES:
            yield fakes.node(number)
        elif (number := number - NODES) < VOLUMES:
            yield fakes.volume(number, NODES)
            yield fakes.claim(number, NODES)
        else:
            number -= VOLUMES
            yield _pod(number, fakes.node_name(number % NODES))


_api = None


def _connect(*arguments):
    from harness import kube

    global _api
    _api = kube.KubeClient(*arguments)


def _create(begin, end):
    import fake_cluster

    for obj in _objects(fake_cluster, begin, end):
        for member in ('uid', 'resourceVersion', 'managedFields'):  # The API server's own.
            obj['metadata'].pop(member, None)
        _api.create(obj)


def _populate(server, token, certificate):
    total = NODES + VOLUMES + PODS
    began = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(
        WRITERS, initializer=_connect, initargs=(server, token, certificate)
    ) as pool:
        batches = [
            pool.submit(_create, begin, min(begin + BATCH, total)) for begin in range(0, total, BATCH)
        ]
        for done, batch in enumerate(batches, 1):
            batch.result()
            if done % 50 == 0:
                print(f'  {done * BATCH:,} of {total:,} made in {time.monotonic() - began:.0f} s', file=sys.stderr, flush=True)


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
        cpu = bench_tools.cpu_seconds(process)
        return {
            'ready_s': round(seconds, 2), 'cpu_s': round(cpu, 2),
            'resident_bytes': bench_tools.status_number(process, 'VmRSS'),
        }  # fmt: skip
