// SPDX-License-Identifier: Apache-2.0
#include "common/io/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace pmem {
namespace {

constexpr size_t kPieceBytes = size_t{64} * 1024;

absl::Status ErrnoStatus(const std::string& path, int error) {
  const std::string message = absl::StrCat(path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path, size_t bytes_max) {
  std::string text;
  size_t size = 0;
  while (size <= bytes_max) {
    text.resize(size + std::min(kPieceBytes, bytes_max + 1 - size));
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(path, errno);
    if (got == 0) {
      text.resize(size);
      return text;
    }
    size += static_cast<size_t>(got);
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(path, ": longer than the limit of ", bytes_max, " bytes"));
}

bool WriteAll(int fd, const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t got = ::write(fd, text.data() + written, text.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    written += static_cast<size_t>(got);
  }
  return ::fsync(fd) == 0;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(path, errno);
  absl::StatusOr<std::string> text = ReadAll(fd, path, static_cast<size_t>(bytes_max));
  ::close(fd);
  return text;
}

absl::Status ReplaceFile(const std::string& path, const std::string& text) {
  struct stat before = {};
  const mode_t mode = ::stat(path.c_str(), &before) == 0 ? before.st_mode & 07777 : 0600;
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(fresh, errno);
  const bool is_written = ::fchmod(fd, mode) == 0 && WriteAll(fd, text);
  absl::Status failure = is_written ? absl::OkStatus() : ErrnoStatus(fresh, errno);
  ::close(fd);
  if (!failure.ok()) return failure;
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return ErrnoStatus(path, errno);
  return absl::OkStatus();
}

}  // namespace pmem
