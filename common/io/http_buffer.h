// SPDX-License-Identifier: Apache-2.0
// What cpprestsdk reads bodies from and writes them to, as far as ours are all alike; the files
// that speak to it include this, and nobody else.
#pragma once

#include <cpprest/streams.h>
#include <pplx/pplxtasks.h>

#include <cstddef>
#include <cstdint>
#include <ios>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace pmem {

// For `then`, and for tasks that are done already, whose continuations inherit it: what follows is
// done by the thread that brought the result. A change of threads takes longer than most of what
// follows does. Not for what may go on in a circle: each round would be a call in the one before.
inline pplx::task_options OnSameThread() {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"  // cpprestsdk's; nobody deletes by it
  class SameThread final : public pplx::scheduler_interface {
   public:
    void schedule(pplx::TaskProc_t work, void* argument) override { work(argument); }
  };
#pragma GCC diagnostic pop
  static SameThread same_thread;
  return pplx::task_options(pplx::scheduler_ptr(&same_thread));
}

// A buffer that has no positions, is always at its end and takes nothing: each kind overrides what
// it is for.
class PlainBuffer : public concurrency::streams::details::streambuf_state_manager<uint8_t> {
 public:
  explicit PlainBuffer(std::ios_base::openmode mode) : streambuf_state_manager(mode) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  utility::size64_t size() const override { return 0; }
  size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(size_t, std::ios_base::openmode) override {}
  size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return traits::eof(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return traits::eof(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return traits::eof();
  }
  bool acquire(uint8_t*& ptr, size_t& count) override {
    ptr = nullptr;
    count = 0;
    return false;
  }
  void release(uint8_t*, size_t) override {}

 protected:
  pplx::task<int_type> _putc(uint8_t) override { return Eof(); }
  pplx::task<size_t> _putn(const uint8_t*, size_t) override { return None(); }
  pplx::task<int_type> _bumpc() override { return Eof(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return Eof(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return Eof(); }
  pplx::task<int_type> _ungetc() override { return Eof(); }
  pplx::task<size_t> _getn(uint8_t*, size_t) override { return None(); }
  size_t _scopy(uint8_t*, size_t) override { return 0; }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  uint8_t* _alloc(size_t) override { return nullptr; }
  void _commit(size_t) override {}

 private:
  static pplx::task<int_type> Eof() { return pplx::task_from_result<int_type>(traits::eof()); }
  static pplx::task<size_t> None() { return pplx::task_from_result<size_t>(0); }
};

// What cpprestsdk sends as a body.
class TextBuffer final : public PlainBuffer {
 public:
  explicit TextBuffer(std::string text)
      : PlainBuffer(std::ios_base::in), text_(std::move(text)), left_(text_) {}

 protected:
  // It asks for a piece, and for the next one once that is sent.
  pplx::task<size_t> _getn(uint8_t* ptr, size_t count) override {
    const size_t got = left_.copy(reinterpret_cast<char*>(ptr), count);
    left_.remove_prefix(got);
    return pplx::task_from_result<size_t>(got, OnSameThread());
  }

 private:
  const std::string text_;
  std::string_view left_;
};

inline concurrency::streams::istream TextStream(std::string text) {
  const auto buffer = std::make_shared<TextBuffer>(std::move(text));
  return concurrency::streams::streambuf<uint8_t>(buffer).create_istream();
}

}  // namespace pmem
