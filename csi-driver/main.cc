// SPDX-License-Identifier: Apache-2.0
// pmem-csi-driver: configuration -> Driver -> run until SIGTERM.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "common/io/log.h"
#include "common/io/signals.h"
#include "csi-driver/config.h"
#include "csi-driver/driver.h"

int main(int argc, char** argv) {
  pmem::driver::DriverConfig config;
  if (const std::optional<int> code = pmem::driver::ParseConfig(argc, argv, &config)) return *code;
  pmem::BlockSignals();
  if (config.is_verbose) pmem::SetLogLevel(pmem::LogLevel::kDebug);
  pmem::driver::Driver driver(config, PMEM_VERSION);
  if (const absl::Status status = driver.Start(); !status.ok()) {
    std::fprintf(stderr, "pmem-csi-driver: %s\n", std::string(status.message()).c_str());
    return EXIT_FAILURE;
  }
  std::printf("pmem-csi-driver listening on unix:%s\n", config.socket_path.c_str());
  std::fflush(stdout);
  pmem::WaitForSignal();
  driver.Stop();
  return EXIT_SUCCESS;
}
