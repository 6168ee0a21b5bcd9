# SPDX-License-Identifier: Apache-2.0
"""`./dev bench bursts`: the bursts of tests/e2e/bursts.py, with the extender, without it, and with room in plenty."""

import dataclasses
import itertools
import statistics

FULL_RUNS = 20
OTHER_RUNS_SHARE = 4  # Of the other bursts a quarter as many.
WITHOUT_SECONDS = 30.0  # Without us some bursts never end.
NODES = 66  # A name comes back three bursts later: what the one without us owes on its nodes is over by then.


def run_all(cluster, runs, only=''):
    """Each run with the extender follows one without it on nodes with room in plenty: their ratio is what it costs."""
    import bursts as measured
    from scene import Scene

    measured.start_schedulers(cluster)
    numbers = itertools.count(1)

    def run(burst, **options):
        one = Scene(cluster, f'burst-{next(numbers)}')
        try:
            return measured.run(one, burst, **options)
        finally:
            one.clear()

    def run_without(burst, **options):
        with measured.capacities_unknown(cluster):
            return run(burst, scheduler=measured.WITHOUT, **options)

    print(f'{"burst":40}{"":9}' + ''.join(f'{h:>17}' for h in (*measured.HEADINGS, 'waits', 'ratio')))
    for burst in (b for b in measured.ALL if only in b.name):
        shorter = dataclasses.replace(burst, seconds=WITHOUT_SECONDS)
        _print_row(burst, 'without', run_without(shorter))
        ratios = []
        for _ in range(runs if burst is measured.FULL else max(1, runs // OTHER_RUNS_SHARE)):
            roomy = run_without(burst, roomy=True)
            waits = _waits(cluster)
            row = run(burst)
            ratios.append(row.seconds / roomy.seconds)
            _print_row(burst, 'with', row, max(0, _waits(cluster) - waits), ratios[-1])
        print(f'{"":40}ratio p50 {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}', flush=True)


def _waits(cluster):
    """Filter calls that waited for others' holds; an extender that is started anew begins at 0."""
    from harness import door

    with door.Door(cluster.extender_address) as one:
        return int(float(one.metric('pmem_extender_filter_waits_total')))


def _print_row(burst, label, row, waits='', ratio=None):
    cells = [*row.cells(), waits, f'{ratio:.2f}' if ratio else '']
    print(f'{burst.name:40}{label:9}' + ''.join(f'{c!s:>17}' for c in cells), flush=True)
