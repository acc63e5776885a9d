#pragma once
// An HTTP server on loopback for tests of what sends: counts, answers as told, or does not answer.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace newswatch::test {

struct ReceivedRequest {
  std::string method, target, body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string header(const std::string& name) const;  ///< ASCII case does not count; empty when absent
};

struct Reaction {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::chrono::milliseconds delay{0};
  bool hang = false;   ///< read, never answer
  bool close = false;  ///< read, close without an answer
};

class HttpReceiver {
 public:
  using Handler = std::function<Reaction(const ReceivedRequest&)>;
  /// `handler` runs on the server's thread. Port 0: any free one.
  explicit HttpReceiver(
      Handler handler = [](const ReceivedRequest&) { return Reaction(); }, std::uint16_t port = 0);
  ~HttpReceiver();
  std::uint16_t port() const;
  std::string url(const std::string& path = "/hook") const;  ///< http://127.0.0.1:PORT/hook
  std::size_t connections() const;                           ///< accepted so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::test
