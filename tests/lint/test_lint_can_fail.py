# SPDX-License-Identifier: Apache-2.0
"""Every rule is shown a planted violation, and a good file that it must leave alone."""

import pathlib
import subprocess

import pytest

import banned_calls
import clang_checks
import include_rules
import python_names
import sizes
import sources
import tracked_files

SPDX = '// SPDX-License-Identifier: Apache-2.0\n'
HEADER = SPDX + '#pragma once\n'

BAD_INCLUDES = {
    'a clock in the core': ('extender/core/ledger.h', '#include <chrono>'),
    'a lock in common/pure': ('common/pure/units.h', '#include "absl/synchronization/mutex.h"'),
    'logging in the wire codec': ('extender/wire/codec.h', '#include <spdlog/spdlog.h>'),
    'file input in the agent core': ('capacity-agent/core/parse.h', '#include <fstream>'),
    'json past its door': ('extender/http_api.h', '#include <nlohmann/json.hpp>'),
    'cpprest past its door': ('extender/intake/kube_client.h', '#include <cpprest/http_client.h>'),
    'libndctl past its door': ('capacity-agent/collector.h', '#include <ndctl/libndctl.h>'),
    'a thread past its door': ('extender/ledger_service.h', '#include <thread>'),
    'a mutex past its door': ('extender/ledger_service.h', '#include <mutex>'),
    'a program that includes the other': ('extender/app.h', '#include "capacity-agent/config.h"'),
    'common that includes a program': ('common/io/log.h', '#include "extender/config.h"'),
    'core that includes the shell': ('extender/core/verbs.h', '#include "extender/http_api.h"'),
    'pure that includes io': ('common/pure/units.h', '#include "common/io/clock.h"'),
    'intake that includes the top level': (
        'extender/intake/watch_loop.h',
        '#include "extender/config.h"',
    ),
    'ours in angle brackets': ('extender/app.h', '#include <common/pure/units.h>'),
    'a path from somewhere else': ('extender/app.h', '#include "units.h"'),
    'a file that is not there': ('extender/app.h', '#include "common/pure/nowhere.h"'),
}
PRESENT = {
    path: HEADER
    for path in (
        'capacity-agent/config.h',
        'extender/config.h',
        'extender/http_api.h',
        'common/io/clock.h',
        'common/io/log.h',
        'common/pure/units.h',
    )
}


@pytest.mark.parametrize('path,line', BAD_INCLUDES.values(), ids=BAD_INCLUDES.keys())
def test_include_rules_find(path, line):
    assert include_rules.check({**PRESENT, path: f'{HEADER}{line}\n'})


def test_include_rules_leave_good_files_alone():
    good = {
        'extender/core/verbs.cc': SPDX + '#include <string>\n#include "absl/status/status.h"\n'
        '#include "common/pure/units.h"\n// #include <chrono>\n',
        'common/io/http_client.cc': SPDX + '#include <cpprest/http_client.h>\n',
        'tests/unit/extender/app_test.cc': SPDX
        + '#include <gtest/gtest.h>\n#include "extender/http_api.h"\n',
    }
    assert include_rules.check({**PRESENT, **good}) == []


@pytest.mark.parametrize('text', ['#pragma once\n', SPDX], ids=['no SPDX line', 'no pragma once'])
def test_include_rules_find_a_header_of_the_wrong_shape(text):
    assert include_rules.check({'common/pure/units.h': text})


BAD_CALLS = {
    'time in the core': ('extender/core/ledger.cc', 'auto t = absl::Now();'),
    'a chrono clock in the core': (
        'common/pure/x.cc',
        'auto t = std::chrono::steady_clock::now();',
    ),
    'a sleep in a C++ test': ('tests/unit/x_test.cc', 'absl::SleepFor(absl::Seconds(1));'),
    'a sleep in a Python test': ('tests/guest/test_x.py', 'time.sleep(1)'),
    'a sleep by another name': ('tests/csi/x.py', 'from time import monotonic, sleep'),
    'a thread of its own': ('extender/app.cc', 'std::thread t(f);'),
    'a bare absl lock': ('extender/app.h', 'absl::Mutex mu_;'),
    'a bare std lock': ('extender/app.h', 'std::mutex mu_;'),
    'a task outside the http files': ('extender/app.cc', 'pplx::task<void> t;'),
    'the shared word as a key': ('extender/http_api.cc', 'w.Key("namespace");'),
    'an open mark': ('extender/app.cc', '// TO' + 'DO: later'),
    'a banner': ('extender/core/ledger.cc', '// ' + 20 * '-'),
    'a path of one machine': ('tools/x.sh', 'cd /ro' + 'ot/x'),
    'the best known registry': ('manifests/base/x.yaml', 'image: docker.' + 'io/library/x:1'),
    'a registry of a project': ('docs/x.md', 'registry.k8' + 's.io/pause'),
    'a link to a package source': ('tools/x.sh', 'curl https://packages.elsewhere.net/x'),
}


@pytest.mark.parametrize('path,line', BAD_CALLS.values(), ids=BAD_CALLS.keys())
def test_banned_calls_find(path, line):
    assert banned_calls.check({path: f'{SPDX}{line}\n'})


def test_banned_calls_leave_good_files_alone():
    good = {
        'extender/core/ledger.cc': '// a --- b\n//     ----\n// absl::Now() is not called here.\nconst char* kText = "absl::Now";\n',
        'common/io/clock.cc': 'absl::Time Now() { return absl::Now(); }\n',
        'common/io/mutex.h': 'class Mutex { absl::Mutex mu_; };\n',
        'manifests/base/x.yaml': '# registry.example.com/pmem\nimage: localhost/x:1\n',
        'common/io/metrics.cc': '#include <prometheus/registry.h>\n',
        'tests/e2e/harness/waiting.py': 'time.sleep(poll)\n',
        'tests/guest/x.py': "guest.run('sleep 1')\n",
        'extender/core/kube_decode.cc': 'reader.String("namespace");\nnamespace pmem {}\n',
    }
    assert banned_calls.check(good) == []


def test_every_exemption_is_needed():
    texts = sources.read_all()

    def has_match(rule, prefix):
        return any(
            list(sources.matches(rule.pattern, rule.text(text)))
            for path, text in texts.items()
            if path.startswith(prefix) and path.endswith(rule.suffixes)
        )

    assert [(r.reason, p) for r in banned_calls.RULES for p in r.but if not has_match(r, p)] == []
    doors = [prefix for files in include_rules.DOORS.values() for prefix in files]
    assert [d for d in doors if not any(path.startswith(d) for path in texts)] == []


def function_of(lines):
    return 'int Long(int a,\n         int b) {\n' + '  a += b;\n' * (lines - 3) + '}\n'


@pytest.mark.parametrize(
    'path,text',
    [
        ('extender/app.cc', function_of(sizes.FUNCTION_LINES_MAX + 1)),
        ('extender/app.cc', 'int x;\n' * (sizes.FILE_LINES_MAX + 1)),
        ('extender/main.cc', 'int x;\n' * (sizes.MAIN_LINES_MAX + 1)),
        ('tests/unit/x_test.cc', 'int x;\n' * (sizes.TEST_FILE_LINES_MAX + 1)),
        ('tools/x.py', 'def long():\n' + '    x = 1\n' * sizes.FUNCTION_LINES_MAX),
    ],
    ids=['function', 'file', 'main', 'test file', 'Python function'],
)
def test_sizes_find(path, text):
    assert sizes.check({path: text})


def test_sizes_leave_the_limit_itself_alone():
    assert sizes.check({'extender/app.cc': function_of(sizes.FUNCTION_LINES_MAX)}) == []


def test_clang_format_finds_a_badly_laid_out_file(tmp_path):
    (tmp_path / '.clang-format').write_text((sources.ROOT / '.clang-format').read_text())
    (tmp_path / 'bad.cc').write_text('int  main( ){return 0 ;}\n')
    (tmp_path / 'good.cc').write_text('int main() { return 0; }\n')
    assert clang_checks.check_format(['bad.cc'], tmp_path)
    assert clang_checks.check_format(['good.cc'], tmp_path) == []


def test_a_name_that_nobody_made_is_found(tmp_path):
    (tmp_path / 'bad.py').write_text('def wait():\n    return no_such_name()\n')
    (tmp_path / 'good.py').write_text('def wait():\n    return wait\n')
    assert ['no_such_name' in line for line in python_names.check(['bad.py'], tmp_path)] == [True]
    assert python_names.check(['good.py'], tmp_path) == []


GUARDED = '''#include "absl/base/thread_annotations.h"
class ABSL_LOCKABLE Lock {{
 public:
  void Take() ABSL_EXCLUSIVE_LOCK_FUNCTION() {{}}
  void Drop() ABSL_UNLOCK_FUNCTION() {{}}
}};
class Counter {{
 public:
  int Next() {{
    {take}
    const int next = ++count_;
    {drop}
    return next;
  }}

 private:
  Lock lock_;
  int count_ ABSL_GUARDED_BY(lock_) = 0;
}};
int main() {{ return Counter().Next() - 1; }}
'''
PLANTED = {
    'an unguarded read': (GUARDED.format(take='', drop=''), 'thread-safety'),
    'a defect': (
        '#include <utility>\n#include <string>\nint main() {\n  std::string a = "x";\n  std::string b = '
        'std::move(a);\n  return static_cast<int>(a.size() + b.size());\n}\n',
        'bugprone-use-after-move',
    ),
    'nothing wrong': (GUARDED.format(take='lock_.Take();', drop='lock_.Drop();'), ''),
}


@pytest.mark.parametrize('text,expected', PLANTED.values(), ids=PLANTED.keys())
def test_clang_tidy_finds(tmp_path, text, expected):
    subprocess.run(['git', 'init', '-q', tmp_path], check=True)
    checks = (sources.ROOT / '.clang-tidy').read_text()
    (tmp_path / '.clang-tidy').write_text(checks)
    (tmp_path / 'x.cc').write_text(text)
    command = f'clang++-16 -std=c++20 -Wall -Wthread-safety -c {tmp_path}/x.cc -o x.o'
    (tmp_path / 'compile_commands.json').write_text(
        f'[{{"directory": "{tmp_path}", "command": "{command}", "file": "{tmp_path}/x.cc"}}]'
    )
    texts = {'.clang-tidy': checks, 'x.cc': text}
    found = clang_checks.check_tidy(
        tmp_path, texts, tmp_path / 'cache', lambda path: True, tmp_path
    )
    assert (expected in '\n'.join(found)) if expected else found == []


@pytest.mark.parametrize('name', ['an unguarded read', 'nothing wrong'])
@pytest.mark.parametrize('reaches_mutex', [True, False])
def test_thread_safety_finds(tmp_path, name, reaches_mutex):
    text, expected = PLANTED[name]
    header = '#include "common/io/mutex.h"\n' if reaches_mutex else ''
    texts = {'x.cc': header + text, 'common/io/mutex.h': ''}
    (tmp_path / 'common/io').mkdir(parents=True)
    for path, content in texts.items():
        (tmp_path / path).write_text(content)
    command = f'ccache clang++-16 -std=c++20 -I{tmp_path} -o x.o -c {tmp_path}/x.cc'
    (tmp_path / 'compile_commands.json').write_text(
        f'[{{"directory": "{tmp_path}", "command": "{command}", "file": "{tmp_path}/x.cc"}}]'
    )
    found = clang_checks.check_thread_safety(
        tmp_path, texts, tmp_path / 'cache', lambda path: True, tmp_path
    )
    assert bool(found) == bool(expected and reaches_mutex), found


@pytest.mark.parametrize('data', [b'\x7fELF\0', b'\xff\xfe', b'x' * (tracked_files.BYTES_MAX + 1)],
                         ids=['a program', 'not UTF-8', 'too large'])
def test_tracked_files_find(tmp_path, data):
    subprocess.run(['git', 'init', '-q', tmp_path], check=True)
    (tmp_path / 'good.txt').write_bytes(b'x' * tracked_files.BYTES_MAX)
    assert tracked_files.check(tmp_path) == []
    (tmp_path / 'core').write_bytes(data)
    assert len(tracked_files.check(tmp_path)) == 1


def test_every_text_of_ours_is_seen():
    seen = sources.read_all()
    assert 'common/pure/units.h' in seen and 'tools/dev/packages.txt' in seen
    assert not [
        p for p in seen if p.startswith('build/') or not (pathlib.Path(sources.ROOT) / p).is_file()
    ]
