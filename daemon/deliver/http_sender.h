#pragma once
// The sender of every kind that makes one HTTP request a try.

#include <functional>
#include <memory>

#include "daemon/deliver/destination.h"
#include "daemon/http/client.h"

namespace newswatch::deliver {

/// `make` builds the request of a try; on the io thread, must not throw.
std::unique_ptr<Sender> open_http_sender(boost::asio::io_context& io, http::ClientSettings settings,
                                         std::function<http::Request(const Letter&, Time)> make);

}  // namespace newswatch::deliver
