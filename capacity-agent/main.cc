// SPDX-License-Identifier: Apache-2.0
// pmem-capacity-agent: configuration -> Agent -> run until SIGTERM.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "capacity-agent/agent.h"
#include "capacity-agent/config.h"
#include "capacity-agent/device/boot_id.h"
#include "common/io/flags.h"
#include "common/io/http_server.h"
#include "common/io/log.h"
#include "common/io/mutex.h"
#include "common/io/open_files.h"
#include "common/io/signals.h"
#include "common/io/start_pages.h"

namespace {

// Readers are few and answers are small.
constexpr int kIoThreads = 4;
// As many connections as the server lets in, and as many files for all else.
constexpr int64_t kOpenFilesWanted = 2 * pmem::HttpServerOptions::kConnectionsDefaultMax;
// A reading that hangs (LVM's lock, a dying device) would hold the end up for as long.
constexpr int kStopSecondsMax = 5;

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "pmem-capacity-agent: %s\n", std::string(status.message()).c_str());
  return pmem::Flags::kBadFlagsExit;
}

}  // namespace

int main(int argc, char** argv) {
  pmem::TrustLockOrder();
  pmem::agent::AgentConfig config;
  if (const std::optional<int> code = pmem::agent::ParseConfig(argc, argv, &config)) return *code;
  pmem::BlockSignals();
  pmem::SetLogLevel(config.log_level);
  pmem::RaiseOpenFilesLimit(kOpenFilesWanted);
  pmem::StartIoThreads(kIoThreads);
  const absl::StatusOr<std::string> boot_id = pmem::agent::ReadBootId();
  if (!boot_id.ok()) return Fail(boot_id.status());
  pmem::agent::Agent agent(config, *boot_id, PMEM_VERSION);
  const absl::StatusOr<std::string> address = [&agent] {
    const pmem::EndWithinOnSignal watch(kStopSecondsMax);
    return agent.Start();
  }();
  if (!address.ok()) return Fail(address.status());
  std::printf("pmem-capacity-agent listening on %s\n", address->c_str());
  std::fflush(stdout);
  pmem::GiveBackStartPages();
  pmem::WaitForSignal();
  pmem::EndWithin(kStopSecondsMax);
  agent.Stop();
  return EXIT_SUCCESS;
}
