# SPDX-License-Identifier: Apache-2.0
"""Every guard of docs/ledger.md: the text that is it, what is left without it, the test that must die.

`text` occurs once in `file`. Words after a test's program are gtest filters, or the simulator's
arguments. Run by `./dev mutate`.
"""

import dataclasses

CORE = 'tests/unit/extender/core/extender-core-tests'
SHELL = 'tests/unit/extender/extender-shell-tests'
PURE = 'tests/unit/common/common-tests'


@dataclasses.dataclass(frozen=True)
class Guard:
    rule: str  # What it is there for.
    file: str
    text: str
    instead: str
    test: str  # Sentence of the test, as gtest names it.
    program: str = CORE


LEDGER = 'extender/core/ledger.cc'
ACCOUNTS = 'extender/core/ledger_accounts.cc'
JUDGE = 'extender/core/ledger_judge.cc'
BOOK = 'extender/core/node_book.cc'
DRIFT = 'extender/core/ledger_drift.cc'
SERVICE = 'extender/ledger_service.cc'

GUARDS = (
    Guard(
        '1: an answer is a hold before it leaves',
        SERVICE,
        'ledger_.HoldOnIds(pod, demand, std::move(decision.node_ids),\n'
        '                        std::move(decision.static_volumes), now, turn);',
        '',
        'LedgerServiceTest.FilterNamesTheNodesWithRoomAndHoldsThem',
        SHELL,
    ),
    Guard(
        '1: a call that was given up takes nothing from the one that came after it',
        SERVICE,
        'while (!ledger_.IsOvertaken(pod.meta.uid, turn)) {',
        'while (true) {',
        'LedgerServiceTest.ACallThatWasGivenUpTakesNothingFromTheOneThatCameAfterIt',
        SHELL,
    ),
    Guard(
        '2: a hold stands on every answered node',
        LEDGER,
        '  SortAndUnique(node_ids);\n',
        '  if (node_ids.size() > 1) node_ids.resize(1);\n',
        'LedgerTest.HoldStandsOnEveryAnsweredNodeUntilEvidence',
    ),
    Guard(
        '2: a hold stands although the agent is away for a moment',
        LEDGER,
        'return holds_.IsHeld(node.id) || ',
        'return ',
        'LedgerTest.AHoldStandsThoughTheAgentIsAwayForAMoment',
    ),
    Guard(
        '3: a nomination that was there before is no evidence',
        LEDGER,
        'const bool is_news = nominated != hold->nominated_before;',
        'const bool is_news = true;',
        'LedgerTest.ANominationFromBeforeTheFilterIsNoEvidence',
    ),
    Guard(
        '3: a nomination heard late is no evidence',
        LEDGER,
        '  if (order && std::is_lteq(*order)) return;\n  const std::string& nominated',
        '  const std::string& nominated',
        'LedgerTest.ANominationOfAnEarlierAttemptIsNoEvidence',
    ),
    Guard(
        '3: a claim of several pods does not say where either goes',
        ACCOUNTS,
        '  if (IsOnlyUser(owners, claim)) holds_.Narrow(owners.front(), id);',
        '  for (const std::string& owner : owners) holds_.Narrow(owner, id);',
        'LedgerTest.AClaimOfTwoPodsDoesNotSayWhereEitherGoes',
    ),
    Guard(
        '3: selected-node ends the hold elsewhere and assigns here',
        ACCOUNTS,
        'if (place->is_counted) node.assigned[std::string(uid)] = place->item;',
        '',
        'LedgerTest.SelectedNodeMakesAHoldAnAssignmentThere',
    ),
    Guard(
        '4: a claim created again under its name is another claim',
        LEDGER,
        '  if (!replaced.empty()) RemoveClaim(replaced, now);',
        '',
        'LedgerTest.AClaimCreatedAgainUnderTheSameNameIsAnotherClaim',
    ),
    Guard(
        '4: a pin that was taken away live asks for room again',
        LEDGER,
        'if (order && std::is_gt(*order)) On(Seen<Claim>{claim}, now);',
        '',
        'LedgerTest.APinThatWasTakenAwayLiveAsksForRoomThoughTheWatchIsBehind',
    ),
    Guard(
        '4: news older than what was read live is ignored',
        LEDGER,
        '    if (order && std::is_lt(*order)) return;\n',
        '',
        'LedgerTest.APinThatWasTakenAwayLiveAsksForRoomThoughTheWatchIsBehind',
    ),
    Guard(
        '5: counted by the ledger until the report lists it, and by the report from then on',
        ACCOUNTS,
        'place.is_counted = !is_listed && !place.was_listed;',
        'place.is_counted = true;',
        'LedgerTest.AClaimIsCountedOnceByLedgerOrReport',
    ),
    Guard(
        '5: a lost pin is a debt',
        ACCOUNTS,
        'if (has_left && before.is_counted) Owe(node, before.item, now);',
        '',
        'LedgerTest.APinThatIsTakenAwayKeepsItsRoomForAGraceTime',
    ),
    Guard(
        '5: a debt ends by the report that lists its volume',
        ACCOUNTS,
        'debt = is_listed ? node.debts.erase(debt) : std::next(debt);',
        'debt = std::next(debt);',
        'LedgerTest.ADebtEndsWhenTheReportListsItsVolume',
    ),
    Guard(
        '5: a debt outlives a silent agent',
        'extender/core/node_book.h',
        'return debt.until <= now && (node.contact >= debt.until || !node.has_agent);',
        'return debt.until <= now;',
        'LedgerTest.ADebtOutlivesASilentAgent',
    ),
    Guard(
        '5: an agent that was away must answer before its node is fresh',
        BOOK,
        '  node.contact = absl::InfinitePast();  // What',
        '  // What',
        'LedgerTest.AnAgentThatWasAwayMustAnswerBeforeItsNodeIsFresh',
    ),
    Guard(
        '5: a claim that is bound elsewhere than it was last pinned is a debt there',
        ACCOUNTS,
        '  if (has_come) OweLastPin(*claim, node, place->item, now);\n',
        '',
        'LedgerTest.AClaimThatIsBoundElsewhereThanItWasLastPinnedIsOwedThere',
    ),
    Guard(
        '5: a debt counts also when the reservation of its claim is not kept',
        BOOK,
        'node.assigned.contains(uid) || HasClaim(kept, uid);',
        'node.assigned.contains(uid) || node.reserved.contains(uid);',
        'LedgerTest.ADebtCountsAlsoWhenTheReservationOfItsClaimIsNotKept',
    ),
    Guard(
        '5: a hold outlives its pod for a while',
        ACCOUNTS,
        '  holds_.Shorten(uid, now + options_.hold_grace);\n  ++version_;',
        '  holds_.Erase(uid);\n  ++version_;',
        'LedgerTest.AHoldEndsSoonAfterItsPodIsGone',
    ),
    Guard(
        '5: a pin that was not written keeps its room until the watch must have told who was faster',
        LEDGER,
        '  holds_.Shorten(owner, now + options_.hold_grace);\n}',
        '  holds_.Erase(owner);\n}',
        'LedgerTest.APinThatWasNotWrittenKeepsItsRoomUntilTheWatchMustHaveTold',
    ),
    Guard(
        '6: an expansion counts until a report has it',
        ACCOUNTS,
        '  if (expansion.bytes <= 0) {',
        '  if (expansion.bytes <= 0 || claim->capacity_bytes >= claim->requested_bytes) {',
        'LedgerTest.AnExpansionCountsUntilAReportHasIt',
    ),
    Guard(
        '6: an expansion takes room',
        BOOK,
        'if (node.room.pools[bin.pool].id != expansion.pool_id) continue;',
        'continue;',
        'LedgerTest.ExpansionThatIsAskedForTakesRoom',
    ),
    Guard(
        '7: a new leader holds what others may have decided',
        LEDGER,
        '  decided_.clear();\n  HoldAllForTakeover(now);',
        '  decided_.clear();',
        'LedgerTest.ATakeoverHoldsForPodsThatOthersMayHaveDecided',
    ),
    Guard(
        '7: also what it hears of in the takeover window',
        LEDGER,
        '  if (is_new) HoldForTakeover(uid, now);',
        '',
        'LedgerTest.AClaimSeenFirstDuringATakeoverIsHeldForToo',
    ),
    Guard(
        '7: also on nodes that are listed in the takeover window',
        LEDGER,
        '  HoldAllForTakeover(now);  // Also',
        '  // Also',
        'LedgerTest.ATakeoverHoldsAlsoOnANodeThatIsListedInItsWindow',
    ),
    Guard(
        '5: a held claim that a relist misses, and that the watch never had, is a debt',
        LEDGER,
        '  OweHeld(listed, now);\n',
        '',
        'LedgerTest.AHeldClaimThatOnlyALiveReadToldOfIsOwedWhenAListMissesIt',
    ),
    Guard(
        '7: a claim without a node that a list misses is owed everywhere',
        LEDGER,
        '  OweUnseen(event.objects, now);\n',
        '',
        'LedgerTest.AClaimWithoutANodeThatARelistMissesIsOwedEverywhere',
    ),
    Guard(
        '7: whoever was stopped past its lease decides nothing',
        SERVICE,
        '  if (answer && answer->is_pmem && !IsLeaderNow()) {',
        '  if (false) {',
        'LeadingTest.WhoWasStoppedInTheMiddleOfADecisionRefuses',
        SHELL,
    ),
    Guard(
        '7: nobody decides before the agents have reported',
        SERVICE,
        '  if (!AgentsHaveReportedLocked() && now < synced_at_ + options_.agents_wait_max) return;',
        '',
        'LedgerServiceTest.NobodyDecidesBeforeTheAgentsHaveReported',
        SHELL,
    ),
    Guard(
        '7: a new leader lists what the one before may have decided for',
        SERVICE,
        '  if (!is_leading_ || !ledger_.Awaited().empty()) return;',
        '  if (!is_leading_) return;',
        'LeadingTest.ANewLeaderDecidesOnceItHasListedWhatTheOldOneMayHaveDecidedFor',
        SHELL,
    ),
    Guard(
        '8: an older report is ignored',
        BOOK,
        'return report.generation > node.report->generation;',
        'return true;',
        'LedgerTest.NewestReportWins',
    ),
    Guard(
        '8: a report of the last boot comes too late',
        BOOK,
        '    return ahead > absl::ZeroDuration();  // What',
        '    return true;  // What',
        'LedgerTest.AReportOfTheLastBootComesTooLate',
    ),
    Guard(
        '9: a claim that only a live read tells of is held on its node',
        LEDGER,
        '      HoldUnheard(claim, live, now);\n',
        '',
        'LedgerTest.AClaimThatOnlyALiveReadTellsOfKeepsItsRoomOnItsNode',
    ),
    Guard(
        '9: an earlier pin of a claim that only a live read tells of is no evidence',
        LEDGER,
        '  if (IsOlderThanRead(event.object)) return;',
        '',
        'LedgerTest.AnEarlierPinOfAClaimThatOnlyALiveReadTellsOfIsNoEvidence',
    ),
    Guard(
        'a stale node takes nothing new',
        JUDGE,
        '    case Freshness::kStale:\n      return Reason::kStaleReport;',
        '    case Freshness::kStale:\n      return std::nullopt;',
        'LedgerTest.AStaleNodeTakesNothingNew',
    ),
    Guard(
        'the rest of a half-provisioned pod keeps its room',
        ACCOUNTS,
        '    reservation.pod_uids.insert(std::string(uid));',
        '',
        'LedgerTest.AHalfProvisionedPodKeepsRoomForItsOtherClaims',
    ),
    Guard(
        'reservations that do not fit together do not keep each other out',
        BOOK,
        '    if (!Pack(node.room, more)) continue;',
        '',
        'LedgerTest.ReservationsThatDoNotFitTogetherDoNotKeepEachOtherOut',
    ),
    Guard(
        'a volume that is there goes to the smallest claim',
        JUDGE,
        'return demand.items[a].requested_bytes < demand.items[b].requested_bytes;',
        'return a < b;',
        'VerbsTest.TheSmallestClaimGetsTheVolumeThatIsThere',
    ),
    Guard(
        '5: a volume of a claim that nobody told of is owed until a report lists it',
        LEDGER,
        '  if (is_new) OweUnclaimed(event.object, now);',
        '  (void)is_new;',
        'LedgerTest.AVolumeOfAClaimThatNobodyToldOfIsOwedUntilAReportListsIt',
    ),
    Guard(
        '7: also what was made before for a claim that nobody told of',
        LEDGER,
        '  for (const auto& [name, volume] : cache_.volumes()) OweUnclaimed(volume, now);',
        '',
        'LedgerTest.AVolumeOfAClaimThatNobodyToldOfIsOwedAfterATakeover',
    ),
    Guard(
        '2: no larger claim counts on a volume that one of a live read may get',
        JUDGE,
        '      AddPossible(node, demand, i, taken);',
        '      (void)taken;',
        'LedgerTest.ALargerClaimDoesNotCountOnAVolumeThatOneOfALiveReadMayGet',
    ),
    Guard(
        '2: a volume that was kept for another is for whomever was answered meanwhile',
        JUDGE,
        '    AddPossible(node, question.demand, i, *volumes);',
        '    (void)i;',
        'LedgerTest.AVolumeThatWasKeptForAnotherIsForWhomeverWasAnsweredMeanwhile',
    ),
    Guard(
        '2: a volume that is heard of late is for whomever was answered before',
        LEDGER,
        '  if (is_new) HoldNewVolume(event.object);',
        '',
        'LedgerTest.AVolumeThatIsHeardOfLateIsForWhomeverWasAnsweredBefore',
    ),
    Guard(
        '7: nobody counts on a volume that is there in the takeover window',
        JUDGE,
        '    if (without != Reason::kFits) reason = Reason::kHeld;',
        '    (void)without;',
        'LedgerTest.ATakeoverCountsOnNoVolumeThatIsThere',
    ),
    Guard(
        'an Immediate claim that is pinned gets no volume that is there',
        JUDGE,
        '  if (storage_class == nullptr || !storage_class->is_wait_for_first_consumer) return nullptr;',
        '  (void)storage_class;',
        'PinningTest.AVolumeThatIsThereIsNoRoomForAnImmediateClaim',
    ),
    Guard(
        'a claim of a pod that came with its node gets no volume that is there',
        'extender/core/pin_search.cc',
        'question.may_be_static = false;',
        '(void)question;',
        'PinningTest.AVolumeThatIsThereIsNoRoomForAPodThatCameWithItsNode',
    ),
    Guard(
        'drift: a volume that is only late is not given up',
        DRIFT,
        'std::max(options_.drift_grace, options_.debt_grace);',
        'absl::ZeroDuration();',
        'DriftTest.AMissingVolumeIsGivenUpOnceTheReportIsSure',
    ),
    Guard(
        'drift: nothing is given up while the agent is silent',
        'extender/core/drift.cc',
        'now >= begins && contact >= begins',
        'now >= begins',
        'DriftTest.NothingIsGivenUpWhileTheAgentIsSilent',
    ),
    Guard(
        '5: a list that is older than what was read live is no news',
        ACCOUNTS,
        'return order ? std::is_gt(*order) : version != known.meta.resource_version;',
        'return version != known.meta.resource_version;',
        'LedgerTest.AListThatIsOlderThanWhatWasReadLiveIsNoNews',
    ),
    Guard(
        '6: expansions take no more than there is',
        BOOK,
        'std::max<int64_t>(0, bin.free_bytes - expansion.bytes)',
        'bin.free_bytes - expansion.bytes',
        'LedgerTest.ExpansionsBeyondAllReasonLeaveNoRoom',
    ),
    Guard(
        '7: a claim of two pods stays held when one of them is decided for',
        LEDGER,
        'if (!HasOtherUsers(item.claim_uid, pod.meta.uid)) EndTakeover',
        'EndTakeover',
        'LedgerTest.ATakeoverHoldsAClaimOfTwoPodsWhenOneOfThemIsDecided',
    ),
    Guard(
        'kinds: what is promised of one takes nothing from the other',
        JUDGE,
        '  KeepKinds(kinds, all);\n  all.insert(',
        '  all.insert(',
        'LedgerKindsTest.RoomBesidePromisesIsRoomOfThatKind',
    ),
    Guard(
        'kinds: what is held of one takes nothing from the other',
        JUDGE,
        '  KeepKinds(kinds, all);\n  return Pack(',
        '  return Pack(',
        'LedgerKindsTest.RoomBesideHoldsIsRoomOfThatKind',
    ),
    Guard(
        '2: what others hold of a shared claim takes room though a volume would serve it',
        JUDGE,
        'HeldByOthers others(books_.holds, question.owner, needed);',
        'HeldByOthers others(books_.holds, question.owner, question.demand.items);',
        'LedgerTest.ASharedClaimThatIsHeldElsewhereTakesRoomThoughAVolumeWouldServeIt',
    ),
    Guard(
        '1: a call that was given up holds nothing after a later one was refused',
        LEDGER,
        'refused->second.turn > turn',
        'false',
        'LedgerServiceTest.ACallThatWasGivenUpHoldsNothingAfterALaterOneWasRefused',
        SHELL,
    ),
    Guard(
        'an Immediate claim is pinned by what was read once it had settled',
        'extender/core/pinning.cc',
        'it != placed_.end() && it->second.read_at >= settled',
        'it != placed_.end()',
        'PinningTest.PodsThatWereReadBeforeTheClaimHadSettledAreAskedForAgain',
    ),
    Guard(
        'an Immediate claim is not pinned by what was read long ago',
        'extender/core/pinning.cc',
        'now_ - it->second.planned_at > options_.placed_age_max',
        'false',
        'PinningTest.AnImmediateClaimIsNotPlacedByWhatWasReadLongAgo',
    ),
    Guard(
        'a late pin of a stopped leader loses against any change of the claim',
        'extender/core/pin_patch.cc',
        'Operation("test", "/metadata/resourceVersion", Quoted(pin.claim.meta.resource_version))',
        'Operation("test", "/metadata/uid", Quoted(pin.claim.meta.uid))',
        'PinPatch.*',
    ),
    Guard(
        'preemption: what is promised counts without a look only where it all fits',
        JUDGE,
        'if (AreAssigned(*node, demand.items) && !is_overbooked) return',
        'if (AreAssigned(*node, demand.items)) return',
        'PinningTest.APinByHandWithoutRoomIsToldAtOnceAndLeft',
    ),
    Guard(
        'preemption: room that is there counts as taken only by the pod itself',
        JUDGE,
        'if (AreAssigned(*node, demand.items) && !is_overbooked) return',
        'if (!is_overbooked) return',
        'VerbsTest.PreemptKeepsNodesWithFirmRoomWhateverIsHeld',
    ),
    Guard(
        'numbers that were kept are of before the change',
        BOOK,
        '  node.firm_numbers.reset();\n',
        '',
        'NodeNumbersTest.WhatWasShownBeforeAChangeIsNotShownAfterIt',
    ),
    Guard(
        '10: a pin is not written when its hold may end before it is heard of',
        'extender/placement_controller.cc',
        'age <= pin_times_.begin_max',
        'age <= absl::InfiniteDuration()',
        'PlacementControllerTest.APinWhoseHoldMayEndBeforeItIsHeardOfIsGivenUpAndPlannedAgain',
        SHELL,
    ),
    Guard(
        "10: the rest of a pod's claims wait for the one that was written",
        'extender/core/pinning.cc',
        '!IsComplete(demand) || IsAnyAwaited(demand)',
        '!IsComplete(demand)',
        'PlacementControllerTest.AGivenUpPinIsNotPlannedAgainBeforeItsWrittenSiblingIsHeardOf',
        SHELL,
    ),
    Guard(
        'a thin pool gives nothing',
        'common/pure/placement.cc',
        'if (pool.state != PoolState::kOk || pool.thin) continue;',
        'if (pool.state != PoolState::kOk) continue;',
        'Room.AThinPoolIsNone',
        PURE,
    ),
)
