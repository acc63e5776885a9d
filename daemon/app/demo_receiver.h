#pragma once
// The demo's own end of a webhook: takes alerts on loopback and answers 204.

#include <functional>
#include <memory>
#include <string>

#include "daemon/flow/alert.h"

namespace boost::asio {
class io_context;
}

namespace newswatch::app {

/// All of it on the io thread.
class DemoReceiver {
 public:
  /// Throws boost::system::system_error when no port can be had. `received` gets every alert, repeated ones too.
  DemoReceiver(boost::asio::io_context& io, std::function<void(const flow::Alert&)> received);
  ~DemoReceiver();
  std::string url() const;
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::app
