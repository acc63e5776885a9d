// One acceptor and at most 64 connections, all on the io thread. Nothing here changes anything, so the dangers are a
// browser that is led here by a foreign page (host check, no sniffing, no framing), and a peer that eats memory or
// connections (small limits, a deadline on each step).

#include "daemon/web/status_server.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <list>
#include <optional>

#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

namespace newswatch::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using std::chrono::seconds;

constexpr std::size_t most_connections = 64;  // 64 * (8 KiB header + one page of metrics) stays below 10 MiB
constexpr std::uint32_t most_header_bytes = 8 * 1024;
constexpr std::uint64_t most_body_bytes = 1024;
constexpr seconds request_deadline{10}, idle_deadline{60};

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

// A page on evil.example that resolves to 127.0.0.1 sends `Host: evil.example`. Nobody can make a browser send another
// name than the one in its address bar, so on loopback only names that are no one's domain are served.
bool host_is_ours(std::string_view host, bool loopback) {
  if (!loopback) return true;     // reached by whatever name the network gives this machine
  if (host.empty()) return true;  // HTTP/1.0: no browser
  if (host.starts_with('[')) return true;
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos) host = host.substr(0, colon);
  if (host == "localhost") return true;
  boost::system::error_code error;
  asio::ip::make_address(std::string(host), error);
  return !error;
}

std::string readiness_json(const Report& report) {
  boost::json::array parts;
  for (const Part& part : report.parts) {
    boost::json::object one{{"name", part.name}, {"ready", part.ready}};
    if (!part.detail.empty()) one["detail"] = observe::escape_for_log(part.detail);
    if (!part.failure.empty()) one["failure"] = observe::escape_for_log(part.failure);
    parts.push_back(std::move(one));
  }
  boost::json::object all{{"ready", report.ready()}};
  if (!report.waiting_for.empty()) all["waiting_for"] = observe::escape_for_log(report.waiting_for);
  all["parts"] = std::move(parts);
  return boost::json::serialize(all) + "\n";
}

std::string page(const Report& report) {
  std::string out = "newswatchd\n\n";
  const auto line = [&out](std::string_view name, std::string_view value) {
    out.append("  ").append(name).append(std::max<std::size_t>(24, name.size() + 2) - name.size(), ' ');
    out.append(observe::escape_for_log(value)).append("\n");
  };
  line("ready", report.ready() ? "yes" : "no");
  if (!report.waiting_for.empty()) line("waiting for", report.waiting_for);
  for (const auto& [name, value] : report.facts) line(name, value);
  out += "\n";
  for (const Part& part : report.parts) {
    line(part.name, !part.failure.empty() ? "failed: " + part.failure
                                          : (part.ready ? "ready" : "not ready") +
                                                (part.detail.empty() ? std::string() : ": " + part.detail));
  }
  return out + "\n/metrics  /healthz  /readyz\n";
}

}  // namespace

bool Report::ready() const {
  return waiting_for.empty() && healthy() && std::ranges::all_of(parts, [](const Part& part) { return part.ready; });
}
bool Report::healthy() const {
  return std::ranges::all_of(parts, [](const Part& part) { return part.failure.empty(); });
}

struct StatusServer::Impl : std::enable_shared_from_this<StatusServer::Impl> {
  Impl(asio::io_context& context, observe::Metrics& all, std::function<Report()> source)
      : io(context), acceptor(context), metrics(all), report(std::move(source)) {}

  struct Connection : std::enable_shared_from_this<Connection> {
    Connection(tcp::socket&& socket, std::weak_ptr<Impl> owner) : stream(std::move(socket)), server(std::move(owner)) {}
    beast::tcp_stream stream;
    beast::flat_buffer buffer{most_header_bytes + most_body_bytes};
    std::optional<http::request_parser<http::string_body>> parser;
    Response response;
    std::weak_ptr<Impl> server;

    void read(seconds deadline) {
      parser.emplace();
      parser->header_limit(most_header_bytes);
      parser->body_limit(most_body_bytes);
      stream.expires_after(deadline);
      http::async_read(stream, buffer, *parser,
                       [self = shared_from_this()](beast::error_code error, std::size_t) { self->answer(error); });
    }
    void answer(beast::error_code error) {
      const auto owner = server.lock();
      if (!owner) return close();
      if (!error) return write(owner->respond(parser->get()));
      if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return write(
            owner->refuse(http::status::request_header_fields_too_large, "the request's header is too long\n"));
      }
      if (error == http::error::body_limit) {
        return write(owner->refuse(http::status::payload_too_large, "no request here has a body\n"));
      }
      const bool malformed = error.category() == http::make_error_code(http::error::bad_method).category() &&
                             error != http::error::end_of_stream && error != http::error::partial_message;
      if (!malformed) return close();  // the peer went away, or was too slow
      write(owner->refuse(http::status::bad_request, "this is no HTTP request\n"));
    }
    void write(Response&& answer) {
      response = std::move(answer);
      stream.expires_after(request_deadline);
      http::async_write(stream, response, [self = shared_from_this()](beast::error_code error, std::size_t) {
        if (error || !self->response.keep_alive() || self->server.expired()) return self->close();
        self->read(idle_deadline);
      });
    }
    void close() {
      beast::error_code ignored;
      stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
      stream.socket().close(ignored);
    }
  };

  void accept() {
    acceptor.async_accept([self = shared_from_this()](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !self->acceptor.is_open()) return;
      if (error) {  // out of descriptors: not again at once
        self->pause.expires_after(seconds(1));
        self->pause.async_wait([self](beast::error_code stopped) {
          if (!stopped) self->accept();
        });
        return;
      }
      std::erase_if(self->connections, [](const auto& one) { return one.expired(); });
      if (self->connections.size() < most_connections) {
        const auto connection = std::make_shared<Connection>(std::move(socket), self);
        self->connections.push_back(connection);
        connection->read(request_deadline);
      }
      self->accept();
    });
  }

  Response refuse(http::status status, std::string body) const {
    Response response(status, 11);
    response.keep_alive(false);
    finish(response, "text/plain; charset=utf-8", std::move(body));
    return response;
  }

  static void finish(Response& response, const char* type, std::string body) {
    response.set(http::field::content_type, type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.set("X-Frame-Options", "DENY");
    response.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    response.set("Cross-Origin-Resource-Policy", "same-origin");
    response.set("Referrer-Policy", "no-referrer");
    response.body() = std::move(body);
    response.prepare_payload();
  }

  Response respond(const Request& request) {
    const std::string_view target(request.target().data(), request.target().size());
    const std::string_view path = target.substr(0, target.find('?'));
    Response response = route(request, path);
    const bool known = path == "/" || path == "/metrics" || path == "/healthz" || path == "/readyz";
    metrics
        .counter(observe::Metric::http_requests,
                 {known ? path : std::string_view("other"), std::to_string(response.result_int())})
        .add();
    if (request.method() == http::verb::head) {
      const auto length = response.body().size();
      response.body().clear();
      response.content_length(length);
    }
    return response;
  }

  Response route(const Request& request, std::string_view path) {
    const auto host = request[http::field::host];
    if (!host_is_ours({host.data(), host.size()}, loopback)) {
      return refuse(http::status::misdirected_request, "this address serves localhost and IP addresses only\n");
    }
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      Response response = refuse(http::status::method_not_allowed, "GET and HEAD only\n");
      response.set(http::field::allow, "GET, HEAD");
      return response;
    }
    Response response(http::status::ok, request.version());
    response.keep_alive(request.keep_alive());
    if (path == "/metrics") {
      finish(response, "text/plain; version=0.0.4; charset=utf-8", metrics.render());
    } else if (path == "/healthz") {
      const Report now = report();
      if (!now.healthy()) response.result(http::status::service_unavailable);
      finish(response, "application/json", now.healthy() ? "{\"healthy\":true}\n" : readiness_json(now));
    } else if (path == "/readyz") {
      const Report now = report();
      if (!now.ready()) response.result(http::status::service_unavailable);
      finish(response, "application/json", readiness_json(now));
    } else if (path == "/") {
      finish(response, "text/plain; charset=utf-8", page(report()));
    } else {
      response.result(http::status::not_found);
      finish(response, "text/plain; charset=utf-8", "/  /metrics  /healthz  /readyz\n");
    }
    return response;
  }

  asio::io_context& io;
  tcp::acceptor acceptor;
  asio::steady_timer pause{io};
  observe::Metrics& metrics;
  std::function<Report()> report;
  std::list<std::weak_ptr<Connection>> connections;
  bool loopback = true;
};

Result<std::unique_ptr<StatusServer>> StatusServer::listen(asio::io_context& io, const std::string& host,
                                                           std::uint16_t port, observe::Metrics& metrics,
                                                           std::function<Report()> report) {
  const auto impl = std::make_shared<Impl>(io, metrics, std::move(report));
  const auto failed = [&](const beast::error_code& error) {
    return retryable_error("cannot_listen", "cannot listen on " + host + ":" + std::to_string(port) + ": " +
                                                error.message() + " (`status: {listen: …}` sets another address)");
  };
  beast::error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error) return failed(error);
  const tcp::endpoint endpoint(address, port);
  impl->loopback = address.is_loopback();
  impl->acceptor.open(endpoint.protocol(), error);
  if (!error) impl->acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) impl->acceptor.bind(endpoint, error);
  if (!error) impl->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(error);
  impl->accept();
  return std::unique_ptr<StatusServer>(new StatusServer(impl));
}

StatusServer::StatusServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

StatusServer::~StatusServer() {
  beast::error_code ignored;
  impl_->acceptor.close(ignored);
  impl_->pause.cancel();
  for (const auto& one : impl_->connections) {
    if (const auto connection = one.lock()) connection->close();
  }
}

std::uint16_t StatusServer::port() const {
  beast::error_code error;
  return impl_->acceptor.local_endpoint(error).port();
}

}  // namespace newswatch::web
