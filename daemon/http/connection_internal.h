#pragma once
// One connection to an endpoint, plain or TLS, direct or through a proxy. Internal to http/; io thread only.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "daemon/http/client.h"
#include "daemon/http/resolver_internal.h"

namespace newswatch::http {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Error = boost::system::error_code;
  using Deadline = std::chrono::steady_clock::time_point;
  using Opened = std::function<void(std::optional<Failure>)>;

  Connection(boost::asio::io_context& io, std::shared_ptr<Resolver> resolver);

  /// Looks up, connects, asks the proxy, shakes hands. Each address gets its share of what is left of the deadline, so
  /// that a dead first one leaves time for the next; the deadline itself is the caller's, who ends it with close().
  void open(const Url& url, const std::optional<Proxy>& proxy, std::shared_ptr<boost::asio::ssl::context> tls,
            Deadline deadline, Opened opened);
  /// `bytes` must live until `done`.
  void write(const std::string& bytes, std::function<void(Error)> done);
  /// Appends what comes to `buffer`.
  void read(std::function<void(Error)> done);
  /// Whatever waits ends with an error.
  void close();
  /// Neither closed by the peer nor holding bytes that nobody asked for.
  bool quiet();

  boost::beast::flat_buffer buffer;
  bool served = false;  ///< has carried an answer before
  Deadline idle_until{};

 private:
  void connect(Resolver::Addresses addresses, std::size_t next);
  void connected();
  void ask_proxy();
  void read_proxy();
  void shake_hands();
  void succeed();
  void fail(Fault fault, const std::string& what);
  std::string handshake_fault(const Error& error);

  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> secure_;
  boost::asio::steady_timer share_;  // of the deadline, for one address
  std::shared_ptr<Resolver> resolver_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::empty_body>> proxy_answer_;
  std::string proxy_request_;
  Url url_;
  std::optional<Proxy> proxy_;
  Deadline deadline_{};
  Opened opened_;
  bool closed_ = false;
};

}  // namespace newswatch::http
