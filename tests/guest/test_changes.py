# SPDX-License-Identifier: Apache-2.0
"""What a person changes by hand appears in the report long before the agent's next re-read."""

import os
import threading
import time

import pytest

# The agent re-reads after 60 s anyway: below this it can only have been an event. Emulated, and on
# a busy machine: the figure that is printed is the interesting one.
SEEN_SECONDS_MAX = 10
# Of each kind, twice: made and taken away. Raise it for a percentile that says something.
CHANGES = int(os.environ.get('GUEST_CHANGES', '1'))


class Watcher(threading.Thread):
    """Follows the reports by long-poll, as the extender does, until `accepts` likes one."""

    def __init__(self, agent, accepts):
        super().__init__(daemon=True)
        self._agent, self._accepts = agent, accepts
        self._generation = agent.report()['generation']
        self.seen_at = None

    def run(self):
        """Ends with the report that is accepted, or without one when the agent stays silent."""
        deadline = time.monotonic() + SEEN_SECONDS_MAX + 5
        while time.monotonic() < deadline:
            report = self._agent.report(self._generation, '5s')
            if report is None:
                continue
            self._generation = report['generation']
            if self._accepts(report):
                self.seen_at = time.monotonic()
                return


def has_volume(pool_id, name):
    """A predicate on reports."""
    return lambda report: any(volume['name'] == name for pool in report['pools']
                              if pool['id'] == pool_id for volume in pool['volumes'])


def lacks_volume(pool_id, name):
    """The opposite predicate. The pool itself must be there: absent is not empty."""
    present = has_volume(pool_id, name)
    return lambda report: (any(pool['id'] == pool_id for pool in report['pools'])
                           and not present(report))


def seconds_to_see(agent, change, accepts):
    """From the end of a change to the arrival of the report that has it; 0 if it came before."""
    watcher = Watcher(agent, accepts)
    watcher.start()
    change()
    changed_at = time.monotonic()
    watcher.join(SEEN_SECONDS_MAX + 10)
    assert watcher.seen_at is not None, 'the change never reached the report'
    return max(0.0, watcher.seen_at - changed_at)


@pytest.fixture(scope='session')
def latencies():
    """Collects, and prints at the end."""
    values = {'lvm': [], 'direct': []}
    yield values
    for kind, seconds in values.items():
        if seconds:
            ranked = sorted(seconds)
            p50 = ranked[len(ranked) // 2]
            p99 = ranked[len(ranked) * 99 // 100]
            print(f'\nguest: change to report, {kind}: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms,'
                  f' worst {ranked[-1] * 1000:.0f} ms, over {len(ranked)} changes')


@pytest.mark.parametrize('number', range(CHANGES))
def test_a_logical_volume_made_and_removed_by_hand_is_seen(guest, agent, latencies, number):
    name = f'disk-change-{number}'
    for command, accepts in (
            (f'lvcreate -q -y -n {name} -L 16M pmemvgregion0', has_volume),
            (f'lvremove -q -f pmemvgregion0/{name}', lacks_volume)):
        seconds = seconds_to_see(agent, lambda: guest.run(command),
                                 accepts('lvm/pmemvgregion0', name))
        latencies['lvm'].append(seconds)
        assert seconds < SEEN_SECONDS_MAX


@pytest.mark.parametrize('number', range(CHANGES))
def test_a_namespace_made_and_destroyed_by_hand_is_seen(guest, agent, regions, latencies, number):
    pool_id, name = 'direct/' + regions['direct'], f'disk-change-{number}'
    made = {}

    def create():
        made.update(guest.create_namespace(regions['direct'], '64M', name))

    def destroy():
        guest.run(f"ndctl destroy-namespace -f {made['dev']}")

    for change, accepts in ((create, has_volume), (destroy, lacks_volume)):
        seconds = seconds_to_see(agent, change, accepts(pool_id, name))
        latencies['direct'].append(seconds)
        assert seconds < SEEN_SECONDS_MAX


def test_a_volume_that_grows_is_seen(guest, agent, latencies):
    name = 'by-hand'
    seconds = seconds_to_see(
        agent, lambda: guest.run(f'lvextend -q -L 96M pmemvgregion0/{name}'),
        lambda report: any(volume == {'name': name, 'bytes': 96 << 20}
                           for pool in report['pools'] for volume in pool['volumes']))
    latencies['lvm'].append(seconds)
    assert seconds < SEEN_SECONDS_MAX
