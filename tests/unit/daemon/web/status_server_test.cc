#include "daemon/web/status_server.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <functional>
#include <mutex>
#include <thread>

#include "daemon/observe/metrics.h"

using namespace newswatch;
using boost::asio::ip::tcp;

namespace {

class StatusServer : public testing::Test {
 protected:
  StatusServer() {
    auto listening = web::StatusServer::listen(io_, "127.0.0.1", 0, metrics_, [this] {
      const std::lock_guard lock(mutex_);
      return report_;
    });
    EXPECT_TRUE(listening) << listening.error().message;
    server_ = std::move(*listening);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~StatusServer() override {
    boost::asio::post(io_, [this] { server_.reset(); });
    thread_.join();
  }
  // Everything that comes back until the server closes.
  std::string ask(const std::string& request) {
    boost::asio::io_context io;
    tcp::socket socket(io);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), server_->port()});
    boost::asio::write(socket, boost::asio::buffer(request));
    std::string answer;
    boost::system::error_code error;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }
  std::string get(const std::string& path, const std::string& host = "localhost") {
    return ask("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
  }
  static std::string status(const std::string& answer) { return answer.substr(9, 3); }
  static boost::json::value body(const std::string& answer) {
    return boost::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  void change(const std::function<void(web::Report&)>& how) {
    const std::lock_guard lock(mutex_);
    how(report_);
  }

  std::mutex mutex_;
  web::Report report_{{{"match-0", true, "", ""}}, "", {{"rules", "12"}}};
  observe::Metrics metrics_;
  boost::asio::io_context io_;
  std::unique_ptr<web::StatusServer> server_;
  std::thread thread_;
};

TEST_F(StatusServer, SaysReadyOnlyWhenEveryPartIs) {
  EXPECT_EQ(status(get("/readyz")), "200");
  change([](web::Report& now) { now.parts.push_back({"alert-0", false, "restoring newswatch.matches 40 %", ""}); });
  const std::string answer = get("/readyz");
  EXPECT_EQ(status(answer), "503");
  EXPECT_EQ(body(answer).at("ready").as_bool(), false);
  EXPECT_EQ(body(answer).at("parts").at(1).at("detail").as_string(), "restoring newswatch.matches 40 %");
  EXPECT_EQ(status(get("/healthz")), "200") << "not ready is not unhealthy";
  change([](web::Report& now) { now.parts[1].failure = "fenced by a twin"; });
  EXPECT_EQ(status(get("/healthz")), "503");
}

TEST_F(StatusServer, ServesMetricsAndThePage) {
  metrics_.gauge(observe::Metric::ready).set(1);
  const std::string metrics = get("/metrics");
  EXPECT_NE(metrics.find("Content-Type: text/plain; version=0.0.4"), std::string::npos);
  EXPECT_NE(metrics.find("newswatchd_ready 1"), std::string::npos);
  const std::string page = get("/");
  EXPECT_NE(page.find("match-0"), std::string::npos);
  EXPECT_NE(page.find("X-Content-Type-Options: nosniff"), std::string::npos);
  EXPECT_NE(page.find("Content-Security-Policy: default-src 'none'"), std::string::npos);
  EXPECT_EQ(status(get("/nothing")), "404");
  EXPECT_NE(get("/metrics").find("newswatchd_http_requests_total{path=\"other\",code=\"404\"} 1"), std::string::npos);
}

TEST_F(StatusServer, RefusesForeignHostNames) {
  EXPECT_EQ(status(get("/metrics", "evil.example")), "421");
  EXPECT_EQ(status(get("/metrics", "evil.example:9464")), "421");
  EXPECT_EQ(status(get("/metrics", "127.0.0.1.evil.example")), "421");
  EXPECT_EQ(status(get("/metrics", "127.0.0.1:9464")), "200");
  EXPECT_EQ(status(get("/metrics", "[::1]:9464")), "200");
}

TEST_F(StatusServer, RefusesOtherMethodsLongHeadersAndBodies) {
  EXPECT_EQ(status(ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")), "405");
  EXPECT_EQ(status(ask("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n")), "431");
  EXPECT_EQ(status(ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n")), "413");
  EXPECT_EQ(status(ask("nonsense\r\n\r\n")), "400");
}

TEST_F(StatusServer, AnswersHeadWithoutABody) {
  const std::string answer = ask("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status(answer), "200");
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(StatusServer, KeepsAConnectionOpenBetweenRequests) {
  const std::string twice =
      ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
          "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_NE(twice.find("HTTP/1.1 200", 20), std::string::npos) << twice;
}

TEST_F(StatusServer, EscapesWhatItShows) {
  change([](web::Report& now) { now.waiting_for = "broker \x1b[31m\nkafka-1"; });
  EXPECT_NE(get("/").find("broker \\x1b[31m\\nkafka-1"), std::string::npos);
}

TEST(StatusServerAddress, SaysWhichAddressIsTaken) {
  boost::asio::io_context io;
  observe::Metrics metrics;
  const auto first = web::StatusServer::listen(io, "127.0.0.1", 0, metrics, [] { return web::Report(); });
  ASSERT_TRUE(first);
  const auto second =
      web::StatusServer::listen(io, "127.0.0.1", (*first)->port(), metrics, [] { return web::Report(); });
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("127.0.0.1:" + std::to_string((*first)->port())), std::string::npos);
  EXPECT_FALSE(web::StatusServer::listen(io, "not an address", 1, metrics, [] { return web::Report(); }));
}

}  // namespace
