#include "tests/support/http_receiver.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <set>
#include <thread>

namespace newswatch::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const HttpReceiver::Handler& handler)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), handler_(handler) {}

  void read() {
    parser_.emplace();
    parser_->body_limit(64u << 20);
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](const auto& error, std::size_t) {
      if (!error) self->react();
    });
  }

 private:
  void react() {
    const auto& message = parser_->get();
    ReceivedRequest request{std::string(message.method_string()), std::string(message.target()), message.body(), {}};
    for (const auto& field : message)
      request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    const Reaction reaction = handler_(request);
    if (reaction.close) return;
    if (reaction.hang) return wait_for_close();
    answer_ = {};
    answer_.version(11);
    answer_.result(static_cast<unsigned>(reaction.status));
    for (const auto& [name, value] : reaction.headers) answer_.set(name, value);
    answer_.keep_alive(message.keep_alive());
    answer_.body() = reaction.body;
    answer_.prepare_payload();
    if (reaction.delay.count() == 0) return write();
    timer_.expires_after(reaction.delay);
    timer_.async_wait([self = shared_from_this()](const auto& error) {
      if (!error) self->write();
    });
  }
  void wait_for_close() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const auto&) {});
  }
  void write() {
    http::async_write(socket_, answer_, [self = shared_from_this()](const auto& error, std::size_t) {
      if (!error && self->answer_.keep_alive()) self->read();
    });
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  const HttpReceiver::Handler& handler_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> answer_;
};

}  // namespace

struct HttpReceiver::Impl {
  Impl(Handler given, std::uint16_t port)
      : handler(std::move(given)), acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), port)) {
    accept();
    thread = std::thread([this] { io.run(); });
  }
  ~Impl() {
    io.stop();
    thread.join();
  }
  void accept() {
    acceptor.async_accept([this](const auto& error, tcp::socket socket) {
      if (error) return;
      ++accepted;
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket), handler)->read();
      accept();
    });
  }

  const Handler handler;
  asio::io_context io{1};
  tcp::acceptor acceptor;
  std::atomic<std::size_t> accepted = 0;
  std::thread thread;
};

std::string ReceivedRequest::header(const std::string& name) const {
  for (const auto& [key, value] : headers)
    if (boost::beast::iequals(key, name)) return value;
  return {};
}

HttpReceiver::HttpReceiver(Handler handler, std::uint16_t port)
    : impl_(std::make_unique<Impl>(std::move(handler), port)) {}
HttpReceiver::~HttpReceiver() = default;
std::uint16_t HttpReceiver::port() const { return impl_->acceptor.local_endpoint().port(); }
std::string HttpReceiver::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port()) + path;
}
std::size_t HttpReceiver::connections() const { return impl_->accepted; }

}  // namespace newswatch::test
