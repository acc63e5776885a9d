// TLS as a client must do it: each wrong certificate is refused, and the right one is not.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "daemon/http/client.h"

namespace newswatch::http {
namespace {

using namespace std::chrono_literals;
namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;

/// A key and a certificate made for one test.
struct Identity {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;
};

Identity make_identity(const std::string& name, const std::string& alternative, const Identity* issuer, int days = 1) {
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
  made.certificate.reset(X509_new(), X509_free);
  X509* const x = made.certificate.get();
  X509_set_version(x, 2);
  static std::atomic<long> serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x), -2 * 86'400);
  X509_gmtime_adj(X509_getm_notAfter(x), days * 86'400L);
  X509_set_pubkey(x, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer->certificate.get() : x));
  const auto extend = [&](int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer->certificate.get() : x, x, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    ASSERT_TRUE(extension);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (!issuer) extend(NID_basic_constraints, "critical,CA:TRUE");
  if (!alternative.empty()) extend(NID_subject_alt_name, alternative);
  X509_sign(x, issuer ? issuer->key.get() : made.key.get(), EVP_sha256());
  return made;
}

/// An https server that answers 200 to everything and notes the server name that the client asked for.
class TlsServer {
 public:
  TlsServer(const Identity& identity, int highest_version = TLS1_3_VERSION)
      : context_(ssl::context::tls_server), acceptor_(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
    SSL_CTX* const raw = context_.native_handle();
    SSL_CTX_set_security_level(raw, 0);
    SSL_CTX_set_max_proto_version(raw, highest_version);
    SSL_CTX_use_certificate(raw, identity.certificate.get());
    SSL_CTX_use_PrivateKey(raw, identity.key.get());
    thread_ = std::thread([this] { run(); });
  }
  ~TlsServer() {
    over_ = true;
    tcp::socket poke(io_);
    boost::system::error_code ignored;
    poke.connect(acceptor_.local_endpoint(), ignored);
    poke.close(ignored);
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string server_name() {
    std::lock_guard lock(mutex_);
    return server_name_;
  }
  std::atomic<int> requests = 0, connections = 0;

 private:
  void run() {
    while (!over_) {
      tcp::socket socket(io_);
      boost::system::error_code error;
      acceptor_.accept(socket, error);
      if (error || over_) return;
      ++connections;
      ssl::stream<tcp::socket> stream(std::move(socket), context_);
      stream.handshake(ssl::stream_base::server, error);
      if (const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name)) {
        std::lock_guard lock(mutex_);
        server_name_ = name;
      }
      while (!error) {
        boost::asio::streambuf buffer;
        boost::asio::read_until(stream, buffer, "\r\n\r\n", error);
        if (error) break;
        ++requests;
        boost::asio::write(stream, boost::asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")),
                           error);
      }
    }
  }
  boost::asio::io_context io_;
  ssl::context context_;
  tcp::acceptor acceptor_;
  std::mutex mutex_;
  std::string server_name_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() : authority_(make_identity("Test CA", "", nullptr)) {
    file_ = std::filesystem::temp_directory_path() /
            ("newswatch-ca-" + std::to_string(getpid()) + "-" +
             testing::UnitTest::GetInstance()->current_test_info()->name() + ".pem");
    std::FILE* out = std::fopen(file_.c_str(), "w");
    PEM_write_X509(out, authority_.certificate.get());
    std::fclose(out);
  }
  ~TlsTest() override { std::filesystem::remove(file_); }

  Reply ask(Client& client, const std::string& host, std::uint16_t port) {
    Request request;
    request.url = std::get<Url>(parse_url("https://" + host + ":" + std::to_string(port) + "/"));
    request.timeout = 10s;
    std::promise<Reply> promise;
    client.send(request, [&](Reply reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }
  Reply ask(const std::string& host, std::uint16_t port, bool own_authority = true) {
    ClientSettings settings;
    if (own_authority) settings.ca_file = file_;
    Client client(io_.context(), settings);
    return ask(client, host, port);
  }
  static std::string fault(const Reply& reply) {
    const auto* failure = std::get_if<Failure>(&reply);
    if (!failure) return "answered";
    EXPECT_EQ(failure->fault, Fault::tls);
    return failure->message;
  }

  IoThread io_;
  Identity authority_;
  std::filesystem::path file_;
};

TEST_F(TlsTest, TakesACertificateOfTheOwnAuthorityForTheHost) {
  TlsServer server(make_identity("x", "DNS:localhost", &authority_));
  const Reply reply = ask("localhost", server.port());
  ASSERT_TRUE(std::holds_alternative<Response>(reply)) << fault(reply);
  EXPECT_EQ(server.server_name(), "localhost");
}

TEST_F(TlsTest, TakesACertificateForAnAddressAndSendsNoServerName) {
  TlsServer server(make_identity("x", "IP:127.0.0.1", &authority_));
  const Reply reply = ask("127.0.0.1", server.port());
  ASSERT_TRUE(std::holds_alternative<Response>(reply)) << fault(reply);
  EXPECT_EQ(server.server_name(), "");
}

TEST_F(TlsTest, RefusesACertificateForAnotherHost) {
  for (const char* other : {"DNS:other.example", "DNS:localhost.example", "DNS:*.localhost", "IP:127.0.0.1"}) {
    TlsServer server(make_identity("localhost.evil", other, &authority_));
    EXPECT_NE(fault(ask("localhost", server.port())).find("not for localhost"), std::string::npos) << other;
    EXPECT_EQ(server.requests, 0);
  }
  TlsServer server(make_identity("127.0.0.1", "DNS:127.0.0.1", &authority_));
  EXPECT_NE(fault(ask("127.0.0.1", server.port())).find("not for 127.0.0.1"), std::string::npos);
}

TEST_F(TlsTest, RefusesACertificateOfAnUnknownAuthority) {
  TlsServer server(make_identity("x", "DNS:localhost", &authority_));
  EXPECT_NE(fault(ask("localhost", server.port(), false)).find("ca_file"), std::string::npos);
  EXPECT_EQ(server.requests, 0);
}

TEST_F(TlsTest, RefusesASelfSignedCertificate) {
  TlsServer server(make_identity("localhost", "DNS:localhost", nullptr));
  EXPECT_NE(fault(ask("localhost", server.port())).find("not trusted"), std::string::npos);
  EXPECT_EQ(server.requests, 0);
}

TEST_F(TlsTest, RefusesAnExpiredCertificate) {
  TlsServer server(make_identity("x", "DNS:localhost", &authority_, -1));
  EXPECT_NE(fault(ask("localhost", server.port())).find("expired"), std::string::npos);
}

TEST_F(TlsTest, RefusesTlsBelow12) {
  TlsServer server(make_identity("x", "DNS:localhost", &authority_), TLS1_1_VERSION);
  EXPECT_NE(fault(ask("localhost", server.port())), "answered");
}

TEST_F(TlsTest, KeepsConnectionsAlive) {
  TlsServer server(make_identity("x", "DNS:localhost", &authority_));
  ClientSettings settings;
  settings.ca_file = file_;
  Client client(io_.context(), settings);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(std::holds_alternative<Response>(ask(client, "localhost", server.port())));
  EXPECT_EQ(server.connections, 1);
  EXPECT_EQ(server.requests, 10);
}

TEST_F(TlsTest, APlainServerIsATlsFault) {
  boost::asio::io_context io;
  tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  std::thread server([&] {
    tcp::socket socket(io);
    acceptor.accept(socket);
    boost::system::error_code ignored;
    boost::asio::write(socket, boost::asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")), ignored);
  });
  EXPECT_NE(fault(ask("localhost", acceptor.local_endpoint().port())), "answered");
  server.join();
}

TEST_F(TlsTest, AMissingAuthorityFileIsAnErrorThatNamesIt) {
  ClientSettings settings;
  settings.ca_file = "/nonexistent/ca.pem";
  try {
    Client client(io_.context(), settings);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/ca.pem"), std::string::npos);
  }
}

/// A proxy that takes CONNECT and passes bytes both ways.
TEST_F(TlsTest, ReachesATlsServerThroughAProxy) {
  TlsServer server(make_identity("x", "DNS:somewhere.invalid", &authority_));
  boost::asio::io_context io;
  tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  std::string head;
  std::thread proxy([&] {
    tcp::socket down(io), up(io);
    acceptor.accept(down);
    boost::asio::streambuf buffer;
    boost::asio::read_until(down, buffer, "\r\n\r\n");
    head.assign(boost::asio::buffers_begin(buffer.data()), boost::asio::buffers_end(buffer.data()));
    up.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), server.port()));
    boost::asio::write(down, boost::asio::buffer(std::string("HTTP/1.1 200 Connection established\r\n\r\n")));
    const auto pass = [](tcp::socket& from, tcp::socket& to) {
      char bytes[4096];
      boost::system::error_code error;
      while (!error) {
        const std::size_t size = from.read_some(boost::asio::buffer(bytes), error);
        if (!error) boost::asio::write(to, boost::asio::buffer(bytes, size), error);
      }
      to.shutdown(tcp::socket::shutdown_both, error);
      from.shutdown(tcp::socket::shutdown_both, error);
    };
    std::thread back([&] { pass(up, down); });
    pass(down, up);
    back.join();
  });
  {
    ClientSettings settings;
    settings.ca_file = file_;
    settings.proxy =
        Proxy{std::get<Url>(parse_url("http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()))),
              config::Secret("Basic canary")};
    Client client(io_.context(), settings);
    const Reply reply = ask(client, "somewhere.invalid", 443);
    EXPECT_TRUE(std::holds_alternative<Response>(reply)) << fault(reply);
  }
  proxy.join();
  EXPECT_TRUE(head.starts_with("CONNECT somewhere.invalid:443 HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("Proxy-Authorization: Basic canary\r\n"), std::string::npos);
  EXPECT_EQ(server.server_name(), "somewhere.invalid");
}

}  // namespace
}  // namespace newswatch::http
