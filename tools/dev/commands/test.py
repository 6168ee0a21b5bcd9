# SPDX-License-Identifier: Apache-2.0
"""Runs the tests: all suites, lint, real control plane, emulated machine; one line of counts.

usage: ./dev test [STEP...]
  STEP      only steps whose name starts with one of these words (builds they need are made): release,
            or one of its suites: unit, scenario, property, model, simulator, fuzz-corpus, integration;
            lint, csi, e2e, guest, asan, tsan, walkthrough

Four lanes run side by side. One compiles, in the order in which the others wait for it: the programs, the tests' programs, the
sanitizers' builds, and what no test runs. One tests what was compiled: lint first, which needs none of it, then the suites
beside the sanitizers' builds, and those tests beside the next build. One mostly waits: the control plane's build at a low
priority, then the driver's and the end-to-end tests, then what the walkthrough needs, at a low priority again. One is the
emulated machine's. Compilers have what the others leave of the cores once there are programs to test: what waits for a real
clock should not wait for those. Last, alone, come the emulated nodes of the walkthrough, which take both cores and time their
kubelets. A failing step does not stop the ones that do not need it, nor does one that breaks off, or does not end, keep others
from theirs.
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
# These run programs of the release build.
RUN_PROGRAMS = ('csi', 'e2e', 'guest', 'walkthrough')
# Of what is only made ready, beside tests that wait for a real clock; still before the sanitizers' builds.
PREPARATION_NICE = 10


# Within a build.
DRIVER = 'csi-driver/pmem-csi-driver'
CSI_CALL = 'tests/csi/csi-call'
# What those run: half of the release build's time.
PROGRAMS = (
    'capacity-agent/pmem-capacity-agent',
    'extender/pmem-extender',
    DRIVER,
    CSI_CALL,
    'tests/e2e/intake-probe',
    'tests/guest/libkill-at.so',
    'tests/guest/unix-relay',
)


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
# The one file that runs Prometheus with discovery, which takes minutes to build.
DISCOVERY = END_TO_END / 'test_scrape_config.py'
CSI = builds.ROOT / 'tests' / 'csi'
GUEST = builds.ROOT / 'tests' / 'guest'
# Of meson's limits (30 s for a suite of which nothing else is said): they are for what hangs, not for what a sanitizer and
# a busy machine make slow.
TIMEOUT_MULTIPLIER = 6
# At a time: they mostly wait.
SANITIZED_TESTS_AT_A_TIME = 4
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


class Awaited:
    """Something that one lane makes and others wait for."""

    def __init__(self):
        self._known = threading.Event()
        self._is_there = False

    def tell(self, is_there):
        self._is_there = is_there
        self._known.set()

    def wait(self):
        """Whether it is there, once that is known."""
        self._known.wait()
        return self._is_there


class Run:
    """One run of ./dev test: what is chosen, what was counted. Lanes call it from four threads."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.board = steps.Board(builds.BUILD / 'logs')
        self.total = steps.Counts()
        self.programs = Awaited()
        self.suites = Awaited()
        self.sanitized = {sanitized.build.name: Awaited() for sanitized in SANITIZED}
        self.walkthrough_ready = False
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

    def part(self, name, work, awaited=None):
        """Does a part of a lane, and tells who waits for what it makes. One that breaks off counts as a failure: nobody else
        would miss what it did not run."""
        is_there = False
        try:
            is_there = bool(work())
        except (Exception, SystemExit):
            self.count(steps.Counts(failed=1))
            self.board.broke(name, traceback.format_exc())
        finally:
            if awaited:
                awaited.tell(is_there)

    def runs_programs(self):
        return any(self.wants(step) for step in RUN_PROGRAMS)

    def chosen_suites(self):
        return [suite for suite in FAST_SUITES if self.wants('release') or self.wants(suite)]

    def build_programs(self):
        return self.step('release programs', builds.build_commands(builds.RELEASE, PROGRAMS))

    def build_suites(self):
        """What the chosen suites need."""
        if self.runs_programs() and not self.programs.wait():
            return False  # One failure says it.
        suites = self.chosen_suites()
        return self._build_tests(builds.RELEASE, lambda of: not of.isdisjoint(suites))

    def build_rest(self):
        """What no test runs, benchmarks above all, so that it keeps up with what it measures."""
        if self.suites.wait():
            self.step('release rest', [self._behind_programs(builds.build_commands(builds.RELEASE)[-1])])

    def _behind_programs(self, command):
        """What compiles gives way to what runs, if that is chosen."""
        return steps.behind_all(command) if self.runs_programs() else command

    def _build_tests(self, build, takes, programs=()):
        """What the tests whose suites `takes` takes need, and `programs`, and no more. True when it is there."""
        setup = [*builds.setup_commands(build), builds.refresh_command(build), *builds.precompile_commands(build)]
        if not self.step(f'{build.name} setup', setup, builds.environment(build)):
            return False
        ninja = ['ninja', '-C', build.directory, *builds.targets_of_tests(build, takes), *programs]
        return self.step(f'{build.name} build', [self._behind_programs(ninja)])

    def build_sanitized(self, sanitized):
        return self._build_tests(sanitized.build, sanitized.takes, sanitized.programs)

    def test_suites(self):
        if self.suites.wait():
            chosen = [word for suite in self.chosen_suites() for word in ('--suite', suite)]
            self._meson_test('release tests', builds.RELEASE, chosen)

    def test_sanitized(self, sanitized):
        build = sanitized.build
        if self.sanitized[build.name].wait():
            at_a_time = ['--num-processes', SANITIZED_TESTS_AT_A_TIME]
            self._meson_test(f'{build.name} tests', build, [*at_a_time, *sanitized.options()])

    def _meson_test(self, name, build, options):
        junit.forget_meson(build.directory)
        command = ['meson', 'test', '-C', build.directory, '--no-rebuild', '--print-errorlogs']
        command += ['--timeout-multiplier', TIMEOUT_MULTIPLIER, *options]
        if build is builds.TSAN:  # The thread sanitizer of clang 16 needs a fixed address layout.
            command = ['setarch', '-R', *command]
        env = {**os.environ, **sanitizer_environment()}
        self.step(name, [command], env, lambda: junit.count_meson(build.directory))


def chosen_sanitized(run):
    return [sanitized for sanitized in SANITIZED if run.wants(sanitized.build.name)]


def compile_lane(run):
    """What most wait for comes first."""
    if run.runs_programs():
        run.part('release programs', run.build_programs, run.programs)
    if run.chosen_suites():
        run.part('release', run.build_suites, run.suites)
    for sanitized in chosen_sanitized(run):
        name = sanitized.build.name
        run.part(name, functools.partial(run.build_sanitized, sanitized), run.sanitized[name])
    if run.wants('release'):
        run.part('release rest', run.build_rest)


def test_lane(run):
    """Tests of what the first lane made, while it makes the next."""
    if run.wants('lint'):
        run.part('lint', lambda: run.count(lint.run(run.board, without=SLOW_CHECKS)))
    if run.chosen_suites():
        run.part('release tests', run.test_suites)
    for sanitized in chosen_sanitized(run):
        run.part(f'{sanitized.build.name} tests', functools.partial(run.test_sanitized, sanitized))


def have_programs(run, programs):
    """True when all of them are there and current."""
    for program in control_plane.missing(programs):
        commands = control_plane.build_commands(program, nice=15)
        if run.step(f'{program.name} build', commands, control_plane.go_environment()):
            program.mark_current()
    return not control_plane.missing(programs)


def pytest_step(run, name, arguments, env=None):
    xml = run.board.logs / f'{name}.xml'
    xml.unlink(missing_ok=True)
    run.step(f'{name} tests', [[*PYTEST, f'--junitxml={xml}', *arguments]], env, count=lambda: junit.count(xml))


def csi_sanitized(run):
    """The driver's tests once more. It is built without what protobuf generates being watched."""
    if run.sanitized[builds.ASAN.name].wait() and have_programs(run, control_plane.CSI_PROGRAMS):
        programs = {'DRIVER': str(builds.ASAN.directory / DRIVER), 'CSI_CALL': str(builds.ASAN.directory / CSI_CALL)}
        pytest_step(run, 'asan csi', [CSI], {**os.environ, **sanitizer_environment(), **programs})


def csi(run):
    has_all = have_programs(run, control_plane.CSI_PROGRAMS)
    if run.programs.wait() and has_all:
        pytest_step(run, 'csi', [CSI])


def end_to_end(run):
    """Prometheus is built behind the tests that can do without it, and without it only its own tests fail."""
    has_all = have_programs(run, (*control_plane.PROGRAMS, *control_plane.SIDECARS, control_plane.HELM))
    if not run.programs.wait() or not has_all:
        return
    env = {**os.environ, builds.HAS_PROGRAMS: '1'}  # A test runs ./dev demo.
    if not control_plane.missing((control_plane.PROMETHEUS,)):
        return pytest_step(run, 'e2e', [END_TO_END], env)
    pytest_step(run, 'e2e', [END_TO_END, f'--ignore={DISCOVERY}'], env)
    have_programs(run, (control_plane.PROMETHEUS,))
    pytest_step(run, 'e2e discovery', [DISCOVERY], env)


def guest(run):
    """A software-emulated machine with NVDIMMs. Its own script writes what ran."""
    if run.programs.wait():
        xml = builds.BUILD / 'guest' / 'junit.xml'
        xml.unlink(missing_ok=True)
        run.step('guest tests', [[GUEST / 'run']], count=lambda: junit.count(xml))


def prepare_walkthrough(run):
    """Programs, images and disk of the nodes."""
    if os.geteuid() != 0:
        return run.count(steps.Counts(skipped=1, skip_reasons=["walkthrough: root makes the images and the nodes' disk"]))
    os.nice(PREPARATION_NICE)  # Of this thread alone, and of what it starts.
    if run.programs.wait():
        run.walkthrough_ready = walkthrough.prepare(run.board, has_programs=True)
        if not run.walkthrough_ready:
            run.count(steps.Counts(failed=1))


def waiting_lane(run):
    """The control plane is built while the first lane compiles; then what needs both. The driver's tests come one after the other."""
    # The walkthrough's preparation lowers the lane's priority for what is left, which the sanitizers' builds are still below.
    for step, name, work in (
        ('csi', 'csi', csi),
        ('e2e', 'e2e', end_to_end),
        ('walkthrough', 'walkthrough', prepare_walkthrough),
        (builds.ASAN.name, 'asan csi tests', csi_sanitized),
    ):
        if run.wants(step):
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
    lanes = (compile_lane, test_lane, waiting_lane, guest_lane)
    # Who interrupts does not want the rest of a lane.
    lanes = [threading.Thread(target=lane, args=(run,), daemon=True) for lane in lanes]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
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
