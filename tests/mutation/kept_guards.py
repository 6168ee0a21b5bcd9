# SPDX-License-Identifier: Apache-2.0
"""Whatever is worked out once and kept is void when what it follows from changes."""

from guard import Guard

BOOK = 'extender/core/node_book.cc'
OFFERS = 'extender/core/capacity_offers.cc'

KEPT_GUARDS = (
    Guard(
        'numbers that were kept are of before the change',
        BOOK,
        '  node.firm_numbers.reset();\n',
        '',
        'NodeNumbersTest.WhatWasShownBeforeAChangeIsNotShownAfterIt',
    ),
    Guard(
        'offers that were kept are of before the change',
        OFFERS,
        'kept.is_current && kept.stamp == ledger.nodes().StampOf(id)',
        'kept.is_current',
        'CapacityObjectsTest.WhatWasLookedAtBeforeAChangeIsLookedAtAgainAfterIt',
    ),
    Guard(
        'offers that were kept are of the Node object before',
        'extender/core/ledger.cc',
        '  if (!is_alike) nodes_.Touch(name);\n',
        '',
        'CapacityObjectsTest.WithoutALabelToReachItANodeHasNone',
    ),
    Guard(
        'offers that were kept are of claims that have changed elsewhere',
        OFFERS,
        'node.debts.empty() && node.reserved.empty()',
        'true',
        'CapacityObjectsTest.AFloorForADebtEndsWhenItsClaimIsBoundElsewhere',
    ),
)
