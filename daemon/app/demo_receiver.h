#pragma once
// The demo's own end of a webhook: takes alerts on loopback and answers 204.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>

#include "daemon/flow/alert.h"

namespace newswatch::app {

/// All of it on the io thread.
class DemoReceiver {
 public:
  /// Throws boost::system::system_error when no port can be had. `received` gets every alert, repeated ones too.
  DemoReceiver(boost::asio::io_context& io, std::function<void(const flow::Alert&)> received);
  std::string url() const;
  void close();

 private:
  struct Connection;
  void accept();
  boost::asio::ip::tcp::acceptor acceptor_;
  std::function<void(const flow::Alert&)> received_;
};

}  // namespace newswatch::app
