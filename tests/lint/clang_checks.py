# SPDX-License-Identifier: Apache-2.0
"""clang-format by difference; clang's thread-safety analysis; clang-tidy with clang's own warnings.

A file that was clean is not looked at again until it, a header of ours that it reaches, its command
line or the checks change: the digest of all that names an empty file in the cache folder.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess

import include_rules
import sources

FORMAT = 'clang-format-16'
# Useful, but some files make clang-tidy 16 crash in it: those are looked at without it.
CRASHING_CHECK = 'bugprone-unchecked-optional-access'
TIDY = 'clang-tidy-16'
MUTEX = 'common/io/mutex.h'


def check_format(paths, root=sources.ROOT):
    done = (
        subprocess.run(
            [FORMAT, '--dry-run', '--Werror', *paths],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        if paths
        else None
    )
    if done is None or done.returncode == 0:
        return []
    return [line for line in done.stderr.split('\n') if 'error:' in line] or [done.stderr.strip()]


def _reached(path, texts, seen):
    if path in texts and path not in seen:
        seen.add(path)
        for _, match in sources.matches(include_rules.INCLUDE, texts[path]):
            _reached(match[2], texts, seen)
    return seen


def _digest(path, entry, texts, version):
    digest = hashlib.sha256()
    for part in (version, texts.get('.clang-tidy', ''), entry['command']):
        digest.update(part.encode() + b'\0')
    for reached in sorted(_reached(path, texts, set())):
        digest.update(reached.encode() + b'\0' + texts[reached].encode() + b'\0')
    return digest.hexdigest()


def _clang_jobs(build_directory, wanted, root):
    """(path, entry) of the files for which wanted(path) holds, after compile_commands.json."""
    entries = json.loads((build_directory / 'compile_commands.json').read_text())
    paths = ((os.path.relpath(build_directory / e['file'], root), e) for e in entries)
    return [(path, entry) for path, entry in paths if wanted(path)]


def _check_each(jobs, texts, cache, version, look):
    """Violations that look(path, entry) finds, for files that were not clean the last time."""
    cache = pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)

    def check(job):
        path, entry = job
        stamp = cache / _digest(path, entry, texts, version)
        if stamp.exists():
            return []
        lines = look(path, entry)
        if not lines:
            stamp.touch()
        return lines

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [line for lines in pool.map(check, jobs) for line in lines]


def _findings(path, done, output, root):
    if done.returncode == 0:
        return []
    lines = [
        line.replace(f'{root}/', '').replace('../../', '')
        for line in output.split('\n')
        if ' error: ' in line or ' warning: ' in line
    ]
    return sorted(set(lines)) or [f'{path}: clang failed: {done.stderr.strip()[-400:]}']


def check_tidy(build_directory, texts, cache, wanted, root=sources.ROOT):
    """What clang-tidy says of the files for which wanted(path) holds."""
    build_directory = pathlib.Path(build_directory)
    version = subprocess.run([TIDY, '--version'], capture_output=True, text=True, check=True).stdout

    def look(path, _):
        command = ['nice', TIDY, '--quiet', '-p', str(build_directory), path]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode != 0 and CRASHING_CHECK in done.stderr and 'Stack dump' in done.stderr:
            command.insert(2, f'--checks=-{CRASHING_CHECK}')
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        return _findings(path, done, done.stdout, root)

    jobs = _clang_jobs(build_directory, wanted, root)
    return _check_each(jobs, texts, cache, version, look)


def check_thread_safety(build_directory, texts, cache, wanted, root=sources.ROOT):
    """What clang's thread-safety analysis says of the wanted files that reach our mutex."""
    build_directory = pathlib.Path(build_directory)

    def look(path, entry):
        words = [w for w in shlex.split(entry['command']) if w not in ('ccache', '-c')]
        command = ['nice', *words, '-fsyntax-only', '-Wthread-safety', '-Werror=thread-safety']
        done = subprocess.run(
            command, cwd=entry['directory'], capture_output=True, text=True, check=False
        )
        return _findings(path, done, done.stderr, root)

    jobs = [
        (path, entry)
        for path, entry in _clang_jobs(build_directory, wanted, root)
        if MUTEX in _reached(path, texts, set())
    ]
    return _check_each(jobs, texts, cache, 'thread-safety', look)
