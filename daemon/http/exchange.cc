#include "daemon/http/exchange_internal.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

namespace newswatch::http {
namespace {

constexpr int max_interim = 16;
constexpr std::size_t read_ahead = 64u << 10;  // beyond the head: bounds a connection's buffer

bool end_of_stream(const boost::system::error_code& error) {
  return error == boost::asio::error::eof || error == boost::asio::ssl::error::stream_truncated;
}

}  // namespace

Exchange::Exchange(boost::asio::io_context& io, std::weak_ptr<Pool> pool, Request request, Completion done, Ended ended)
    : timer_(io),
      pool_(std::move(pool)),
      request_(std::move(request)),
      done_(std::move(done)),
      ended_(std::move(ended)) {}

void Exchange::start() {
  deadline_ = std::chrono::steady_clock::now() + request_.timeout;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](const Error& error) {
    if (!error) self->timed_out();
  });
  const auto pool = pool_.lock();
  if (!pool) return;
  if (auto idle = pool->take(request_.url)) return use(std::move(idle));
  open_fresh();
}

void Exchange::open_fresh() {
  const auto pool = pool_.lock();
  if (!pool) return;
  phase_ = "connecting";
  connection_ = pool->fresh();
  if (!connection_)
    return finish(
        Failure{Fault::overload, request_.url.origin() + ": " + std::to_string(pool->settings().max_connections) +
                                     " connections are busy already"},
        false);
  pool->open(*connection_, request_.url, deadline_, [self = shared_from_this()](std::optional<Failure> failure) {
    if (self->over_) return;
    if (failure) return self->finish(std::move(*failure), false);
    self->use(self->connection_);
  });
}

void Exchange::use(std::shared_ptr<Connection> connection) {
  connection_ = std::move(connection);
  const auto pool = pool_.lock();
  if (!pool) return;
  connection_->buffer.max_size(pool->settings().max_response_head + read_ahead);
  wire_ = head();
  if (request_.body) wire_ += *request_.body;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(pool->settings().max_response_head));
  parser_->body_limit(boost::none);  // cut in parse(), since a long body after a 200 is still a 200
  parser_->eager(true);
  write();
}

std::string Exchange::head() const {
  const auto pool = pool_.lock();
  const bool through_proxy = pool && pool->settings().proxy && !request_.url.tls;
  std::string text;
  text.reserve(512 + (request_.body ? request_.body->size() : 0));
  text += request_.method;
  text += ' ';
  if (through_proxy) text += request_.url.origin();
  text += request_.url.target;
  text += " HTTP/1.1\r\nHost: ";
  text += request_.url.authority();
  text += "\r\n";
  bool agent = false;
  for (const Header& header : request_.headers) {
    agent = agent || same_name(header.name, "user-agent");
    text += header.name;
    text += ": ";
    text += header.value;
    text += "\r\n";
  }
  if (!agent) text += "User-Agent: newswatchd/" NEWSWATCH_VERSION "\r\n";
  if (through_proxy && !pool->settings().proxy->authorization.empty())
    text += "Proxy-Authorization: " + pool->settings().proxy->authorization.reveal() + "\r\n";
  if (request_.body || request_.method != "GET")
    text += "Content-Length: " + std::to_string(request_.body ? request_.body->size() : 0) + "\r\n";
  text += "\r\n";
  return text;
}

void Exchange::write() {
  phase_ = "sending the request";
  connection_->write(wire_, [self = shared_from_this()](const Error& error) {
    if (self->over_) return;
    // An endpoint that refuses a request early answers and closes before it has read all: its answer counts.
    self->write_failed_ = bool(error);
    self->phase_ = "waiting for the answer";
    self->read();
  });
}

void Exchange::read() {
  connection_->read([self = shared_from_this()](const Error& error) {
    if (self->over_) return;
    if (self->connection_->buffer.size() != 0) self->answered_ = true;
    if (error) return self->broken(error);
    self->parse();
  });
}

void Exchange::parse() {
  const auto pool = pool_.lock();
  if (!pool) return;
  auto& buffer = connection_->buffer;
  while (buffer.size() != 0) {
    Error error;
    const std::size_t used = parser_->put(buffer.data(), error);
    buffer.consume(used);
    if (error && error != boost::beast::http::error::need_more)
      return finish(Failure{Fault::malformed, request_.url.origin() + ": its answer is no HTTP: " + error.message()},
                    false);
    if (parser_->is_header_done()) {
      const unsigned status = parser_->get().result_int();
      if (status >= 100 && status < 200 && status != 101) {
        if (++interim_ > max_interim)
          return finish(Failure{Fault::malformed, request_.url.origin() + ": it sends one 1xx answer after the other"},
                        false);
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(pool->settings().max_response_head));
        parser_->body_limit(boost::none);
        parser_->eager(true);
        continue;
      }
      if (status < 200 || status > 599)
        return finish(
            Failure{Fault::malformed, request_.url.origin() + ": it answered with status " + std::to_string(status)},
            false);
      if (parser_->is_done()) return answer(true);
      if (parser_->get().body().size() > pool->settings().max_response_body) return answer(false);
    }
    if (error || used == 0) break;
  }
  read();
}

void Exchange::broken(const Error& error) {
  if (connection_->served && !answered_ && !second_try_) {
    // The endpoint closed a kept connection while the request was under way. It saw nothing or part of the request;
    // should it have taken it all the same, the id tells it so.
    second_try_ = true;
    write_failed_ = false;
    if (const auto pool = pool_.lock()) pool->give_back(request_.url, std::move(connection_), false);
    return open_fresh();
  }
  if (parser_ && parser_->is_header_done()) {
    Error ignored;
    const bool whole = end_of_stream(error) && parser_->need_eof();
    if (whole) parser_->put_eof(ignored);
    return answer(whole && !ignored);
  }
  const std::string what = answered_ ? "it broke off within its answer" : "it closed the connection without an answer";
  finish(Failure{Fault::closed,
                 request_.url.origin() + ": " + what + (end_of_stream(error) ? "" : " (" + error.message() + ")")},
         false);
}

void Exchange::timed_out() {
  if (over_) return;
  // The status has come: what it says is known, and asking again would only deliver twice.
  if (parser_ && parser_->is_header_done() && parser_->get().result_int() >= 200) return answer(false);
  const auto seconds = std::chrono::duration<double>(request_.timeout).count();
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  finish(Failure{Fault::timeout, request_.url.origin() + ": nothing within " + text + " s (" + phase_ + ")"}, false);
}

void Exchange::answer(bool complete) {
  auto& message = parser_->get();
  Response response;
  response.status = static_cast<int>(message.result_int());
  response.headers.reserve(8);
  for (const auto& field : message)
    response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  response.body = std::move(message.body());
  const auto pool = pool_.lock();
  if (pool && response.body.size() > pool->settings().max_response_body) {
    response.body.resize(pool->settings().max_response_body);
    complete = false;
  }
  response.complete = complete;
  response.reused = connection_->served;
  const bool keep =
      complete && !write_failed_ && parser_->is_done() && parser_->keep_alive() && connection_->buffer.size() == 0;
  connection_->served = true;
  finish(std::move(response), keep);
}

void Exchange::finish(Reply reply, bool keep) {
  if (over_) return;
  const auto self = shared_from_this();
  over_ = true;
  timer_.cancel();
  if (connection_) {
    if (const auto pool = pool_.lock())
      pool->give_back(request_.url, std::move(connection_), keep);
    else
      connection_->close();
    connection_.reset();
  }
  ended_(this);
  const Completion done = std::move(done_);
  done_ = nullptr;
  done(std::move(reply));
}

void Exchange::cancel() {
  finish(Failure{Fault::cancelled, request_.url.origin() + ": given up because newswatchd stops or reloads"}, false);
}

void Exchange::abandon() {
  over_ = true;
  timer_.cancel();
  if (connection_) connection_->close();
  connection_.reset();
  done_ = nullptr;
}

}  // namespace newswatch::http
