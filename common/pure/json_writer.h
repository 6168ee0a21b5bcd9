// SPDX-License-Identifier: Apache-2.0
// JSON we send: written member by member, in the order of the calls. Equal calls give equal bytes.
// Bytes that are not UTF-8 become U+FFFD, so the result is always valid JSON. A Begin without its
// End, or a value where a key belongs, is our bug (PMEM_CHECK).
//
// Pure. Not thread-safe; one writer per text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pmem {

class JsonWriter {
 public:
  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view name);
  JsonWriter& String(std::string_view value);
  JsonWriter& Int(int64_t value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  // `json` is one whole value, already JSON.
  JsonWriter& Raw(std::string_view json);

  // Key and value.
  JsonWriter& String(std::string_view name, std::string_view value) {
    return Key(name).String(value);
  }
  JsonWriter& Int(std::string_view name, int64_t value) { return Key(name).Int(value); }
  JsonWriter& Bool(std::string_view name, bool value) { return Key(name).Bool(value); }
  JsonWriter& Raw(std::string_view name, std::string_view json) { return Key(name).Raw(json); }
  // A char pointer would otherwise prefer the bool.
  JsonWriter& Bool(std::string_view name, const char* value) = delete;

  // The whole text, once, when everything is closed.
  std::string Take();

 private:
  struct Level {
    bool is_object = false;
    bool is_empty = true;
  };
  void BeforeValue();
  JsonWriter& End(bool is_object, char bracket);

  std::string text_;
  std::vector<Level> levels_;
  bool has_key_ = false;
  bool is_done_ = false;
};

// `text` as a JSON string, with its quotes.
std::string JsonQuoted(std::string_view text);

}  // namespace pmem
