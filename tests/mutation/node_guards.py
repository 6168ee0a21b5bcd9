# SPDX-License-Identifier: Apache-2.0
"""The guards against double booking that are on the node: in the driver, and in what makes its volumes."""

from guard import AGENT, DRIVER, DRIVER_CORE, Guard

NODE_GUARDS = (
    Guard(
        '5: a node looks at the claim again once the room is taken',
        'csi-driver/volumes.cc',
        'volume.bytes, order.check_wanted);',
        'volume.bytes, absl::OkStatus);',
        'VolumesTest.TakesBackWhatIsNotWantedOnceItsRoomIsTaken',
        DRIVER,
    ),
    Guard(
        '5: a node makes nothing for a claim that is sent elsewhere',
        'csi-driver/core/wanted_claim.cc',
        '  if (selected == node) return absl::OkStatus();\n',
        '  if (!selected.empty()) return absl::OkStatus();\n',
        'CheckWanted.IsForTheClaimThatIsPinnedHereAndHasNoVolume',
        DRIVER_CORE,
    ),
    Guard(
        '5: what is not wanted once its room is taken gives it back before the turn ends',
        'capacity-agent/device/lvm_maker.cc',
        'finished = once_taken();',
        'finished = once_taken ? absl::OkStatus() : once_taken();',
        'SlowLvm.TakesBackTheRoomOfWhatIsNotWantedOnceItIsTaken',
        AGENT,
    ),
)
