# SPDX-License-Identifier: Apache-2.0
"""clang-format by difference; clang-tidy with clang's own warnings and its thread-safety analysis.

A file that was clean is not looked at again until it, a header of ours that it reaches, its command
line or the checks change: the digest of all that names an empty file in the cache folder.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess

import include_rules
import sources

FORMAT = 'clang-format-16'
TIDY = 'clang-tidy-16'


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


def check_tidy(build_directory, texts, cache, wanted, root=sources.ROOT):
    """Violations in the files for which wanted(path) holds, after compile_commands.json."""
    build_directory, cache = pathlib.Path(build_directory), pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, '--version'], capture_output=True, text=True, check=True).stdout
    jobs = {}
    for entry in json.loads((build_directory / 'compile_commands.json').read_text()):
        path = os.path.relpath(build_directory / entry['file'], root)
        if wanted(path):
            jobs[path] = cache / _digest(path, entry, texts, version)
    todo = {path: stamp for path, stamp in jobs.items() if not stamp.exists()}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: _tidy(path, build_directory, root, todo[path]), todo)
        return [line for lines in results for line in lines]


def _tidy(path, build_directory, root, stamp):
    command = ['nice', TIDY, '--quiet', '-p', str(build_directory), path]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        stamp.touch()
        return []
    lines = [
        line.replace(f'{root}/', '').replace('../../', '')
        for line in done.stdout.split('\n')
        if ' error: ' in line or ' warning: ' in line
    ]
    return sorted(set(lines)) or [f'{path}: {TIDY} failed: {done.stderr.strip()[-400:]}']
