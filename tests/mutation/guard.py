# SPDX-License-Identifier: Apache-2.0
"""What a guard is, and the programs whose tests die without one."""

import dataclasses

CORE = 'tests/unit/extender/core/extender-core-tests'
SHELL = 'tests/unit/extender/extender-shell-tests'
PURE = 'tests/unit/common/common-tests'
AGENT = 'tests/unit/capacity-agent/capacity-agent-tests'
DRIVER = 'tests/unit/csi-driver/csi-driver-tests'
DRIVER_CORE = 'tests/unit/csi-driver/csi-driver-core-tests'


@dataclasses.dataclass(frozen=True)
class Guard:
    rule: str  # What it is there for.
    file: str
    text: str
    instead: str
    test: str  # Sentence of the test, as gtest names it.
    program: str = CORE
