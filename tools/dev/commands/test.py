# SPDX-License-Identifier: Apache-2.0
"""Runs the tests: all suites, lint, real control plane, emulated machine; one line of counts.

usage: ./dev test [STEP...]
  STEP      only steps whose name starts with one of these words (builds they need are made): release,
            or one of its suites: unit, scenario, property, model, simulator, fuzz-corpus, integration;
            lint, csi, e2e, guest, asan, tsan, walkthrough

Three lanes run side by side: what compiles; what mostly waits (the control plane's build at a low priority, then the driver's and the
end-to-end tests, then what the walkthrough needs, at a low priority again); and the emulated machine. The sanitizers' builds
are in the first one, with what the others leave of the cores: what waits for a real clock should not wait for those. Their
tests come after all lanes. Last come the emulated nodes of the walkthrough, which take both cores and time their kubelets.
A failing step does not stop the ones that do not need it, nor does one that breaks off keep others from theirs.
"""

import dataclasses
import functools
import os
import threading
import traceback

import builds
import control_plane
import junit
import steps
import usage
from commands import lint, walkthrough

# Minutes of clang: `./dev lint` has them. Of these a whole test run has the thread-safety analysis in its sanitizers' builds.
SLOW_CHECKS = ('clang-tidy', 'thread-safety')
FAST_SUITES = (
    'unit',
    'scenario',
    'property',
    'model',
    'simulator',
    'fuzz-corpus',
    'integration',
)
STEPS = ('release', 'lint', 'csi', 'e2e', 'guest', 'asan', 'tsan', 'walkthrough')
# Each of these needs more of the release build than some suites' programs.
WHOLE_RELEASE = ('release', 'csi', 'e2e', 'guest', 'walkthrough')
# Of what is only made ready, beside tests that wait for a real clock; still before the sanitizers' builds.
PREPARATION_NICE = 10


# Within a build.
DRIVER = 'csi-driver/pmem-csi-driver'
CSI_CALL = 'tests/csi/csi-call'


@dataclasses.dataclass(frozen=True)
class Sanitized:
    """Tests that run once more, in a build of their own: those of `suites` that are in none of `without`."""

    build: builds.Build
    suites: tuple
    without: tuple = ()
    programs: tuple = ()  # Of the build, for tests that meson does not know.

    def options(self):
        chosen = [word for suite in self.suites for word in ('--suite', suite)]
        return chosen + [word for suite in self.without for word in ('--no-suite', suite)]

    def takes(self, suites):
        return not suites.isdisjoint(self.suites) and suites.isdisjoint(self.without)


SANITIZED = (
    Sanitized(builds.ASAN, ('unit', 'scenario', 'integration', 'property', 'fuzz-corpus'), programs=(DRIVER, CSI_CALL)),
    # `pure` are the tests of libraries that know no threads: nothing could race there.
    Sanitized(builds.TSAN, ('unit', 'integration'), without=('pure',)),
)
SUPPRESSIONS = builds.ROOT / 'tests' / 'support'
END_TO_END = builds.ROOT / 'tests' / 'e2e'
CSI = builds.ROOT / 'tests' / 'csi'
GUEST = builds.ROOT / 'tests' / 'guest'
# Of meson's limits (30 s for a suite of which nothing else is said): they are for what hangs, not for what a sanitizer and
# a busy machine make slow.
TIMEOUT_MULTIPLIER = 6
PYTEST = ['/usr/bin/python3', '-B', '-m', 'pytest', '-p', 'no:cacheprovider', '-ra', '-v']


def sanitizer_environment():
    """What the sanitizers must say and do; suppressions where the tree has them."""
    env = {
        'ASAN_OPTIONS': 'detect_leaks=1:strict_string_checks=1',
        'UBSAN_OPTIONS': 'print_stacktrace=1:halt_on_error=1',
    }
    tsan = 'halt_on_error=1:second_deadlock_stack=1'
    if (SUPPRESSIONS / 'tsan.supp').exists():
        tsan += f':suppressions={SUPPRESSIONS / "tsan.supp"}'
    env['TSAN_OPTIONS'] = tsan
    if (SUPPRESSIONS / 'lsan.supp').exists():
        env['LSAN_OPTIONS'] = f'suppressions={SUPPRESSIONS / "lsan.supp"}'
    return env


class Run:
    """One run of ./dev test: what is chosen, what was counted. Lanes call it from three threads."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.board = steps.Board(builds.BUILD / 'logs')
        self.total = steps.Counts()
        self.release_built = threading.Event()
        self.release_ok = False
        self.walkthrough_ready = False
        self.sanitized_built = set()
        self._lock = threading.Lock()

    def wants(self, name):
        return not self.chosen or any(name.startswith(word) for word in self.chosen)

    def count(self, counts):
        with self._lock:
            self.total.add(counts)

    def step(self, name, commands, env=None, count=None):
        ok, counts = steps.run(self.board, name, commands, env, count)
        self.count(counts)
        return ok

    def part(self, name, work):
        """Does a part of a lane. One that breaks off counts as a failure: nobody else would miss what it did not run."""
        try:
            work()
        except (Exception, SystemExit):
            self.count(steps.Counts(failed=1))
            self.board.broke(name, traceback.format_exc())

    def release_leg(self):
        """Builds what is needed and runs the suites that are chosen; tells the other lanes when it is built, or never will be."""
        suites = [suite for suite in FAST_SUITES if self.wants('release') or self.wants(suite)]
        try:
            self.release_ok = self._build_release(suites)
        finally:
            self.release_built.set()
        if self.release_ok and suites:
            chosen = [word for suite in suites for word in ('--suite', suite)]
            self._meson_test('release tests', builds.RELEASE, ['--no-rebuild', *chosen])

    def _build_release(self, suites):
        """Everything, or what the tests of `suites` need if only those are chosen. True when it is there."""
        if any(self.wants(step) for step in WHOLE_RELEASE):
            return self.step('release build', builds.build_commands(builds.RELEASE))
        return bool(suites) and self._build_tests(builds.RELEASE, lambda of: not of.isdisjoint(suites))

    def _build_tests(self, build, takes, nice=0, programs=()):
        """What the tests whose suites `takes` takes need, and `programs`, and no more. True when it is there."""
        setup = [*builds.setup_commands(build), builds.refresh_command(build), *builds.precompile_commands(build)]
        if not self.step(f'{build.name} setup', setup, builds.environment(build)):
            return False
        ninja = ['nice', '-n', nice, 'ninja', '-C', build.directory, *builds.targets_of_tests(build, takes), *programs]
        return self.step(f'{build.name} build', [ninja])

    def build_sanitized(self, sanitized):
        """With what the other lanes leave of the processors."""
        if self._build_tests(sanitized.build, sanitized.takes, nice=19, programs=sanitized.programs):
            self.sanitized_built.add(sanitized.build.name)

    def test_sanitized(self, sanitized):
        build = sanitized.build
        if build.name in self.sanitized_built:
            self._meson_test(f'{build.name} tests', build, ['--no-rebuild', *sanitized.options()])

    def _meson_test(self, name, build, options):
        junit.forget_meson(build.directory)
        command = ['meson', 'test', '-C', build.directory, '--print-errorlogs']
        command += ['--timeout-multiplier', str(TIMEOUT_MULTIPLIER), *options]
        if build is builds.TSAN:  # The thread sanitizer of clang 16 needs a fixed address layout.
            command = ['setarch', '-R', *command]
        env = {**os.environ, **sanitizer_environment()}
        self.step(name, [command], env, lambda: junit.count_meson(build.directory))


def compile_lane(run):
    run.part('release', run.release_leg)
    if run.wants('lint'):
        run.part('lint', lambda: run.count(lint.run(run.board, without=SLOW_CHECKS)))
    for sanitized in SANITIZED:
        if run.wants(sanitized.build.name):
            run.part(sanitized.build.name, functools.partial(run.build_sanitized, sanitized))


def have_programs(run, programs):
    """True when all of them are there and current."""
    for program in control_plane.missing(programs):
        commands = control_plane.build_commands(program, nice=15)
        if run.step(f'{program.name} build', commands, control_plane.go_environment()):
            program.mark_current()
    return not control_plane.missing(programs)


def build_programs(run, programs):
    """True when all of them are there, and the release build."""
    has_all = have_programs(run, programs)
    run.release_built.wait()
    return run.release_ok and has_all


def pytest_step(run, name, folder, env=None):
    xml = run.board.logs / f'{name}.xml'
    xml.unlink(missing_ok=True)
    run.step(f'{name} tests', [PYTEST + [f'--junitxml={xml}', folder]], env, count=lambda: junit.count(xml))


def csi_sanitized(run):
    """The driver's tests once more. It is built without what protobuf generates being watched."""
    if builds.ASAN.name in run.sanitized_built and have_programs(run, control_plane.CSI_PROGRAMS):
        programs = {'DRIVER': str(builds.ASAN.directory / DRIVER), 'CSI_CALL': str(builds.ASAN.directory / CSI_CALL)}
        pytest_step(run, 'asan csi', CSI, {**os.environ, **sanitizer_environment(), **programs})


def csi(run):
    if build_programs(run, control_plane.CSI_PROGRAMS):
        pytest_step(run, 'csi', CSI)


def end_to_end(run):
    is_ready = build_programs(run, (*control_plane.PROGRAMS, *control_plane.SIDECARS, control_plane.HELM))
    build_programs(run, (control_plane.PROMETHEUS,))  # Without it only its own tests fail.
    if is_ready:
        pytest_step(run, 'e2e', END_TO_END)


def guest(run):
    """A software-emulated machine with NVDIMMs. Its own script writes what ran."""
    run.release_built.wait()
    if run.release_ok:
        xml = builds.BUILD / 'guest' / 'junit.xml'
        xml.unlink(missing_ok=True)
        run.step('guest tests', [[GUEST / 'run']], count=lambda: junit.count(xml))


def prepare_walkthrough(run):
    """Programs, images and disk of the nodes."""
    if os.geteuid() != 0:
        return run.count(steps.Counts(skipped=1, skip_reasons=["walkthrough: root makes the images and the nodes' disk"]))
    os.nice(PREPARATION_NICE)  # Of this thread alone, and of what it starts.
    run.release_built.wait()
    if run.release_ok:
        run.walkthrough_ready = walkthrough.prepare(run.board)
        if not run.walkthrough_ready:
            run.count(steps.Counts(failed=1))


def waiting_lane(run):
    """The control plane is built while the other lane compiles; then what needs both."""
    # The walkthrough's preparation lowers the lane's priority: it comes last.
    for name, work in (('csi', csi), ('e2e', end_to_end), ('walkthrough', prepare_walkthrough)):
        if run.wants(name):
            run.part(name, functools.partial(work, run))


def guest_lane(run):
    if run.wants('guest'):
        run.part('guest', lambda: guest(run))


def walk(run):
    walkthrough.forget_results()
    run.step('walkthrough tests', [walkthrough.test_command([])], count=lambda: junit.count(walkthrough.RESULT))
    walkthrough.print_times()


def unknown(arguments):
    """Those that choose nothing: a slip of the pen must not pass for a test."""
    names = (*STEPS, *FAST_SUITES)
    return [a for a in arguments if not any(name.startswith(a) for name in names)]


def run_all(run):
    """The lanes, then what needs the machine for itself."""
    lanes = [threading.Thread(target=lane, args=(run,)) for lane in (compile_lane, waiting_lane, guest_lane)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    for sanitized in SANITIZED:
        run.part(f'{sanitized.build.name} tests', functools.partial(run.test_sanitized, sanitized))
    run.part('asan csi tests', lambda: csi_sanitized(run))
    if run.walkthrough_ready:
        run.part('walkthrough tests', lambda: walk(run))


def main(arguments):
    usage.refuse(unknown(arguments), 'step', (*STEPS, *FAST_SUITES))
    run = Run(arguments)
    run_all(run)
    for reason in run.total.skip_reasons:
        run.board.note(f'skipped: {reason}')
    print(run.total, flush=True)
    return 1 if run.total.failed else 0
