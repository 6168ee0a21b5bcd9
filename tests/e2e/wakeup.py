# SPDX-License-Identifier: Apache-2.0
"""How long a pending pod waits once there is room: the cluster is full, one claim goes, the pod comes."""

import time

from harness import waiting
from scene import lvm

POLL_SECONDS = 0.01


def measure(scene, runs, nodes=3):
    """Seconds from the moment that a volume was deleted on its node to a bound pod, of each run."""
    scene.add_nodes(*[lvm(10)] * nodes)
    for i in range(nodes):
        scene.claim_and_pod(f'p{i}')
    scene.wait_all_scheduled(nodes)
    times = []
    for run in range(runs):
        leaving, waiting_pod = f'p{run}', f'p{run + nodes}'
        scene.claim_and_pod(waiting_pod)
        scene.wait_refused(waiting_pod)
        volume = f'disk-{scene.get_claim(leaving)["metadata"]["uid"]}'
        scene.delete_pod(leaving)
        scene.delete_claim(leaving)
        waiting.until(lambda: volume in scene.cluster.fake_provisioner.removed, 'the volume is gone')
        waiting.until(
            lambda: scene.node_of(waiting_pod), 'the pod has a node', 30, poll=POLL_SECONDS
        )
        times.append(time.monotonic() - scene.cluster.fake_provisioner.removed[volume])
    assert scene.failed_creations() == []
    return times


def summary(times):
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return (
        f'p50 {ordered[len(ordered) // 2]:.2f} s, p99 {p99:.2f} s, max {ordered[-1]:.2f} s '
        f'over {len(ordered)} runs'
    )
