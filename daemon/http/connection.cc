#include "daemon/http/connection_internal.h"

#include <sys/socket.h>

#include <boost/asio/write.hpp>
#include <cerrno>

namespace newswatch::http {
namespace {

using boost::asio::ip::tcp;
constexpr std::size_t read_size = 16u << 10;
constexpr std::size_t proxy_head_limit = 16u << 10;

}  // namespace

Connection::Connection(boost::asio::io_context& io, std::shared_ptr<Resolver> resolver)
    : socket_(io), share_(io), resolver_(std::move(resolver)) {}

void Connection::open(const Url& url, const std::optional<Proxy>& proxy, std::shared_ptr<boost::asio::ssl::context> tls,
                      Deadline deadline, Opened opened) {
  url_ = url;
  proxy_ = proxy;
  tls_ = std::move(tls);
  deadline_ = deadline;
  opened_ = std::move(opened);
  resolver_->resolve(proxy_ ? proxy_->url.host : url_.host,
                     [self = shared_from_this()](const Resolver::Addresses& addresses, const std::string& why_not) {
                       if (self->closed_) return;
                       if (addresses.empty())
                         return self->fail(self->proxy_ ? Fault::proxy : Fault::resolve,
                                           "the name cannot be looked up: " + why_not);
                       self->connect(addresses, 0);
                     });
}

void Connection::connect(Resolver::Addresses addresses, std::size_t next) {
  const auto now = std::chrono::steady_clock::now();
  const auto left = static_cast<std::ptrdiff_t>(addresses.size() - next);
  if (left > 1) {
    share_.expires_at(now + (deadline_ - now) / left);
    share_.async_wait([self = shared_from_this()](const Error& error) {
      if (error) return;
      Error ignored;
      self->socket_.close(ignored);
    });
  }
  const tcp::endpoint endpoint(addresses[next], proxy_ ? proxy_->url.port : url_.port);
  socket_.async_connect(
      endpoint, [self = shared_from_this(), addresses = std::move(addresses), next](const Error& error) {
        self->share_.cancel();
        if (self->closed_) return;
        if (!error && self->socket_.is_open()) return self->connected();
        Error ignored;
        self->socket_.close(ignored);
        if (next + 1 < addresses.size()) return self->connect(addresses, next + 1);
        self->resolver_->forget(self->proxy_ ? self->proxy_->url.host : self->url_.host);
        const std::string what = error == boost::asio::error::operation_aborted ? "no answer in time" : error.message();
        self->fail(self->proxy_ ? Fault::proxy : Fault::connect, "cannot connect: " + what);
      });
}

void Connection::connected() {
  Error ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  if (!url_.tls) return succeed();
  if (proxy_) return ask_proxy();
  shake_hands();
}

void Connection::ask_proxy() {
  const std::string target =
      (url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]") + ":" + std::to_string(url_.port);
  proxy_request_ = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy_->authorization.empty())
    proxy_request_ += "Proxy-Authorization: " + proxy_->authorization.reveal() + "\r\n";
  proxy_request_ += "\r\n";
  boost::asio::async_write(socket_, boost::asio::buffer(proxy_request_),
                           [self = shared_from_this()](const Error& error, std::size_t) {
                             if (self->closed_) return;
                             if (error) return self->fail(Fault::proxy, "it broke off: " + error.message());
                             self->proxy_answer_.emplace();
                             self->proxy_answer_->skip(true);  // an answer to CONNECT has no body
                             self->proxy_answer_->header_limit(proxy_head_limit);
                             self->read_proxy();
                           });
}

void Connection::read_proxy() {
  socket_.async_read_some(buffer.prepare(read_size), [self = shared_from_this()](const Error& error, std::size_t size) {
    if (self->closed_) return;
    if (error) return self->fail(Fault::proxy, "it broke off: " + error.message());
    self->buffer.commit(size);
    Error parse;
    self->buffer.consume(self->proxy_answer_->put(self->buffer.data(), parse));
    if (parse == boost::beast::http::error::need_more) return self->read_proxy();
    if (parse) return self->fail(Fault::proxy, "its answer is no HTTP: " + parse.message());
    if (!self->proxy_answer_->is_header_done()) return self->read_proxy();
    const unsigned status = self->proxy_answer_->get().result_int();
    if (status < 200 || status > 299) return self->fail(Fault::proxy, "it answered " + std::to_string(status));
    if (self->buffer.size() != 0) return self->fail(Fault::proxy, "it sent bytes before the handshake");
    self->shake_hands();
  });
}

void Connection::shake_hands() {
  secure_.emplace(socket_, *tls_);
  SSL* const ssl = secure_->native_handle();
  // RFC 6066: a literal address is no server name.
  if (!url_.ip_literal && SSL_set_tlsext_host_name(ssl, url_.host.c_str()) != 1)
    return fail(Fault::tls, "the host name cannot be sent in the handshake");
  // verify_peer alone accepts any good certificate, also one for another host. OpenSSL's own check does what Asio's
  // host_name_verification does, and says which of the two went wrong.
  const int set = url_.ip_literal ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), url_.host.c_str())
                                  : SSL_set1_host(ssl, url_.host.c_str());
  if (set != 1) return fail(Fault::tls, "the host cannot be checked against a certificate");
  secure_->async_handshake(boost::asio::ssl::stream_base::client, [self = shared_from_this()](const Error& failed) {
    if (self->closed_) return;
    if (failed) return self->fail(Fault::tls, self->handshake_fault(failed));
    self->succeed();
  });
}

std::string Connection::handshake_fault(const Error& error) {
  const long verified = SSL_get_verify_result(secure_->native_handle());
  if (verified != X509_V_OK) {
    const std::string why = X509_verify_cert_error_string(verified);
    switch (verified) {
      case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "its certificate is not trusted (" + why + "): name its authority with ca_file";
      case X509_V_ERR_HOSTNAME_MISMATCH:
      case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "its certificate is not for " + url_.host;
      default:
        return "its certificate is refused: " + why;
    }
  }
  return "the TLS handshake failed: " + error.message();
}

void Connection::succeed() {
  proxy_answer_.reset();
  proxy_request_.clear();
  proxy_.reset();
  auto opened = std::move(opened_);
  opened_ = nullptr;
  opened(std::nullopt);
}

void Connection::fail(Fault fault, const std::string& what) {
  const std::string peer = fault == Fault::proxy && proxy_ ? "proxy " + proxy_->url.origin() : url_.origin();
  close();
  auto opened = std::move(opened_);
  opened_ = nullptr;
  opened(Failure{fault, peer + ": " + what});
}

void Connection::write(const std::string& bytes, std::function<void(Error)> done) {
  auto written = [self = shared_from_this(), done = std::move(done)](const Error& error, std::size_t) { done(error); };
  if (secure_)
    boost::asio::async_write(*secure_, boost::asio::buffer(bytes), std::move(written));
  else
    boost::asio::async_write(socket_, boost::asio::buffer(bytes), std::move(written));
}

void Connection::read(std::function<void(Error)> done) {
  auto came = [self = shared_from_this(), done = std::move(done)](const Error& error, std::size_t size) {
    self->buffer.commit(size);
    done(error);
  };
  const auto space = buffer.prepare(read_size);
  if (secure_)
    secure_->async_read_some(space, std::move(came));
  else
    socket_.async_read_some(space, std::move(came));
}

void Connection::close() {
  closed_ = true;
  share_.cancel();
  // No TLS goodbye: on a dead peer it would hang, and every answer's end is known by its length.
  Error ignored;
  socket_.close(ignored);
}

bool Connection::quiet() {
  if (!socket_.is_open() || buffer.size() != 0) return false;
  char byte = 0;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace newswatch::http
