// SPDX-License-Identifier: Apache-2.0
// Whatever the text: an amount in range, or an error; and bytes and thousandths agree.
#include <cstdint>
#include <string_view>

#include "common/pure/check.h"
#include "common/pure/quantity.h"
#include "common/pure/units.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto bytes = pmem::QuantityToBytes(text);
  const auto milli = pmem::QuantityToMilli(text);
  PMEM_CHECK(!bytes.ok() || (*bytes >= 0 && *bytes <= pmem::kBytesMax));
  if (!milli.ok()) return 0;
  PMEM_CHECK(*milli >= 0 && *milli <= pmem::kBytesMax);
  PMEM_CHECK(bytes.ok() && *bytes == *milli / 1000 + (*milli % 1000 != 0));
  return 0;
}
