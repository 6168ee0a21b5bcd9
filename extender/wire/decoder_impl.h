// SPDX-License-Identifier: Apache-2.0
// Private to extender/wire: the parser behind an ExtenderDecoder. Not
// thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "extender/wire/extender_v1.h"
#include "extender/wire/json_walk.h"

namespace pmem::extender {

struct ExtenderDecoder::Impl {
  json_walk::ondemand::parser parser{kExtenderBodyBytesMax};

  // Before anything points into `body`: what the parser wants behind it, which may move it.
  static void Pad(std::string& body) {
    if (body.capacity() - body.size() >= kBodyPaddingBytes) return;
    body.reserve(body.size() + kBodyPaddingBytes);
  }

  // Calls on_member(key, value) for each member of the one object that the first `size` bytes of
  // `body`, which is padded, hold.
  template <class OnMember>
  absl::Status ForEachMember(std::string& body, size_t size, std::string_view where,
                             OnMember&& on_member) {
    absl::Status status = Walk(body, size, where, on_member);
    if (size > kDecoderKeptBodyBytesMax) {
      parser = json_walk::ondemand::parser(kExtenderBodyBytesMax);
    }
    return status;
  }

 private:
  template <class OnMember>
  absl::Status Walk(std::string& body, size_t size, std::string_view where, OnMember& on_member) {
    if (body.size() > kExtenderBodyBytesMax) {
      return json_walk::PastLimit(where, "kExtenderBodyBytesMax", kExtenderBodyBytesMax);
    }
    json_walk::ondemand::document document;
    auto error = parser.iterate(body.data(), size, body.capacity()).get(document);
    if (error) return json_walk::Malformed(where, error);
    json_walk::ondemand::object object;
    error = document.get_object().get(object);
    if (error == simdjson::INCORRECT_TYPE) return json_walk::WrongType(where, "an object");
    if (error) return json_walk::Malformed(where, error);
    PMEM_RETURN_IF_ERROR(json_walk::ForEachField(object, where, on_member));
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      return json_walk::WrongType(where, "one JSON value, got bytes behind it");
    }
    return absl::OkStatus();
  }
};

}  // namespace pmem::extender
