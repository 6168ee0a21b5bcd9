// SPDX-License-Identifier: Apache-2.0
// Whatever the API server sends: a value with a name and amounts in range, or an error.
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/pure/check.h"
#include "common/pure/units.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {
namespace {

bool IsAmount(int64_t amount) { return amount >= 0 && amount <= kBytesMax; }
bool IsAmount(const std::optional<int64_t>& amount) { return !amount || IsAmount(*amount); }

template <class T>
void CheckObject(const T& object) {
  PMEM_CHECK(!object.meta.key.name.empty());
  if constexpr (requires { object.capacity_bytes; }) PMEM_CHECK(IsAmount(object.capacity_bytes));
  if constexpr (requires { object.requested_bytes; }) PMEM_CHECK(IsAmount(object.requested_bytes));
  if constexpr (requires { object.volume_bytes_max; }) {
    PMEM_CHECK(IsAmount(object.volume_bytes_max));
  }
  if constexpr (requires { object.allocatable_memory_bytes; }) {
    PMEM_CHECK(IsAmount(object.allocatable_memory_bytes));
    PMEM_CHECK(IsAmount(object.allocatable_cpu_milli));
  }
  if constexpr (requires { object.requested_memory_bytes; }) {
    PMEM_CHECK(IsAmount(object.requested_memory_bytes));
    PMEM_CHECK(IsAmount(object.requested_cpu_milli));
  }
}

template <class T>
void Fuzz(std::string_view json) {
  const auto object = DecodeObject<T>(json);
  if (object.ok()) CheckObject(*object);
  const auto list = DecodeList<T>(json);
  if (list.ok()) {
    for (const T& item : list->objects) CheckObject(item);
  }
  const auto event = DecodeWatchEvent<T>(json);
  const bool has_object = event.ok() && event->type != WatchEventType::kBookmark &&
                          event->type != WatchEventType::kError;
  if (has_object && event->object.ok()) CheckObject(*event->object);
}

}  // namespace
}  // namespace pmem::extender

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pmem::extender;  // NOLINT: a short program around one function.
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  Fuzz<Node>(json);
  Fuzz<Pod>(json);
  Fuzz<Claim>(json);
  Fuzz<PersistentVolume>(json);
  Fuzz<StorageClass>(json);
  Fuzz<CapacityObject>(json);
  Fuzz<AgentPod>(json);
  DecodeFailure(410, json);
  return 0;
}
