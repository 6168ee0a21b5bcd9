# SPDX-License-Identifier: Apache-2.0
"""Guards of what is there already: volumes that grow, that come free, or that no report shows."""

from guard import Guard

ACCOUNTS = 'extender/core/ledger_accounts.cc'
GROWTH = 'extender/core/growth.cc'
LEDGER = 'extender/core/ledger.cc'
CACHE = 'extender/core/object_cache.cc'

VOLUME_GUARDS = (
    Guard(
        '2: a volume that is heard of late is for whomever was answered before',
        LEDGER,
        '  if (is_offered) HoldNewVolume(event.object);',
        '',
        'LedgerTest.AVolumeThatIsHeardOfLateIsForWhomeverWasAnsweredBefore',
    ),
    Guard(
        '2: so is one that comes free again',
        CACHE,
        '  if (before == nullptr || !IsUnclaimed(*before)) return true;',
        '  if (before == nullptr) return true;',
        'LedgerVolumesTest.OneThatComesFreeAgainIsForWhomeverWasAnsweredBefore',
    ),
    Guard(
        '2: so is one that comes free again between two lists',
        LEDGER,
        'for (const PersistentVolume* volume : offered) HoldNewVolume(*volume);',
        'for (const PersistentVolume* volume : fresh) HoldNewVolume(*volume);',
        'LedgerVolumesTest.OneThatAListTellsToBeFreeIsForWhomeverWasAnsweredBefore',
    ),
    Guard(
        '6: an expansion that was begun counts though less is asked for again',
        GROWTH,
        '{claim.allocated_bytes, object_bytes}',
        '{claim.allocated_bytes, 0 * object_bytes}',
        'LedgerExpansionTest.OneThatWasBegunCountsThoughTheRequestWasLowered',
    ),
    Guard(
        '6: a volume that was made for another claim grows, too',
        ACCOUNTS,
        'nodes_.FindVolume(node, KeyOf(place));',
        'nodes_.FindVolume(node, UidOf(place));',
        'LedgerExpansionTest.AVolumeThatWasMadeForAnotherClaimGrowsToo',
    ),
    Guard(
        '5: a claim that gets a volume where it was pinned owes its own there',
        ACCOUNTS,
        'const bool has_left = !is_same || place->taken_key != before.taken_key;',
        'const bool has_left = !is_same;',
        'LedgerExpansionTest.AClaimThatGetsAVolumeWhereItWasPinnedOwesItsOwnThere',
    ),
)
