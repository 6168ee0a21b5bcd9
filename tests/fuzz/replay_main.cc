// SPDX-License-Identifier: Apache-2.0
// Runs a fuzzer's function over its seeds without libFuzzer: every file of the folders given, and
// of each small one the same fixed changes on every run. A folder without a file is a failure.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kChangesPerFile = 400;
constexpr size_t kChangedFileBytesMax = 64 * 1024;

void Run(const std::string& input) {
  // Its own allocation of exactly this size, so that a sanitizer sees a read past the end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

// Cuts, swaps a byte, or repeats a piece; which one and where depends on `step` alone.
std::string Changed(const std::string& input, size_t step) {
  constexpr char kBytes[] = "{}[]\",:\\0-9e.nt \xff";
  const size_t at = step * 2654435761u % input.size();
  std::string out = input;
  switch (step % 4) {
    case 0:
      out.resize(at);
      break;
    case 1:
      out[at] = kBytes[step % (sizeof(kBytes) - 1)];
      break;
    case 2:
      out.erase(at, step % 7 + 1);
      break;
    default:
      out.insert(at, input.substr(at / 2, step % 64 + 1));
      break;
  }
  return out;
}

void RunFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string input{std::istreambuf_iterator<char>(in), {}};
  Run(input);
  if (input.empty() || input.size() > kChangedFileBytesMax) return;
  for (size_t step = 0; step < kChangesPerFile; ++step) Run(Changed(input, step));
}

}  // namespace

int main(int argc, char** argv) {
  Run("");
  for (int i = 1; i < argc; ++i) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    if (files.empty()) {
      std::fprintf(stderr, "no seeds in %s\n", argv[i]);
      return 1;
    }
    std::sort(files.begin(), files.end());
    std::for_each(files.begin(), files.end(), RunFile);
    std::printf("%zu files of %s\n", files.size(), argv[i]);
  }
  return 0;
}
