#pragma once
// TLS settings that clients share. Internal to http/.

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

namespace newswatch::http {

/// TLS 1.2 or newer, the peer always verified against `ca_file` (PEM) or, when it is empty, the system's authorities.
/// Clients with the same file share one context: the system's store costs 1.5 MB and 20 ms. Any thread.
/// Throws std::runtime_error naming the file when it cannot be read.
std::shared_ptr<boost::asio::ssl::context> tls_context(const std::string& ca_file);

}  // namespace newswatch::http
