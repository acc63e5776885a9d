#pragma once
// One request and its answer, over one connection or, after a stale one, a second. Internal to http/; io thread only.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "daemon/http/client.h"
#include "daemon/http/connection_internal.h"

namespace newswatch::http {

/// Where an exchange gets connections from.
class Pool {
 public:
  virtual ~Pool() = default;
  /// An idle connection to the origin, or null.
  virtual std::shared_ptr<Connection> take(const Url& url) = 0;
  /// A connection not opened yet, or null when there are as many as allowed.
  virtual std::shared_ptr<Connection> fresh() = 0;
  virtual void open(Connection& connection, const Url& url, Connection::Deadline deadline,
                    Connection::Opened opened) = 0;
  /// The exchange is over with the connection, which may serve again if `keep`.
  virtual void give_back(const Url& url, std::shared_ptr<Connection> connection, bool keep) = 0;
  virtual const ClientSettings& settings() const = 0;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Ended = std::function<void(Exchange*)>;
  Exchange(boost::asio::io_context& io, std::weak_ptr<Pool> pool, Request request, Completion done, Ended ended);

  void start();
  void cancel();
  /// Ends without a word.
  void abandon();

 private:
  using Error = Connection::Error;
  void use(std::shared_ptr<Connection> connection);
  void open_fresh();
  void write();
  void read();
  void parse();
  void broken(const Error& error);
  void timed_out();
  void answer(bool complete);
  void finish(Reply reply, bool keep);
  std::string head() const;

  boost::asio::steady_timer timer_;
  std::weak_ptr<Pool> pool_;
  Request request_;
  Completion done_;
  Ended ended_;
  Connection::Deadline deadline_{};
  std::shared_ptr<Connection> connection_;
  std::string wire_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::string_body>> parser_;
  const char* phase_ = "connecting";
  int interim_ = 0;        // 1xx answers read past
  bool answered_ = false;  // a byte came back
  bool second_try_ = false;
  bool write_failed_ = false;
  bool over_ = false;
};

}  // namespace newswatch::http
