#pragma once
// The status address: /metrics, /healthz, /readyz and a page for people, as text. Reads only; meant for loopback.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/observe/result.h"

namespace boost::asio {
class io_context;
}
namespace newswatch::observe {
class Metrics;
}

namespace newswatch::web {

/// One thing that has to work: a worker, a destination.
struct Part {
  std::string name;
  bool ready = false;
  std::string detail;   ///< what it waits for, or how it is doing; may hold untrusted text
  std::string failure;  ///< not empty: it has ended and the process must be restarted
};

struct Report {
  std::vector<Part> parts;
  std::string waiting_for;                                 ///< not empty: not ready, whatever the parts say
  std::vector<std::pair<std::string, std::string>> facts;  ///< for the page: version, rules, topics …
  bool ready() const;
  bool healthy() const;
};

class StatusServer {
 public:
  /// All given outlive the server; `report` is called on the io thread for each request. An error says which address
  /// and why. Port 0: any free one.
  static Result<std::unique_ptr<StatusServer>> listen(boost::asio::io_context& io, const std::string& host,
                                                      std::uint16_t port, observe::Metrics& metrics,
                                                      std::function<Report()> report);
  ~StatusServer();  ///< on the io thread or after it ended; connections are closed
  std::uint16_t port() const;

 private:
  struct Impl;
  explicit StatusServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace newswatch::web
