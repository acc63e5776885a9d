#pragma once
// An HTTP/1.1 client for deliveries: one deadline over everything that can hang, connections kept alive, nothing
// followed.
//
// A client belongs to one destination. Its pool, its name look-ups and its limits are its own, so that a dead endpoint
// takes nothing from another. All clients share one io thread.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/loader/secret.h"
#include "daemon/http/header.h"
#include "daemon/http/url.h"

namespace boost::asio {
class io_context;
}

namespace newswatch::http {

/// A thread that runs an io_context. The context must be run by one thread only: clients take no locks on it.
class IoThread {
 public:
  IoThread();
  ~IoThread();  ///< stops the context and joins; all that uses it must be gone
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;
  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Every https and http request goes through it: CONNECT for https, absolute form for http.
struct Proxy {
  Url url;                       ///< http only: TLS to the proxy is not spoken
  config::Secret authorization;  ///< value of Proxy-Authorization, or empty
};

struct ClientSettings {
  std::string ca_file;  ///< PEM, instead of the system's authorities; empty: the system's
  std::optional<Proxy> proxy;
  std::size_t max_connections = 64;   ///< in use or idle; a request that finds none free is refused as overload
  std::chrono::seconds max_idle{20};  ///< below the keep-alive of common servers, which saves most stale tries
  std::size_t max_response_head = 16u << 10;
  std::size_t max_response_body = 16u << 10;  ///< kept of it; what is longer is cut and its connection closed
};

struct Request {
  Url url;
  std::string method = "POST";
  std::vector<Header> headers;                ///< checked by header_fault before anything is sent
  std::shared_ptr<const std::string> body;    ///< shared over retries; may be null
  std::chrono::milliseconds timeout{15'000};  ///< over look-up, connect, TLS, write and read together
};

struct Response {
  int status = 0;               ///< 200..599; 1xx answers are read past
  std::vector<Header> headers;  ///< as received: untrusted
  std::string body;             ///< as received: untrusted, at most max_response_body
  bool complete = true;         ///< false: cut by the limit, by a close or by the deadline after the status had come
  bool reused = false;          ///< came over a connection that had served before
  std::string_view header(std::string_view name) const;  ///< the first of that name, or empty
};

enum class Fault : std::uint8_t {
  refused_request,  ///< a header, target or method that must not be sent: permanent
  overload,         ///< max_connections are busy: nothing was sent
  resolve,
  connect,
  tls,
  proxy,  ///< nothing of the request was sent
  timeout,
  closed,
  malformed,  ///< the endpoint may or may not have taken it
  cancelled,  ///< the client was destroyed or cancel_all() called
};

struct Failure {
  Fault fault = Fault::closed;
  std::string message;  ///< for a log: names the origin, never target, header or body
};

using Reply = std::variant<Response, Failure>;
using Completion = std::function<void(Reply)>;

class Client {
 public:
  /// `io` must outlive the client. Throws std::runtime_error when the CA file cannot be read (start-up only).
  Client(boost::asio::io_context& io, ClientSettings settings);
  /// From any thread. Completions of requests in flight are dropped: whoever destroys a client no longer waits.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// From any thread. `done` is called once, on the io thread, never inside send(), by the deadline at the latest.
  /// A request is sent a second time only over a new connection, and only if the first went over a reused one that
  /// closed before a byte was answered.
  void send(Request request, Completion done);
  /// From any thread: every request in flight ends with Fault::cancelled.
  void cancel_all();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace newswatch::http
