// SPDX-License-Identifier: Apache-2.0
#include "tests/benchmark/bare_listener.h"

#include <cpprest/http_listener.h>

#include <cstdio>
#include <utility>

namespace pmem {

class BareListener::Impl {
 public:
  Impl(int port, std::map<std::string, std::string> answers)
      : answers_(std::move(answers)), listener_("http://127.0.0.1:" + std::to_string(port)) {
    listener_.support([this](const web::http::http_request& request) { Answer(request); });
    listener_.open().get();
  }
  ~Impl() { listener_.close().get(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

 private:
  void Answer(const web::http::http_request& request) {
    request.extract_vector().then([this, request](const std::vector<unsigned char>&) {
      const auto it = answers_.find(request.request_uri().path());
      const bool is_known = it != answers_.end();
      request.reply(is_known ? 200 : 404, is_known ? it->second : std::string(),
                    "application/json");
    });
  }

  const std::map<std::string, std::string> answers_;
  web::http::experimental::listener::http_listener listener_;
};

BareListener::BareListener(int port, std::map<std::string, std::string> answers)
    : impl_(std::make_unique<Impl>(port, std::move(answers))) {}

BareListener::~BareListener() = default;

}  // namespace pmem
