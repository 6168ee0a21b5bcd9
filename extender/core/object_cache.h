// SPDX-License-Identifier: Apache-2.0
// The Kubernetes objects as the watches delivered them, with the indexes that the ledger asks for.
// Holds facts, draws no conclusions. Not thread-safe; pure, deterministic.
//
// Claims and pods are keyed by UID, so that an object that is deleted and created again under the
// same name is another object.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "extender/core/kube_objects.h"
#include "extender/core/object_table.h"

namespace pmem::extender {

class ObjectCache {
  template <class T>
  static const std::string& NameOf(const T& object) {
    return object.meta.key.name;
  }
  template <class T>
  static const std::string& UidOf(const T& object) {
    return object.meta.uid;
  }
  template <class T>
  using ByName = ObjectTable<T, &NameOf<T>>;
  template <class T>
  using ByUid = ObjectTable<T, &UidOf<T>>;

 public:
  const Node* FindNode(std::string_view name) const;
  const StorageClass* FindClass(std::string_view name) const;
  const PersistentVolume* FindVolume(std::string_view name) const;
  const Claim* FindClaim(std::string_view uid) const;
  const Claim* FindClaim(const ObjectKey& key) const;
  const Pod* FindPod(std::string_view uid) const;
  const Pod* FindPod(const ObjectKey& key) const;

  // Each Put replaces what is there. For claims and pods it returns the UID of another object that
  // had the same name (deleted and created again, the deletion unseen), else "": that one stays
  // until it is erased.
  void Put(Node node);
  void Put(StorageClass storage_class);
  void Put(PersistentVolume volume);
  std::string Put(Claim claim);
  std::string Put(Pod pod);

  void EraseNode(std::string_view name);
  void EraseClass(std::string_view name);
  void EraseVolume(std::string_view name);
  void EraseClaim(std::string_view uid);
  void ErasePod(std::string_view uid);

  // UIDs of the pods without a node that use the claim of that key, in order.
  std::vector<std::string> PodsUsing(const ObjectKey& claim) const;

  // UIDs of the claims that say they are bound to the PersistentVolume of that name, in order;
  // whatever it says itself.
  std::vector<std::string> ClaimsOf(std::string_view volume) const;

  // Whether a PersistentVolume has that key in its name or CSI handle (see VolumeKey).
  bool HasVolumeOf(std::string_view key) const;

  // Unclaimed volumes of a class that the node reaches, also pending ones, in order of name. Takes
  // as long as there are such, however many other nodes have.
  std::vector<const PersistentVolume*> AvailableVolumes(std::string_view storage_class,
                                                        std::string_view node) const;
  bool HasAvailableVolumes(std::string_view storage_class) const;  // Any node's.

  const ByName<Node>& nodes() const { return nodes_; }
  const ByName<StorageClass>& classes() const { return classes_; }
  const ByName<PersistentVolume>& volumes() const { return volumes_; }
  const ByUid<Claim>& claims() const { return claims_; }
  const ByUid<Pod>& pods() const { return pods_; }

 private:
  struct KeyLess {
    using is_transparent = void;
    static const ObjectKey& Key(const ObjectKey& key) { return key; }
    template <class T>
    static const ObjectKey& Key(const T* object) {
      return object->meta.key;
    }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return Key(a) < Key(b);
    }
  };
  template <class T>
  using ByKey = absl::btree_set<const T*, KeyLess>;  // Into the table by UID.

  template <class T>
  static std::string PutByUid(T object, ByUid<T>& by_uid, ByKey<T>& by_key);
  template <class T>
  static void EraseByUid(std::string_view uid, ByUid<T>& by_uid, ByKey<T>& by_key);
  void ForgetVolumeOf(std::string_view claim_uid);

  ByName<Node> nodes_;
  ByName<StorageClass> classes_;
  ByName<PersistentVolume> volumes_;
  ByUid<Claim> claims_;
  ByUid<Pod> pods_;
  ByKey<Claim> claims_by_key_;
  ByKey<Pod> pods_by_key_;
  absl::btree_map<ObjectKey, std::set<std::string>> pods_using_;  // Claim key -> pod UIDs.
  // By the name of their volume, which is the claims' own text.
  absl::btree_set<std::pair<std::string_view, const Claim*>> claims_of_;
  // Available volumes, by class and affinity_node: nullopt is reached by every node.
  using ClassAndNode = std::pair<std::string, std::optional<std::string>>;
  absl::btree_map<ClassAndNode, ByKey<PersistentVolume>> available_;
  // VolumeKeys of the volumes' names and handles; the texts are the volumes'.
  absl::btree_set<std::pair<std::string_view, const PersistentVolume*>> volume_keys_;
};

// True when `volume` is free to be bound by any claim, or will be once it is no longer pending.
bool IsUnclaimed(const PersistentVolume& volume);

// True when schedulers may give `volume` to claims that could not have got it as it was `before`
// (null: not known). One that comes free again, or for other claims, is as one that was just made.
bool IsNewlyOffered(const PersistentVolume* before, const PersistentVolume& volume);

}  // namespace pmem::extender
