# SPDX-License-Identifier: Apache-2.0
"""Who may include what: data flows one way, the cores stay pure, each library has one door."""

import re

import sources

# Folders whose code is values in, values out.
PURE = (
    'common/pure/',
    'capacity-agent/core/',
    'extender/core/',
    'extender/wire/',
    'csi-driver/core/',
)
PURE_BANNED = re.compile(
    r'(thread|mutex|shared_mutex|condition_variable|future|random|iostream|fstream|filesystem|chrono)$'
    r'|(cpprest|pplx|ndctl|daxctl|prometheus|spdlog|boost|openssl|CLI|absl/synchronization|absl/flags)/'
)

# Library -> the only files that may include it; a prefix ends in '/' or '.' (any suffix).
DOORS = {
    re.compile(r'nlohmann/'): ('common/pure/json_parser.cc', 'tests/unit/common/pure/json_tree_test.cc'),
    re.compile(r'simdjson'): ('common/pure/json_parser.cc', 'extender/wire/', 'tests/'),
    re.compile(r'(cpprest|pplx)/'): (
        'common/io/http_server.cc',
        'common/io/http_body.',
        'common/io/http_buffer.h',
        'common/io/http_client.cc',
        'common/io/http_call.h',
        'common/io/http_call.cc',
        'common/io/io_threads.cc',
        'tests/benchmark/bare_listener.cc',
    ),
    re.compile(r'(ndctl|daxctl)/'): ('capacity-agent/device/',),
    re.compile(r'(grpc|grpcpp|google/protobuf)/|(csi|pluginregistration)\.(grpc\.)?pb'): (
        'csi-driver/grpc/',
        'tests/csi/',
        'tests/unit/csi-driver/',
    ),
    re.compile(r'spdlog/'): ('common/io/log.',),
    re.compile(r'absl/synchronization/'): ('common/io/mutex.h', 'common/io/clock.'),
    re.compile(r'(mutex|shared_mutex|condition_variable)$'): ('common/io/mutex.h',),
    re.compile(r'thread$'): ('common/io/periodic_task.', 'tests/'),
}

# Folder -> our own folders it may include from. The longest matching folder counts; '' after a
# program's name means the program's own top level, where main and the shells are.
LAYERS = {
    'common/pure/': ('common/pure/',),
    'common/io/': ('common/',),
    'capacity-agent/core/': ('common/pure/', 'capacity-agent/core/'),
    'capacity-agent/device/': ('common/', 'capacity-agent/core/', 'capacity-agent/device/'),
    'capacity-agent/': ('common/', 'capacity-agent/'),
    'extender/core/': ('common/pure/', 'extender/core/'),
    'extender/wire/': ('common/pure/', 'extender/core/', 'extender/wire/'),
    'extender/intake/': ('common/', 'extender/core/', 'extender/intake/'),
    'extender/': ('common/', 'extender/'),
    'csi-driver/core/': ('common/pure/', 'capacity-agent/core/', 'csi-driver/core/'),
    # The device room is one: the driver makes the volumes that the agent reports.
    'csi-driver/': ('common/', 'capacity-agent/core/', 'capacity-agent/device/', 'csi-driver/'),
}
OWN = ('common/', 'capacity-agent/', 'extender/', 'csi-driver/', 'tests/')
INCLUDE = r'(?m)^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]'


def check(texts):
    """Violations, one line each, of {path: text}."""
    found = []
    for path, text in texts.items():
        if not sources.is_cpp(path):
            continue
        for line, match in sources.matches(INCLUDE, sources.without_comments(text)):
            found += [
                f'{path}:{line}: {reason}' for reason in _reasons(path, match[1], match[2], texts)
            ]
        found += _shape(path, text)
    return found


def _reasons(path, bracket, included, texts):
    if path.startswith(PURE) and PURE_BANNED.match(included):
        yield f'a pure folder may not include {included}'
    for library, allowed in DOORS.items():
        if library.match(included) and not path.startswith(allowed):
            yield f'{included} may only be included by {", ".join(allowed)}'
    ours = included.startswith(OWN)
    if ours and bracket == '<':
        yield f'our own {included} is included with quotes'
    if ours and included not in texts:
        yield f'{included} does not exist (paths start at the root of the repository)'
    if ours and not path.startswith('tests/') and not included.startswith(_layer(path)):
        yield f'{path.rsplit("/", 1)[0]} may include only {", ".join(_layer(path))}, not {included}'
    if bracket == '"' and not ours and not included.startswith('absl/'):
        yield f'{included} is neither ours nor abseil: include it with angle brackets'


def _layer(path):
    folder = max((f for f in LAYERS if path.startswith(f)), key=len, default=None)
    return LAYERS[folder] if folder else OWN


def _shape(path, text):
    if not text.startswith('// SPDX-License-Identifier: Apache-2.0\n'):
        yield f'{path}:1: the first line is the SPDX line'
    if path.endswith('.h') and '\n#pragma once\n' not in text:
        yield f'{path}:1: a header has #pragma once'
