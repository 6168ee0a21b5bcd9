# SPDX-License-Identifier: Apache-2.0
"""Whatever is worked out once and kept is void when what it follows from changes."""

from guard import Guard

BOOK = 'extender/core/node_book.cc'

KEPT_GUARDS = (
    Guard(
        'numbers that were kept are of before the change',
        BOOK,
        '  node.firm_numbers.reset();\n',
        '',
        'NodeNumbersTest.WhatWasShownBeforeAChangeIsNotShownAfterIt',
    ),
    Guard(
        'bounds that were kept are of before the change',
        BOOK,
        '  node.bounds.reset();\n',
        '',
        'CapacityObjectsTest.WhatWasLookedAtBeforeAChangeIsLookedAtAgainAfterIt',
    ),
)
