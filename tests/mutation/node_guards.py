# SPDX-License-Identifier: Apache-2.0
"""The guards against double booking that are on the node: in the driver, and in what makes its volumes."""

from guard import AGENT, DRIVER_CALLS, DRIVER_CORE, Guard

NODE_GUARDS = (
    Guard(
        '5: a node makes nothing for a claim that ended while it waited',
        'csi-driver/volumes.cc',
        '  if (order.check_wanted) PMEM_RETURN_IF_ERROR(order.check_wanted());\n',
        '',
        'ServicesTest.AClaimThatIsDeletedWhileItWaitsForItsTurnGetsNoVolume',
        DRIVER_CALLS,
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
        '5: the room of a volume is taken in time or never',
        'capacity-agent/device/lvm_maker.cc',
        'bytes), allocation_timeout_));',
        'bytes)));',
        'SlowLvm.TakesTheRoomInTimeOrNever',
        AGENT,
    ),
)
