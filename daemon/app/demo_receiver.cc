#include "daemon/app/demo_receiver.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>

#include "daemon/flow/record_codec.h"

namespace newswatch::app {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;

// The body is a CloudEvent; its data is the alert.
std::optional<flow::Alert> alert_of(const std::string& body) {
  boost::system::error_code error;
  const auto event = boost::json::parse(body, error);
  if (error || !event.is_object()) return std::nullopt;
  const auto* const data = event.as_object().if_contains("data");
  auto alert = flow::decode_alert(data ? boost::json::serialize(*data) : body);
  return alert ? std::optional(std::move(*alert)) : std::nullopt;
}

struct Connection : std::enable_shared_from_this<Connection> {
  Connection(tcp::socket&& socket, std::function<void(const flow::Alert&)> to)
      : stream(std::move(socket)), received(std::move(to)) {}
  beast::tcp_stream stream;
  beast::flat_buffer buffer;
  http::request<http::string_body> request;
  http::response<http::string_body> response;
  std::function<void(const flow::Alert&)> received;

  void read() {
    request = {};
    http::async_read(stream, buffer, request, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->answer();
    });
  }
  void answer() {
    const auto alert = alert_of(request.body());
    if (alert) received(*alert);
    response = {alert ? http::status::no_content : http::status::bad_request, request.version()};
    response.keep_alive(request.keep_alive());
    if (!alert) response.prepare_payload();
    http::async_write(stream, response, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error && self->response.keep_alive()) self->read();
    });
  }
};

}  // namespace

struct DemoReceiver::Impl {
  Impl(boost::asio::io_context& io, std::function<void(const flow::Alert&)> to)
      : acceptor(io, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)), received(std::move(to)) {}
  tcp::acceptor acceptor;
  std::function<void(const flow::Alert&)> received;

  void accept() {
    acceptor.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error) return;
      std::make_shared<Connection>(std::move(socket), received)->read();
      accept();
    });
  }
};

DemoReceiver::DemoReceiver(boost::asio::io_context& io, std::function<void(const flow::Alert&)> received)
    : impl_(std::make_unique<Impl>(io, std::move(received))) {
  impl_->accept();
}
DemoReceiver::~DemoReceiver() = default;

std::string DemoReceiver::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->acceptor.local_endpoint().port()) + "/alerts";
}

void DemoReceiver::close() {
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
}

}  // namespace newswatch::app
