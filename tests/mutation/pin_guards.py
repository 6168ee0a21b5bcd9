# SPDX-License-Identifier: Apache-2.0
"""Guards of rule 10: what the placement controller may pin, and when."""

from guard import SHELL, Guard

LEDGER = 'extender/core/ledger.cc'

PIN_GUARDS = (
    Guard(
        '10: a pin is not written when its hold may end before it is heard of',
        'extender/placement_controller.cc',
        'now + pin_times_.standing',
        'now',
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
        "10: a pin's room is held for the claim, whatever becomes of its pod",
        'extender/core/pinning.cc',
        '    ledger_.HoldClaim(*claim, demand.items[i], node, now_);\n',
        '    if (pods.empty()) ledger_.HoldClaim(*claim, demand.items[i], node, now_);\n',
        'PlacementInTime.ThePinsRoomStaysHeldWhenItsPodIsDeletedWhileItIsWritten',
        SHELL,
    ),
    Guard(
        '10: what may be on its way is held when the lead is regained',
        LEDGER,
        'if (KindOfOwner(owner) != OwnerKind::kClaim) owners',
        'owners',
        'PlacementInTime.APinThatWasPlannedBeforeTheLeadWasLostIsNotWrittenAfterIt',
        SHELL,
    ),
    Guard(
        '10: what was planned before the lead was lost is not written',
        LEDGER,
        'hold->since >= leading_since_ && ',
        '',
        'PlacementInTime.APinThatWasPlannedBeforeTheLeadWasLostIsNotWrittenAfterIt',
        SHELL,
    ),
    Guard(
        '10: a claim that two pods share is pinned once in a plan',
        'extender/core/pinning.cc',
        '      if (round_.pinned.contains(item.claim_uid)) return true;\n',
        '',
        'PinningTest.AClaimOfTwoPodsIsPinnedOnceInAPlan',
    ),
    Guard(
        '10: a claim that a schedulable pod waits for is not pinned for a pod with a node',
        'extender/core/pinning.cc',
        'if (!is_immediate && !(is_preset && is_awaited_by_none)) return;',
        'if (!is_immediate && !is_preset) return;',
        'PinningTest.APodWithANodePinsNoClaimThatASchedulablePodWaitsFor',
    ),
    Guard(
        "10: a claim is not pinned where its class's allowedTopologies forbid it",
        'extender/core/pin_search.cc',
        'storage_class == nullptr || storage_class->Allows(node)',
        'true || storage_class->Allows(node)',
        'PinningInTopologies.NodesThatTheClassLeavesOutAreNotTakenWhenNoOtherHasRoom',
    ),
    Guard(
        '10: a claim is not pinned where another volume of its pod is not',
        'extender/core/pin_search.cc',
        '  if (!ReachesOthers(node.name, question.demand)) {',
        '  if (!ReachesOthers(node.name, {})) {',
        'PinningBesideVolumes.AnImmediateClaimFollowsTheOtherVolumesOfItsPod',
    ),
    Guard(
        'an Immediate claim follows a pod that only a list tells of',
        'extender/core/pinning.cc',
        'pods = users->placed.empty() ? users->waiting : users->placed;',
        'pods = users->placed;',
        'PinningTest.AnImmediateClaimFollowsAPodThatOnlyTheListTellsOf',
    ),
    Guard(
        'a pin is taken away only from a node of which the API server does not know',
        'extender/placement_controller.cc',
        'if (has_node.ok() && !*has_node) {',
        'if (true) {',
        'PlacementControllerTest.APinOnANodeThatOnlyTheApiServerTellsOfStays',
        SHELL,
    ),
    Guard(
        'a claim comes first once what it waited for was read',
        'extender/core/pinning.cc',
        '    if (memory_.IsTurnOfAnswered()) SearchAnswered();\n',
        '',
        'PlacementInTime.AClaimIsPlacedByWhatWasReadForItHoweverLongARoundTakes',
        SHELL,
    ),
)
