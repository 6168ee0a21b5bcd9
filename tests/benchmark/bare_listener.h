// SPDX-License-Identifier: Apache-2.0
// The floor that verbs are measured against: a bare handler of the same HTTP library that reads the
// body and answers bytes it was given beforehand. Not a product part; knows nothing of common/io.
#pragma once

#include <map>
#include <memory>
#include <string>

namespace pmem {

class BareListener {
 public:
  // Path -> answer. Listens on 127.0.0.1:port until destroyed.
  BareListener(int port, std::map<std::string, std::string> answers);
  ~BareListener();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pmem
