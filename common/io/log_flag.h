// SPDX-License-Identifier: Apache-2.0
// --log-level, the same in every program.
#pragma once

#include "common/io/flags.h"
#include "common/io/log.h"

namespace pmem {

inline void AddLogLevelFlag(Flags* flags, LogLevel* level) {
  flags->Enum<LogLevel>("--log-level", level,
                        {{"debug", LogLevel::kDebug},
                         {"info", LogLevel::kInfo},
                         {"warning", LogLevel::kWarning},
                         {"error", LogLevel::kError}},
                        "Least level that is logged.");
}

}  // namespace pmem
