# SPDX-License-Identifier: Apache-2.0
"""Guards against what looks like evidence, or like room, and is of another attempt or kept for somebody."""

from guard import Guard

LEDGER = 'extender/core/ledger.cc'
ACCOUNTS = 'extender/core/ledger_accounts.cc'

EVIDENCE_GUARDS = (
    Guard(
        '3: a nomination of an earlier attempt that is taken back late says nothing',
        LEDGER,
        '!was_told_before && nominated_before != hold->nominated_before;',
        '!was_told_before;',
        'LedgerEvidenceTest.ANominationOfAnEarlierAttemptThatIsClearedLateShortensNothing',
    ),
    Guard(
        '3: nor does one that the watch had not told of',
        LEDGER,
        '!was_told_before && nominated_before != hold->nominated_before;',
        'nominated_before != hold->nominated_before;',
        'LedgerEvidenceTest.NorDoesOneThatTheWatchHadNotToldOf',
    ),
    Guard(
        '3: a node that the answer did not name says nothing',
        'extender/core/ledger_accounts.cc',
        '  if (!is_answered) return;\n',
        '  (void)is_answered;\n',
        'LedgerEvidenceTest.APinWhereTheAnswerDidNotLeadNarrowsNothing',
    ),
    Guard(
        '4: a list of a later version than what is known has the claims as they are',
        LEDGER,
        'list.version.empty() ? claim.meta.resource_version : list.version;',
        'claim.meta.resource_version;',
        'LedgerRestoredTest.SoDoesAListOfALaterVersionThanWhatIsKnown',
    ),
    Guard(
        '4: so has one of a server that was set back',
        LEDGER,
        'return !list.is_set_back && IsEarlier(',
        'return IsEarlier(',
        'LedgerRestoredTest.TheListOfAServerThatWasSetBackCountsThoughItsClaimsSeemOlder',
    ),
    Guard(
        '5: also where an agent is heard of only later',
        'extender/core/ledger_agents.cc',
        '  OweOnNew(known_ids, now);\n',
        '  (void)known_ids;\n',
        'LedgerTest.AClaimThatARelistMissesIsOwedAlsoWhereAnAgentIsHeardOfLater',
    ),
    Guard(
        'a reservation that was only not found to fit keeps its room',
        'extender/core/node_book.cc',
        'IsTooMuchForSure(node.room, kind, more) || ',
        'true || ',
        'LedgerReservationsTest.OneThatWasOnlyNotFoundToFitIsKept',
    ),
    Guard(
        'those of which that is so do not keep each other out',
        'extender/core/node_book.cc',
        'if (IsAnyPromised(node, asking)) return {};',
        '(void)IsAnyPromised(node, asking);',
        'LedgerReservationsTest.ThoseThatAreNotFoundToFitTogetherDoNotKeepEachOtherOut',
    ),
    Guard(
        '8: an earlier generation that was observed earlier is late, whoever confirms it',
        'extender/core/node_book.cc',
        'if (may_be_of_now) node.refused = std::move(report);',
        '(void)may_be_of_now, node.refused = std::move(report);',
        'LedgerTest.AnEarlierGenerationOfTheSameBootThatItsAgentConfirmsIsTaken',
    ),
    Guard(
        '5: a claim that goes while only a leftover is listed is a debt',
        ACCOUNTS,
        'return nodes_.FindVolume(node, UidOf(place)).IsHalfMade();',
        'return false;',
        'LedgerHalfMadeTest.AClaimThatIsGoneIsOwedThoughItsLeftoverIsListed',
    ),
    Guard(
        '5: a leftover ends no debt',
        ACCOUNTS,
        'const bool is_made = nodes_.FindVolume(node, debt->first).IsWhole();',
        'const bool is_made = nodes_.FindVolume(node, debt->first).volume != nullptr;',
        'LedgerHalfMadeTest.OnlyAWholeVolumeEndsADebt',
    ),
    Guard(
        '5: a leftover is not the volume of a claim that is bound meanwhile',
        ACCOUNTS,
        'IsBound(claim) && (listed.IsWhole() || was_listed);',
        'IsBound(claim) && (listed.volume != nullptr || was_listed);',
        'LedgerHalfMadeTest.ABoundClaimIsCountedByALateReportFromBetween',
    ),
)
