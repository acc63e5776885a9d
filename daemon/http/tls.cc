#include "daemon/http/tls_internal.h"

#include <map>
#include <mutex>
#include <stdexcept>

namespace newswatch::http {

std::shared_ptr<boost::asio::ssl::context> tls_context(const std::string& ca_file) {
  namespace ssl = boost::asio::ssl;
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<ssl::context>> shared;  // as many as CA files are configured
  std::lock_guard lock(mutex);
  if (auto context = shared[ca_file].lock()) return context;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1)
    throw std::runtime_error("OpenSSL does not speak TLS 1.2");
  context->set_verify_mode(ssl::verify_peer);
  // Idle connections give their read and write buffers (34 KB) back.
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  boost::system::error_code error;
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
    if (error) throw std::runtime_error("the system's certificate authorities cannot be read: " + error.message());
  } else {
    context->load_verify_file(ca_file, error);
    if (error)
      throw std::runtime_error("the certificate authorities in " + ca_file + " cannot be read: " + error.message() +
                               ". It must be a PEM file that newswatchd may read");
  }
  shared[ca_file] = context;
  return context;
}

}  // namespace newswatch::http
