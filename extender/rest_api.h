// SPDX-License-Identifier: Apache-2.0
// The operators' questions: GET /v1/nodes, /v1/nodes/{node}, /v1/claims, /v1/holds, /v1/summary,
// /v1/explain/pods/{kube_namespace}/{name}, POST /v1/simulate, GET /openapi.json, which describes
// them all. Parse -> look at the ledger -> answer; nothing here changes anything.
//
// Any replica answers; one that does not lead shows what it would decide. Errors are problem+json:
// 400 for a query parameter or a body that is not as described, 404 for an object that is not
// known. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "common/io/http_server.h"
#include "extender/ledger_service.h"

namespace pmem::extender {

// extender/openapi.json, as it was when the program was built.
std::string_view OpenApiJson();

class RestApi {
 public:
  static constexpr size_t kContinueBytesMax = 512;

  // `service` must outlive the server.
  explicit RestApi(const LedgerService* service) : service_(service) {}
  void Register(HttpServer& server);

 private:
  using Answer = HttpResponse (RestApi::*)(const HttpRequest& request) const;

  HttpHandler Handler(Answer answer) const;
  // 503 until all kinds of objects were listed: what is not known yet must not look like nothing.
  HttpHandler HandlerOnceSynced(Answer answer) const;
  HttpResponse Document(const HttpRequest& request) const;
  HttpResponse Nodes(const HttpRequest& request) const;
  HttpResponse OneNode(const HttpRequest& request) const;
  HttpResponse Claims(const HttpRequest& request) const;
  HttpResponse Holds(const HttpRequest& request) const;
  HttpResponse SummaryOfAll(const HttpRequest& request) const;
  HttpResponse Explain(const HttpRequest& request) const;
  HttpResponse Simulated(const HttpRequest& request) const;

  const LedgerService* const service_;
};

}  // namespace pmem::extender
