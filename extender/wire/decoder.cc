// SPDX-License-Identifier: Apache-2.0
#include "extender/wire/decoder_impl.h"
#include "extender/wire/extender_v1.h"

namespace pmem::extender {

static_assert(kBodyPaddingBytes == simdjson::SIMDJSON_PADDING);

ExtenderDecoder::ExtenderDecoder() : impl_(std::make_unique<Impl>()) {}
ExtenderDecoder::~ExtenderDecoder() = default;
ExtenderDecoder::ExtenderDecoder(ExtenderDecoder&&) noexcept = default;
ExtenderDecoder& ExtenderDecoder::operator=(ExtenderDecoder&&) noexcept = default;

}  // namespace pmem::extender
