# SPDX-License-Identifier: Apache-2.0
"""What must not be written: clocks in the core, sleeps in tests, bare locks, the word we share with others."""

import dataclasses
import re

import include_rules
import sources

SELF = 'tests/lint/'


@dataclasses.dataclass(frozen=True)
class Rule:
    pattern: str
    reason: str
    where: tuple  # Prefixes of the paths it holds for.
    but: tuple = ()  # Prefixes it does not hold for.
    suffixes: tuple = sources.CPP
    text: object = sources.without_comments_and_strings  # What of the file is looked at.


def _whole(text):
    return text


RULES = (
    Rule(
        r'\babsl::Now\b|\b(system|steady)_clock\b|\bstd::time\b|\bclock_gettime\b',
        'time is passed in',
        include_rules.PURE,
    ),
    Rule(
        r'\b(sleep_for|sleep_until|SleepFor|usleep|nanosleep)\b|(?<![\w.:])sleep\s*\(',
        'no sleep as synchronisation: wait for the condition',
        ('tests/',),
    ),
    Rule(
        r'\btime\.sleep\b|\bfrom time import\b.*\bsleep\b',
        'wait for the condition with harness.waiting; a delay that a fake plays is Event().wait',
        ('tests/',),
        ('tests/e2e/harness/waiting.py', SELF),
        suffixes=('.py',),
        text=_whole,
    ),
    Rule(
        r'\bstd::(thread|jthread|async)\b(?!::)',
        'threads are made by common/io/periodic_task only',
        sources.PRODUCT,
        ('common/io/periodic_task.',),
    ),
    Rule(
        r'\babsl::(Mutex|MutexLock|CondVar|Notification)\b',
        'lock through common/io/mutex.h',
        ('',),
        ('common/io/mutex.h',),
    ),
    Rule(
        r'\bstd::(recursive_|shared_|timed_)?mutex\b|\bstd::(lock_guard|unique_lock|scoped_lock)\b',
        'lock through common/io/mutex.h',
        sources.PRODUCT,
    ),
    Rule(
        r'\b(pplx|concurrency)::',
        'pplx tasks stay inside the http files',
        ('',),
        (
            'common/io/http_server.cc',
            'common/io/http_body.',
            'common/io/http_buffer.h',
            'common/io/http_client.cc',
            'common/io/http_call.',
        ),
    ),
    Rule(
        r'"namespace"',
        'say kube_namespace or nvdimm_namespace',
        sources.PRODUCT,
        (
            'extender/core/kube_',
            'extender/wire/',
            'extender/intake/kube_',
            'extender/core/leader_state.',
            'extender/intake/event_writer.',
            'common/io/metrics.cc',  # Which refuses it as a label.
        ),
        text=sources.without_comments,
    ),
    Rule(
        r'\b(TODO|FIXME|XXX)\b',
        'open work is an issue, not a mark in the text',
        ('',),
        (SELF,),
        suffixes=('.h', '.cc', '.py', '.sh', '.build', '.yaml', '.md'),
        text=_whole,
    ),
    Rule(
        r'(?m)^[ \t]*// ?[-=_*~#]{3,}[ \t]*$',
        'no banners: a comment says something, a section of its own is a file',
        ('',),
        text=_whole,
    ),
    Rule(
        r'(?<![\w.-])/(work|root|home/\w+|tmp/\w+\.\d+)/|\.\./\.\w+',
        'a path of one machine',
        ('',),
        suffixes=('',),
        text=_whole,
    ),
    Rule(
        r'\b(docker|quay|ghcr|gcr|[\w-]+\.(gcr|azurecr))\.io\b|\bregistry(-[\w-]+)?\.(?![\w.-]*\bexample\b)[\w-]+\.[\w.]+'
        r'|\.ecr\.|\bmcr\.\w+\.com\b',
        'a registry: our images are named localhost/NAME, an overlay says from where they come',
        ('',),
        suffixes=('',),
        text=_whole,
    ),
)

# A link may lead only where a reader or a test needs to go; hosts of package sources are not named.
URL = r'https?://([A-Za-z0-9.-]*[A-Za-z0-9])'
URL_HOSTS = re.compile(
    r'(localhost|127\.0\.0\.\d+|10\.\d+\.\d+\.\d+|h|host|kubernetes\.default(\.svc)?|[\w.-]*\.(svc|test|invalid|example|local)'
    r'|example\.\w+|pmem[\w-]*|www\.apache\.org|json-schema\.org|spec\.openapis\.org|github\.com|kubernetes\.io'
    r'|www\.rfc-editor\.org|[a-z]\d?)$'
)
URL_SUFFIXES = ('.h', '.cc', '.py', '.sh', '.build', '.yaml', '.yml', '.md', '.txt', 'dev', '.html')


def check(texts):
    found = []
    for path, text in texts.items():
        for rule in RULES:
            if not path.startswith(rule.where) or (rule.but and path.startswith(rule.but)):
                continue
            if path.endswith(rule.suffixes):
                found += [
                    f'{path}:{line}: {match[0].strip()}: {rule.reason}'
                    for line, match in sources.matches(rule.pattern, rule.text(text))
                ]
        if path.endswith(URL_SUFFIXES) and not path.startswith(SELF):
            found += [
                f'{path}:{line}: a link to {match[1]}'
                for line, match in sources.matches(URL, text)
                if not URL_HOSTS.match(match[1])
            ]
    return found
