# SPDX-License-Identifier: Apache-2.0
"""Shows the main job on a real control plane: claims that name no node, each on a node with room.

usage: ./dev demo [--keep | --stop] [--json]
  --keep  leaves everything up and says how to look at it
  --stop  ends what --keep left
  --json  prints the result as JSON; the progress goes to stderr
"""

import json
import os
import pathlib
import shutil
import signal
import sys
import time

import builds
import control_plane
import steps
import usage

DIRECTORY = builds.BUILD / 'demo'
KEPT = DIRECTORY / 'kept.json'
STOP_SECONDS = 15


def main(arguments):
    usage.refuse([a for a in arguments if a not in ('--keep', '--stop', '--json')], 'option')
    if '--stop' in arguments:
        return stop()
    if '--keep' in arguments and kept_process():
        print('dev demo: one is up already; ./dev demo --stop ends it', file=sys.stderr)
        return 1
    if not prepare(sys.stderr if '--json' in arguments else sys.stdout):
        return 1
    as_json = '--json' in arguments
    return tell_and_keep(as_json) if '--keep' in arguments else tell(as_json)


def prepare(out):
    """Builds what is missing. Quiet when nothing is."""
    board = steps.Board(builds.BUILD / 'logs', out)
    targets = (
        'capacity-agent/pmem-capacity-agent',
        'csi-driver/pmem-csi-driver',
        'extender/pmem-extender',
    )
    # Two ninjas in one directory do not know of each other.
    commands = [] if builds.HAS_PROGRAMS in os.environ else builds.build_commands(builds.RELEASE, targets)
    if not steps.run(board, 'programs build', commands, builds.environment(builds.RELEASE))[0]:
        return False
    for program in control_plane.missing((*control_plane.PROGRAMS, control_plane.PROVISIONER)):
        commands = control_plane.build_commands(program)
        if not steps.run(board, f'{program.name} build', commands, control_plane.go_environment())[
            0
        ]:
            return False
        program.mark_current()
    return True


def tell(as_json, keep=None):
    """Tells the story; afterwards nothing runs. `keep`: called in between with the story, if it went well."""
    import demo_story

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    directory = DIRECTORY / f'run-{os.getpid()}'
    shutil.rmtree(directory, ignore_errors=True)
    story = demo_story.Story(directory, sys.stderr if as_json else sys.stdout)
    went_well = False
    try:
        went_well = story.tell()
        if as_json:
            print(json.dumps(story.result, indent=2), flush=True)
        if keep and went_well:
            keep(story)
    finally:
        story.cluster.stop()
        if went_well:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            print(f'logs: {directory / "logs"}', file=sys.stderr)
    if not keep:
        story.say('everything stopped; ./dev demo --keep leaves it up')
    return 0 if went_well else 1


def tell_and_keep(as_json):
    """The story is told by a process of its own, which stays; this one leaves when it was told."""
    told, tell_end = os.pipe()
    if os.fork() == 0:
        os.setsid()
        code = 1
        try:
            code = tell(as_json, lambda story: stay(story, tell_end))
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            KEPT.unlink(missing_ok=True)
            os._exit(code)
    os.close(tell_end)
    return 0 if os.read(told, 1) == b'0' else 1


def stay(story, tell_end):
    plane = story.cluster.control_plane
    kubectl = os.path.relpath(plane.binaries / 'kubectl')
    say = story.out
    print(
        f'''
Everything is up.
  kubeconfig  {plane.kubeconfig}
  API server  {plane.server}
  extender    {story.cluster.extender_url}
  agents      {", ".join(f"{name} {agent.url}" for name, agent in story.cluster.agents.items())}
  devices     {story.cluster.directory / "devices"} (one JSON file a node; edit one and watch)
  logs        {story.cluster.supervisor.logs}
Try
  export KUBECONFIG={plane.kubeconfig}
  {kubectl} get pods,pvc -o wide
  {kubectl} describe pod one-too-many
  {kubectl} delete pod/burst-lvm-1 pvc/burst-lvm-1      # one-too-many takes the room
  curl {story.cluster.extender_url}/v1/summary
  curl {story.cluster.extender_url}/v1/explain/pods/default/one-too-many
Stop it with ./dev demo --stop''',
        file=say,
        flush=True,
    )
    KEPT.write_text(json.dumps({'pid': os.getpid(), 'started': start_ticks(os.getpid())}))
    os.write(tell_end, b'0')
    os.close(tell_end)
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    while True:
        signal.pause()


def start_ticks(pid):
    """When the process started: tells it from a later one with the same number. None: not there."""
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[19]
    except OSError:
        return None


def kept_process():
    """The process of --keep if it is alive."""
    try:
        kept = json.loads(KEPT.read_text())
    except (OSError, ValueError):
        return None
    return kept['pid'] if start_ticks(kept['pid']) == kept['started'] else None


def stop():
    pid = kept_process()
    if pid is None:
        print('dev demo: nothing is up')
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while kept_process() and time.monotonic() < deadline:
        time.sleep(0.1)
    if kept_process():
        print(f'dev demo: process {pid} does not end', file=sys.stderr)
        return 1
    print('dev demo: stopped, nothing is left running')
    return 0
