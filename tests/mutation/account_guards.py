# SPDX-License-Identifier: Apache-2.0
"""Steps of the ledger's accounting whose loss only Ledger::CheckInvariants tells: the named tests
look at nothing else, so that they also die when a check finds nothing any more.
"""

from guard import Guard

ACCOUNTS = 'extender/core/ledger_accounts.cc'
ASSIGNED = 'LedgerInvariantsTest.WhatIsAssignedIsComparedWithWhatHasItsPlaceThere'
EXPANSIONS = 'LedgerInvariantsTest.ExpansionsAndTheRoomBesideThemAreComparedWithTheReport'
RESERVATIONS = 'LedgerInvariantsTest.ReservationsAreComparedWithWhatThePodsNeed'

ACCOUNT_GUARDS = (
    Guard(
        'accounts: what is assigned ends with its place',
        ACCOUNTS,
        '    node.assigned.erase(std::string(uid));\n',
        '',
        ASSIGNED,
    ),
    Guard(
        'accounts: as much is assigned as the claim asks for',
        ACCOUNTS,
        'node.assigned[std::string(uid)] = place->item;',
        'node.assigned[std::string(uid)] = {place->item.claim_uid, place->item.kind, 1};',
        ASSIGNED,
    ),
    Guard(
        'accounts: an expansion ends when a report has it',
        ACCOUNTS,
        '    node.expansions.erase(it);\n',
        '',
        EXPANSIONS,
    ),
    Guard(
        'accounts: room that an expansion took is there again when its claim has left',
        ACCOUNTS,
        'if (has_left && node.expansions.erase(std::string(uid)) > 0) NodeBook::RebuildRoom(node);',
        'if (has_left) node.expansions.erase(std::string(uid));',
        EXPANSIONS,
    ),
    Guard(
        'accounts: a place changes what the pods of its claim reserve',
        ACCOUNTS,
        '  for (const std::string& pod_uid : cache_.PodsUsing(key)) AccountPod(pod_uid);\n}\n\n'
        '// By what the claims say',
        '}\n\n// By what the claims say',
        RESERVATIONS,
    ),
    Guard(
        'accounts: what a pod reserves ends before it reserves anew',
        ACCOUNTS,
        '  Unreserve(uid);\n  const Pod* pod',
        '  const Pod* pod',
        RESERVATIONS,
    ),
    Guard(
        'accounts: a reservation is of its pod',
        ACCOUNTS,
        'reservation.pod_uids.insert(std::string(uid));',
        '',
        RESERVATIONS,
    ),
)
