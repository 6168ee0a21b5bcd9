// SPDX-License-Identifier: Apache-2.0
// The product's fixed words. See docs/glossary.md.
#pragma once

#include <string_view>

namespace pmem {

// CSI driver name, and provisioner of its StorageClasses.
inline constexpr std::string_view kDriverName = "pmem.csi.alibabacloud.com";
// Node label with the value "lvm" or "direct"; the older key has the same values, /type wins.
inline constexpr std::string_view kNodeTypeLabel = "pmem.csi.alibabacloud.com/type";
inline constexpr std::string_view kNodeTypeLabelOld = "pmem.csi.alibabacloud.com";
// StorageClass parameter with the value "lvm" or "direct"; without it the class name decides.
inline constexpr std::string_view kPmemTypeParameter = "pmemType";
inline constexpr std::string_view kClassNameLvm = "pmem-lvm";
inline constexpr std::string_view kClassNameDirect = "pmem-direct";
// The class of a claim or PersistentVolume as Kubernetes 1.5 had it. Where it is, the API server's
// admission and the PV controller go by it and not by spec.storageClassName.
inline constexpr std::string_view kClassAnnotationBeta = "volume.beta.kubernetes.io/storage-class";
// A volume of ours is named <prefix><claim uid>: the LogicalVolume, or the namespace's alt name.
inline constexpr std::string_view kVolumeNamePrefix = "disk-";

// A volume, or the namespace of a VolumeGroup, that is not whole yet has this before its name.
inline constexpr char kUnfinishedPrefix[] = "new-";
// A VolumeGroup that `pmem-csi-driver init` makes, and the alt name of the namespace under it:
// <prefix><number of the region>, or another number where that is taken.
inline constexpr std::string_view kVolumeGroupPrefix = "pmemvgregion";

// The key under which a volume is found: the claim's UID that its name ends in, or the whole name.
inline constexpr size_t kUuidLength = 36;  // RFC 9562 text form; the API server's UIDs are such.
constexpr std::string_view VolumeKey(std::string_view name) {
  if (name.starts_with(kVolumeNamePrefix)) return name.substr(kVolumeNamePrefix.size());
  return name.size() > kUuidLength ? name.substr(name.size() - kUuidLength) : name;
}

// Topology key of the driver: its value is the name of the Kubernetes node.
inline constexpr std::string_view kTopologyNodeKey = "topology.pmem.csi.alibabacloud.com/node";
// Of Kubernetes, on every Node; its name or another one.
inline constexpr std::string_view kHostnameLabel = "kubernetes.io/hostname";

inline constexpr std::string_view kSelectedNodeAnnotation = "volume.kubernetes.io/selected-node";
inline constexpr std::string_view kStorageProvisionerAnnotation =
    "volume.kubernetes.io/storage-provisioner";
inline constexpr std::string_view kStorageProvisionerAnnotationBeta =
    "volume.beta.kubernetes.io/storage-provisioner";
// Marks a selected-node that our placement controller wrote: it may take it away again. Whoever
// takes a selected-node away leaves the mark behind, so it says for which node it is:
// "pmem-extender/<node>". One without a node is of an earlier version, and for whatever node.
inline constexpr std::string_view kPinnedByAnnotation = "pmem.csi.alibabacloud.com/pinned-by";
inline constexpr std::string_view kPinnedByUsTo = "pmem-extender/";
inline constexpr std::string_view kPinnedByUsBefore = "pmem-extender";

}  // namespace pmem
