# SPDX-License-Identifier: Apache-2.0
"""The build directories: what each is for, how it is set up, how a target of it is built."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

import precompile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / 'build'
# In the environment of what `./dev test` starts while it builds on in build/release: the programs there are as wanted.
HAS_PROGRAMS = 'DEV_HAS_PROGRAMS'


@dataclasses.dataclass(frozen=True)
class Build:
    name: str
    options: tuple = ()
    compiler: str = ''  # Empty: meson's choice, which is g++ through ccache.

    @property
    def directory(self):
        return BUILD / self.name


# What the sanitizers look for depends neither on the level nor on debug information. docs/testing.md has what a build costs
# otherwise: with g++ 12 six times as much. clang looks at the locks on the way; what it finds is an error here, whoever builds.
# No other warning is: the sanitizers make a compiler warn of what is not there.
SANITIZED = (
    '-Db_lundef=false',
    '-Doptimization=0',
    '-Dcpp_args=-g1 -Werror=thread-safety',
    f'-Dprecompiled={precompile.NAME}',
)
# A quarter of the usual linker's time, and a fifth for what the sanitizers make of a program.
CLANGS_LINKER = 'lld-16'
# A warning is an error, with this compiler; who packages it with another one calls meson and has the choice.
RELEASE = Build('release', ('-Dwerror=true',))
ASAN = Build('asan', ('-Db_sanitize=address,undefined', *SANITIZED), compiler='clang++-16')
TSAN = Build('tsan', ('-Db_sanitize=thread', *SANITIZED), compiler='clang++-16')
FUZZ = Build(
    'fuzz',
    ('-Db_sanitize=address,undefined', '-Db_lundef=false', '-Doptimization=1', '-Dfuzzers=enabled'),
    compiler='clang++-16',
)
CLANG = Build('clang', ('-Db_lundef=false',), compiler='clang++-16')


def setup_commands(build):
    """The commands that make or bring up to date the build directory; none when it is as wanted."""
    options = list(build.options)
    stamp = build.directory / '.dev-options'
    is_there = (build.directory / 'build.ninja').exists()
    if is_there and stamp.exists() and stamp.read_text() == ' '.join(options):
        return []
    # `meson configure` would know no option that has come since.
    again = ['--reconfigure'] if is_there else []
    command = ['meson', 'setup', *again, str(build.directory), str(ROOT), *options]
    return [command, _stamp(stamp, options)]


def _stamp(stamp, options):
    return ['sh', '-c', 'printf %s "$2" > "$1"', 'sh', str(stamp), ' '.join(options)]


def environment(build):
    """The environment for setting up: names the compiler when the build asks for another."""
    env = dict(os.environ)
    if build.compiler:
        env['CXX'] = f'ccache {build.compiler}' if shutil.which('ccache') else build.compiler
        if shutil.which(f'ld.{CLANGS_LINKER}'):
            env['CXX_LD'] = CLANGS_LINKER
    return env


def build_commands(build, targets=()):
    ninja = ['ninja', '-C', str(build.directory), *targets]
    return [*setup_commands(build), *precompile_commands(build), ninja]


def precompile_commands(build):
    """What makes, or leaves as it is, the header that a build has compiled beforehand. The directory is set up."""
    if not any(option.startswith('-Dprecompiled=') for option in build.options):
        return []
    return [[sys.executable, '-B', precompile.__file__, str(build.directory)]]


def refresh_command(build):
    """Lets meson look again if one of its files changed since."""
    return ['ninja', '-C', str(build.directory), 'build.ninja']


def targets_of_tests(build, takes):
    """What ninja has to make for the tests whose suites `takes` takes. The directory is set up and fresh."""

    def known(what):
        return json.loads(subprocess.check_output(['meson', 'introspect', str(build.directory), f'--{what}']))

    files = {target['id']: target['filename'] for target in known('targets')}
    # "pmem-scheduler:unit" is suite "unit".
    chosen = [test for test in known('tests') if takes({suite.partition(':')[2] for suite in test['suite']})]
    needed = {path for test in chosen for target in test['depends'] for path in files[target]}
    return sorted(os.path.relpath(path, build.directory) for path in needed)
