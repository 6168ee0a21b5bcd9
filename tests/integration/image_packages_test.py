# SPDX-License-Identifier: Apache-2.0
"""The images hold every library that a program is linked with. Building one would show it too, minutes later."""

import functools
import os
import pathlib
import re
import subprocess

import pytest

PACKAGES = pathlib.Path(__file__).resolve().parents[2] / 'tools' / 'images' / 'packages'
PROGRAMS = [os.environ[name] for name in ('AGENT', 'DRIVER', 'EXTENDER')]


def printed(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needed_libraries(program):
    """Names like libssl.so.3, of those that the program itself asks for."""
    return re.findall(r'\(NEEDED\).*\[(.+)\]', printed('readelf', '--dynamic', program))


@functools.cache
def packages_of():
    """{library of any program: Debian's packages with a file of that name}. For each question all packages are looked through."""
    libraries = sorted({library for program in PROGRAMS for library in needed_libraries(program)})
    found = {library: set() for library in libraries}
    for line in printed('dpkg-query', '--search', *(f'*/{library}' for library in libraries)).splitlines():
        found[os.path.basename(line)].add(re.match(r'[a-z0-9][a-z0-9+.-]+', line)[0])
    return found


def with_dependencies(packages):
    """All that apt installs for them, as far as this machine has it installed."""
    listed = printed('dpkg-query', '--show', '--showformat', '${Package}\t${Pre-Depends},${Depends}\n')
    depends = {}
    for line in listed.splitlines():
        package, _, needs = line.partition('\t')
        depends.setdefault(package, []).extend(re.findall(r'(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)', needs))
    found, wanted = set(), list(packages)
    while wanted:
        package = wanted.pop()
        if package not in found:
            found.add(package)
            wanted += depends.get(package, [])
    return found


@pytest.mark.parametrize('program', PROGRAMS, ids=os.path.basename)
def test_every_library_is_in_the_image(program):
    in_image = with_dependencies((PACKAGES / os.path.basename(program)).read_text().split())
    needed = {library: packages_of()[library] for library in needed_libraries(program)}
    assert needed and all(needed.values())
    assert {library: packages for library, packages in needed.items() if not packages & in_image} == {}
