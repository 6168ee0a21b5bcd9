// SPDX-License-Identifier: Apache-2.0
// The API server: the objects as they are, writes with their preconditions, and who hears of them.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "extender/core/event.h"

namespace pmem::extender::simulator {

enum class Kind { kNodes, kPods, kClaims, kVolumes, kClasses };
inline constexpr size_t kKinds = 5;

class Kube {
 public:
  // Hears of every change at once, as a watch of the kind would say it: pods only while they have
  // no node, for instance. Returns a handle.
  using Listener = std::function<void(const Event&)>;
  int Listen(Kind kind, Listener listener);
  void StopListening(Kind kind, int handle);
  // A list call: Relisted<...>.
  Event List(Kind kind) const;

  void Create(Node node);
  void Create(StorageClass storage_class);
  void Create(Pod pod);
  void Create(Claim claim);
  void Create(PersistentVolume volume);
  void DeleteNode(const std::string& name);
  void DeletePod(const std::string& uid);
  void DeleteClaim(const std::string& uid);
  void DeleteVolume(const std::string& name);

  // Null: not there.
  const Pod* FindPod(const std::string& uid) const;
  const Claim* FindClaim(const std::string& uid) const;
  const Claim* FindClaim(const ObjectKey& key) const;
  const PersistentVolume* FindVolume(const std::string& name) const;
  const StorageClass* FindClass(const std::string& name) const;

  // False: the object is gone, or `resource_version` is not empty and not the object's any more.
  template <class Change>
  bool ChangePod(const std::string& uid, Change change) {
    const auto it = pods_.find(uid);
    if (it == pods_.end()) return false;
    const Pod before = it->second;
    change(it->second);
    it->second.meta.resource_version = NextVersion();
    TellPod(before, it->second);
    return true;
  }
  template <class Change>
  bool ChangeClaim(const std::string& uid, const std::string& resource_version, Change change) {
    const auto it = claims_.find(uid);
    if (it == claims_.end()) return false;
    if (!resource_version.empty() && it->second.meta.resource_version != resource_version) {
      return false;
    }
    change(it->second);
    it->second.meta.resource_version = NextVersion();
    const Claim after = it->second;
    Tell(Kind::kClaims, Seen<Claim>{after});
    return true;
  }

  template <class Change>
  bool ChangeVolume(const std::string& name, const std::string& resource_version, Change change) {
    const auto it = volumes_.find(name);
    if (it == volumes_.end() || it->second.meta.resource_version != resource_version) return false;
    change(it->second);
    it->second.meta.resource_version = NextVersion();
    const PersistentVolume after = it->second;
    Tell(Kind::kVolumes, Seen<PersistentVolume>{after});
    return true;
  }

  const std::map<std::string, Node>& nodes() const { return nodes_; }
  const std::map<std::string, Pod>& pods() const { return pods_; }
  const std::map<std::string, Claim>& claims() const { return claims_; }
  const std::map<std::string, PersistentVolume>& volumes() const { return volumes_; }

 private:
  std::string NextVersion() { return std::to_string(++version_); }
  void Tell(Kind kind, const Event& event);
  void TellPod(const Pod& before, const Pod& after);

  int64_t version_ = 0;
  int next_handle_ = 0;
  std::map<std::string, Node> nodes_;
  std::map<std::string, StorageClass> classes_;
  std::map<std::string, PersistentVolume> volumes_;
  std::map<std::string, Pod> pods_;      // By UID.
  std::map<std::string, Claim> claims_;  // By UID.
  std::map<ObjectKey, std::string> claim_uids_;
  std::array<std::map<int, Listener>, kKinds> listeners_;
};

}  // namespace pmem::extender::simulator
