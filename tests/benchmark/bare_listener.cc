// SPDX-License-Identifier: Apache-2.0
// The floor that verbs are measured against: a bare handler of the same HTTP library that reads the
// body and answers bytes it was given beforehand. A program of its own, as what common/io/ puts in
// the place of the library's code is in every program that has it. Ends with its standard input.
//
// usage: bare-listener PORT THREADS ANSWERS READY    the latter two are open files; answers are
//   "PATH SIZE", a line end and SIZE bytes, one after the other; the port is written to READY when
//   it is listened on
#include <cpprest/http_listener.h>
#include <pplx/threadpool.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace {

using Answers = std::map<std::string, std::string>;

Answers ReadAnswers(std::FILE* in) {
  Answers answers;
  char path[256];
  size_t size = 0;
  while (std::fscanf(in, "%255s %zu", path, &size) == 2) {
    std::fgetc(in);
    std::string& answer = answers[path];
    answer.resize(size);
    if (std::fread(answer.data(), 1, size, in) != size) std::exit(1);
  }
  return answers;
}

void Answer(const Answers& answers, const web::http::http_request& request) {
  request.extract_vector().then([&answers, request](const std::vector<unsigned char>&) {
    const auto it = answers.find(request.request_uri().path());
    const bool is_known = it != answers.end();
    request.reply(is_known ? 200 : 404, is_known ? it->second : std::string(), "application/json");
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const int port = std::atoi(argv[1]);
  crossplat::threadpool::initialize_with_threads(static_cast<size_t>(std::atoi(argv[2])));
  std::FILE* const in = ::fdopen(std::atoi(argv[3]), "r");
  if (in == nullptr) return 1;
  const Answers answers = ReadAnswers(in);
  web::http::experimental::listener::http_listener listener("http://127.0.0.1:" +
                                                            std::to_string(port));
  listener.support([&answers](const auto& request) { Answer(answers, request); });
  listener.open().get();
  if (::write(std::atoi(argv[4]), &port, sizeof(port)) != sizeof(port)) return 1;
  char end = 0;
  while (::read(STDIN_FILENO, &end, 1) > 0) continue;
  listener.close().get();
  return 0;
}
