// SPDX-License-Identifier: Apache-2.0
// pmem-csi-driver: configuration -> Driver -> run until SIGTERM; pmem-csi-driver init: once.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "common/io/flags.h"
#include "common/io/http_server.h"
#include "common/io/log.h"
#include "common/io/mutex.h"
#include "common/io/open_files.h"
#include "common/io/signals.h"
#include "common/io/start_pages.h"
#include "common/io/system_authorities.h"
#include "csi-driver/config.h"
#include "csi-driver/driver.h"
#include "csi-driver/init_command.h"

namespace {

// For /metrics alone, which one asks for now and then.
constexpr int kIoThreads = 2;
// As many connections as its server lets in, and as many files for CSI's calls and their programs.
constexpr int64_t kOpenFilesWanted = 2 * pmem::HttpServerOptions::kConnectionsDefaultMax;
// Calls under way get kStopPatience (driver.h). One that hangs in a command does not hear of it and
// would hold the end up for as long; each of its steps is made to survive being killed.
constexpr int kStopSecondsMax = 5;

int Fail(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "pmem-csi-driver: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

int Initialize(int argc, char** argv) {
  pmem::driver::InitConfig config;
  if (const auto code = pmem::driver::ParseInitConfig(argc, argv, &config)) return *code;
  const absl::StatusOr<int> done = pmem::driver::RunInit(config);
  return done.ok() ? *done : Fail(done.status(), EXIT_FAILURE);
}

}  // namespace

int main(int argc, char** argv) {
  pmem::TrustLockOrder();
  pmem::LeaveOutSystemAuthorities();
  if (argc > 1 && std::string_view(argv[1]) == "init") return Initialize(argc - 1, argv + 1);
  pmem::driver::DriverConfig config;
  if (const std::optional<int> code = pmem::driver::ParseConfig(argc, argv, &config)) return *code;
  pmem::BlockSignals();
  pmem::RaiseOpenFilesLimit(kOpenFilesWanted);
  pmem::StartIoThreads(kIoThreads);
  pmem::SetLogLevel(config.log_level);
  pmem::driver::Driver driver(config, PMEM_VERSION);
  const absl::StatusOr<std::string> address = driver.Start();
  if (!address.ok()) return Fail(address.status(), pmem::Flags::kBadFlagsExit);
  if (!address->empty()) std::printf("metrics on %s\n", address->c_str());
  std::printf("pmem-csi-driver listening on unix:%s\n", config.socket_path.c_str());
  std::fflush(stdout);
  pmem::GiveBackStartPages();
  pmem::WaitForSignal();
  pmem::EndWithin(kStopSecondsMax);
  driver.Stop();
  return EXIT_SUCCESS;
}
