#include "daemon/http/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "tests/support/http_receiver.h"

namespace newswatch::http {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using test::HttpReceiver;
using test::Reaction;
using test::ReceivedRequest;

Url url_of(const std::string& text) { return std::get<Url>(parse_url(text)); }

Request request_to(const std::string& url, std::chrono::milliseconds timeout = 5s) {
  Request request;
  request.url = url_of(url);
  request.timeout = timeout;
  request.body = std::make_shared<const std::string>("{}");
  return request;
}

Reply ask(Client& client, Request request) {
  std::promise<Reply> promise;
  auto future = promise.get_future();
  client.send(std::move(request), [&](Reply reply) { promise.set_value(std::move(reply)); });
  if (future.wait_for(30s) != std::future_status::ready) {
    ADD_FAILURE() << "no completion";
    std::abort();  // the promise dies with this frame
  }
  return future.get();
}

std::string describe(const Reply& reply) {
  if (const auto* failure = std::get_if<Failure>(&reply))
    return "failure " + std::to_string(static_cast<int>(failure->fault)) + ": " + failure->message;
  return "status " + std::to_string(std::get<Response>(reply).status);
}

#define EXPECT_FAULT(reply, expected)                        \
  do {                                                       \
    const Reply got = (reply);                               \
    const auto* failure = std::get_if<Failure>(&got);        \
    ASSERT_TRUE(failure) << describe(got);                   \
    EXPECT_EQ(failure->fault, expected) << failure->message; \
  } while (false)

#define EXPECT_STATUS(reply, expected)                  \
  do {                                                  \
    const Reply got = (reply);                          \
    const auto* response = std::get_if<Response>(&got); \
    ASSERT_TRUE(response) << describe(got);             \
    EXPECT_EQ(response->status, expected);              \
  } while (false)

/// A server that treats each connection as a script says, the n-th by the n-th script (the last for all others).
class Scripted {
 public:
  using Script = std::function<void(tcp::socket&)>;
  explicit Scripted(std::vector<Script> scripts)
      : acceptor_(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)), scripts_(std::move(scripts)) {
    thread_ = std::thread([this] {
      for (std::size_t n = 0;; ++n) {
        tcp::socket socket(io_);
        boost::system::error_code error;
        acceptor_.accept(socket, error);
        if (error || over_) return;
        ++connections;
        // Each on a thread of its own: a script may hang until the client goes away.
        sessions_.emplace_back(
            [script = scripts_[std::min(n, scripts_.size() - 1)], one = std::move(socket)]() mutable {
              try {
                script(one);
              } catch (const std::exception&) {  // the client went away
              }
            });
      }
    });
  }
  ~Scripted() {
    over_ = true;
    tcp::socket poke(io_);
    boost::system::error_code ignored;
    poke.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
    for (auto& session : sessions_) session.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/hook"; }
  std::atomic<int> connections = 0;

 private:
  boost::asio::io_context io_;
  tcp::acceptor acceptor_;
  std::vector<Script> scripts_;
  std::vector<std::thread> sessions_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

/// Reads one request with the body "{}".
void read_request(tcp::socket& socket) {
  boost::asio::streambuf buffer;
  boost::asio::read_until(socket, buffer, "\r\n\r\n{}");
}
void say(tcp::socket& socket, const std::string& text) { boost::asio::write(socket, boost::asio::buffer(text)); }
void until_closed(tcp::socket& socket) {
  char bytes[4096];
  boost::system::error_code error;
  while (!error) socket.read_some(boost::asio::buffer(bytes), error);
}
void reset(tcp::socket& socket) {
  socket.set_option(boost::asio::socket_base::linger(true, 0));
  socket.close();
}

class ClientTest : public testing::Test {
 protected:
  IoThread io;
};

TEST_F(ClientTest, PostsTheRequestAsGivenAndReadsTheAnswer) {
  std::promise<ReceivedRequest> seen;
  HttpReceiver receiver([&](const ReceivedRequest& request) {
    seen.set_value(request);
    return Reaction{202, {{"X-Note", "hello"}}, "thanks"};
  });
  Client client(io.context(), {});
  Request request = request_to(receiver.url("/hook?a=1"));
  request.headers = {{"Content-Type", "application/json"}, {"webhook-id", "nw-1"}};
  const Reply reply = ask(client, request);
  ASSERT_TRUE(std::holds_alternative<Response>(reply)) << describe(reply);
  const auto& response = std::get<Response>(reply);
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.header("x-note"), "hello");
  EXPECT_EQ(response.body, "thanks");
  EXPECT_TRUE(response.complete);
  const ReceivedRequest got = seen.get_future().get();
  EXPECT_EQ(got.method, "POST");
  EXPECT_EQ(got.target, "/hook?a=1");
  EXPECT_EQ(got.body, "{}");
  EXPECT_EQ(got.header("host"), "127.0.0.1:" + std::to_string(receiver.port()));
  EXPECT_EQ(got.header("webhook-id"), "nw-1");
  EXPECT_TRUE(got.header("user-agent").starts_with("newswatchd/"));
}

TEST_F(ClientTest, KeepsConnectionsAlive) {
  HttpReceiver receiver;
  Client client(io.context(), {});
  for (int i = 0; i < 20; ++i) EXPECT_STATUS(ask(client, request_to(receiver.url())), 200);
  EXPECT_EQ(receiver.connections(), 1u);
}

TEST_F(ClientTest, OpensNoMoreConnectionsThanAllowed) {
  HttpReceiver receiver([](const ReceivedRequest&) { return Reaction{.delay = 200ms}; });
  ClientSettings settings;
  settings.max_connections = 3;
  Client client(io.context(), settings);
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 8; ++i) {
    auto promise = std::make_shared<std::promise<Reply>>();
    replies.push_back(promise->get_future());
    client.send(request_to(receiver.url()), [promise](Reply reply) { promise->set_value(std::move(reply)); });
  }
  int ok = 0, overload = 0;
  for (auto& one : replies) {
    const Reply reply = one.get();
    if (const auto* failure = std::get_if<Failure>(&reply))
      overload += failure->fault == Fault::overload ? 1 : 0;
    else
      ++ok;
  }
  EXPECT_EQ(ok, 3);
  EXPECT_EQ(overload, 5);
  EXPECT_LE(receiver.connections(), 3u);
}

TEST_F(ClientTest, FollowsNoRedirect) {
  std::atomic<int> requests = 0;
  HttpReceiver receiver([&](const ReceivedRequest&) {
    ++requests;
    return Reaction{307, {{"Location", "/elsewhere"}}};
  });
  Client client(io.context(), {});
  EXPECT_STATUS(ask(client, request_to(receiver.url())), 307);
  EXPECT_EQ(requests, 1);
}

// --- faults
// -----------------------------------------------------------------------------------------------------------

TEST_F(ClientTest, ARefusedConnectionFailsAtOnce) {
  std::uint16_t port = 0;
  {
    HttpReceiver gone;
    port = gone.port();
  }
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to("http://127.0.0.1:" + std::to_string(port) + "/")), Fault::connect);
}

TEST_F(ClientTest, AnUnknownNameFails) {
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to("http://no-such-host.invalid/", 20s)), Fault::resolve);
}

TEST_F(ClientTest, AResetIsAFailure) {
  Scripted server({[](tcp::socket& socket) {
    read_request(socket);
    reset(socket);
  }});
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to(server.url())), Fault::closed);
  EXPECT_EQ(server.connections, 1) << "a fresh connection is not tried twice";
}

TEST_F(ClientTest, ACloseBeforeTheStatusIsAFailure) {
  Scripted server({[](tcp::socket& socket) { read_request(socket); }});
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to(server.url())), Fault::closed);
}

TEST_F(ClientTest, ACloseWithinTheHeadIsAFailure) {
  Scripted server({[](tcp::socket& socket) {
    read_request(socket);
    say(socket, "HTTP/1.1 200 OK\r\nContent-Le");
  }});
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to(server.url())), Fault::closed);
}

TEST_F(ClientTest, ACloseAfterTheStatusIsAnAnswer) {
  Scripted server({[](tcp::socket& socket) {
    read_request(socket);
    say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
  }});
  Client client(io.context(), {});
  const Reply reply = ask(client, request_to(server.url()));
  ASSERT_TRUE(std::holds_alternative<Response>(reply)) << describe(reply);
  EXPECT_EQ(std::get<Response>(reply).status, 200);
  EXPECT_FALSE(std::get<Response>(reply).complete);
  EXPECT_EQ(std::get<Response>(reply).body, "part");
}

TEST_F(ClientTest, AHangEndsAtTheDeadline) {
  Scripted server({[](tcp::socket& socket) { until_closed(socket); }});
  Client client(io.context(), {});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FAULT(ask(client, request_to(server.url(), 300ms)), Fault::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
}

TEST_F(ClientTest, ASlowDripEndsAtTheDeadline) {
  std::atomic<bool> stop = false;
  Scripted server({[&](tcp::socket& socket) {
    read_request(socket);
    const std::string answer = "HTTP/1.1 200 OK\r\nX-Long: " + std::string(10'000, 'x');
    for (const char c : answer) {
      if (stop) return;
      say(socket, std::string(1, c));
      std::this_thread::sleep_for(20ms);  // the fault itself, not a synchronisation
    }
  }});
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to(server.url(), 400ms)), Fault::timeout);
  stop = true;
}

TEST_F(ClientTest, AStatusBeforeTheDeadlineCountsThoughItsBodyHangs) {
  Scripted server({[](tcp::socket& socket) {
    read_request(socket);
    say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    until_closed(socket);
  }});
  Client client(io.context(), {});
  EXPECT_STATUS(ask(client, request_to(server.url(), 300ms)), 200);
}

TEST_F(ClientTest, AStatusAfterTheDeadlineIsTooLate) {
  HttpReceiver receiver([](const ReceivedRequest&) { return Reaction{.delay = 600ms}; });
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to(receiver.url(), 200ms)), Fault::timeout);
}

TEST_F(ClientTest, GarbageIsMalformed) {
  for (const std::string& garbage :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"), std::string("HTTP/1.1 abc OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), std::string("HTTP/1.1 101 Go\r\n\r\n"),
        std::string("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\nA\x01: b\r\n\r\n"),
        std::string(300, '\0')}) {
    Scripted server({[&](tcp::socket& socket) {
      read_request(socket);
      say(socket, garbage);
      until_closed(socket);
    }});
    Client client(io.context(), {});
    EXPECT_FAULT(ask(client, request_to(server.url(), 2s)), Fault::malformed);
  }
}

TEST_F(ClientTest, EndlessHeadersAreCutOff) {
  Scripted server({[](tcp::socket& socket) {
    read_request(socket);
    say(socket, "HTTP/1.1 200 OK\r\n");
    for (;;) say(socket, "X-Header: again and again and again\r\n");
  }});
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to(server.url())), Fault::malformed);
}

TEST_F(ClientTest, EndlessInterimAnswersAreCutOff) {
  Scripted server({[](tcp::socket& socket) {
    read_request(socket);
    for (;;) say(socket, "HTTP/1.1 100 Continue\r\n\r\n");
  }});
  Client client(io.context(), {});
  EXPECT_FAULT(ask(client, request_to(server.url())), Fault::malformed);
}

TEST_F(ClientTest, ReadsPastInterimAnswers) {
  Scripted server({[](tcp::socket& socket) {
    read_request(socket);
    say(socket,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    until_closed(socket);
  }});
  Client client(io.context(), {});
  EXPECT_STATUS(ask(client, request_to(server.url())), 204);
}

TEST_F(ClientTest, AnEndlessBodyIsCutAndItsStatusCounts) {
  for (const bool chunked : {false, true}) {
    Scripted server({[&](tcp::socket& socket) {
      read_request(socket);
      say(socket, chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n");
      for (;;) say(socket, chunked ? "400\r\n" + std::string(1024, 'x') + "\r\n" : std::string(1024, 'x'));
    }});
    ClientSettings settings;
    Client client(io.context(), settings);
    const Reply reply = ask(client, request_to(server.url()));
    ASSERT_TRUE(std::holds_alternative<Response>(reply)) << describe(reply);
    EXPECT_EQ(std::get<Response>(reply).status, 200);
    EXPECT_EQ(std::get<Response>(reply).body.size(), settings.max_response_body);
    EXPECT_FALSE(std::get<Response>(reply).complete);
  }
}

TEST_F(ClientTest, AnEarlyRefusalOfALargeBodyIsHeard) {
  Scripted server({[](tcp::socket& socket) {
    boost::asio::streambuf buffer;
    boost::asio::read_until(socket, buffer, "\r\n\r\n");
    say(socket, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    socket.shutdown(tcp::socket::shutdown_send);
    until_closed(socket);
  }});
  Client client(io.context(), {});
  Request request = request_to(server.url());
  request.body = std::make_shared<const std::string>(900'000, 'x');
  EXPECT_STATUS(ask(client, request), 413);
}

// --- kept connections
// -------------------------------------------------------------------------------------------------

const std::string ok_answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

TEST_F(ClientTest, AStaleConnectionIsReplacedOnceWithoutANotice) {
  std::promise<void> served;
  Scripted server({[&](tcp::socket& socket) {
                     read_request(socket);
                     say(socket, ok_answer);
                     // Reads the next request and closes without a byte: what a server does that gave up the connection
                     // at the very moment it was used again.
                     read_request(socket);
                   },
                   [](tcp::socket& socket) {
                     read_request(socket);
                     say(socket, ok_answer);
                     until_closed(socket);
                   }});
  Client client(io.context(), {});
  EXPECT_STATUS(ask(client, request_to(server.url())), 200);
  EXPECT_STATUS(ask(client, request_to(server.url())), 200);
  EXPECT_EQ(server.connections, 2);
}

TEST_F(ClientTest, AStaleConnectionThatHadAnsweredAByteIsNotTriedAgain) {
  Scripted server({[](tcp::socket& socket) {
    read_request(socket);
    say(socket, ok_answer);
    read_request(socket);
    say(socket, "H");
  }});
  Client client(io.context(), {});
  EXPECT_STATUS(ask(client, request_to(server.url())), 200);
  EXPECT_FAULT(ask(client, request_to(server.url())), Fault::closed);
  EXPECT_EQ(server.connections, 1);
}

TEST_F(ClientTest, TheSecondTryIsTheLast) {
  Scripted server({[](tcp::socket& socket) {
                     read_request(socket);
                     say(socket, ok_answer);
                     read_request(socket);
                   },
                   [](tcp::socket& socket) { read_request(socket); }});
  Client client(io.context(), {});
  EXPECT_STATUS(ask(client, request_to(server.url())), 200);
  EXPECT_FAULT(ask(client, request_to(server.url())), Fault::closed);
  EXPECT_EQ(server.connections, 2);
}

TEST_F(ClientTest, AConnectionIsNotKeptWhenTheServerSaysSoOrSendsTooMuch) {
  for (const std::string& answer :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        std::string("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), ok_answer + "HTTP/1.1 200 OK\r\n"}) {
    Scripted server({[&](tcp::socket& socket) {
      read_request(socket);
      say(socket, answer);
      until_closed(socket);
    }});
    Client client(io.context(), {});
    EXPECT_STATUS(ask(client, request_to(server.url())), 200);
    EXPECT_STATUS(ask(client, request_to(server.url())), 200);
    EXPECT_EQ(server.connections, 2) << answer;
  }
}

TEST_F(ClientTest, AnIdleConnectionIsClosedInTime) {
  std::promise<void> closed;
  Scripted server({[&](tcp::socket& socket) {
    read_request(socket);
    say(socket, ok_answer);
    until_closed(socket);
    closed.set_value();
  }});
  ClientSettings settings;
  settings.max_idle = 1s;
  Client client(io.context(), settings);
  EXPECT_STATUS(ask(client, request_to(server.url())), 200);
  EXPECT_EQ(closed.get_future().wait_for(10s), std::future_status::ready);
}

// --- what must not be sent
// --------------------------------------------------------------------------------------------

TEST_F(ClientTest, NothingWithALineBreakIsEverSent) {
  HttpReceiver receiver;
  Client client(io.context(), {});
  Request request = request_to(receiver.url());
  request.headers = {{"X-Title", "a\r\nX-Evil: 1"}};
  EXPECT_FAULT(ask(client, request), Fault::refused_request);
  request = request_to(receiver.url());
  request.headers = {{"X\r\nY", "a"}};
  EXPECT_FAULT(ask(client, request), Fault::refused_request);
  request = request_to(receiver.url());
  request.url.target = "/a HTTP/1.1\r\nX-Evil: 1\r\n";
  EXPECT_FAULT(ask(client, request), Fault::refused_request);
  request = request_to(receiver.url());
  request.method = "POST / HTTP/1.1\r\n";
  EXPECT_FAULT(ask(client, request), Fault::refused_request);
  request = request_to(receiver.url());
  request.headers = {{"Content-Length", "3"}};
  EXPECT_FAULT(ask(client, request), Fault::refused_request);
  EXPECT_EQ(receiver.connections(), 0u);
}

TEST_F(ClientTest, ErrorsNameTheOriginAndNoSecret) {
  Scripted server({[](tcp::socket& socket) { read_request(socket); }});
  Client client(io.context(), {});
  Request request = request_to(server.url() + "/canary?token=canary");
  request.headers = {{"Authorization", "Bearer canary"}};
  const Reply reply = ask(client, request);
  const auto& failure = std::get<Failure>(reply);
  EXPECT_EQ(failure.message.find("canary"), std::string::npos) << failure.message;
  EXPECT_NE(failure.message.find("http://127.0.0.1:"), std::string::npos) << failure.message;
}

// --- ending
// -----------------------------------------------------------------------------------------------------------

TEST_F(ClientTest, CancelAllEndsWhatIsInFlight) {
  HttpReceiver receiver([](const ReceivedRequest&) { return Reaction{.hang = true}; });
  Client client(io.context(), {});
  std::promise<Reply> promise;
  client.send(request_to(receiver.url(), 20s), [&](Reply reply) { promise.set_value(std::move(reply)); });
  client.cancel_all();
  EXPECT_FAULT(promise.get_future().get(), Fault::cancelled);
}

TEST_F(ClientTest, DestroyingAClientDropsItsCompletions) {
  HttpReceiver receiver([](const ReceivedRequest&) { return Reaction{.delay = 100ms}; });
  std::atomic<int> completed = 0;
  for (int i = 0; i < 20; ++i) {
    auto client = std::make_unique<Client>(io.context(), ClientSettings{});
    client->send(request_to(receiver.url()), [&](const Reply&) { ++completed; });
    client.reset();
  }
  Client last(io.context(), {});
  EXPECT_STATUS(ask(last, request_to(receiver.url())), 200);
  EXPECT_EQ(completed, 0);
}

// --- proxy
// ------------------------------------------------------------------------------------------------------------

TEST_F(ClientTest, SendsPlainRequestsThroughAProxyInAbsoluteForm) {
  std::promise<ReceivedRequest> seen;
  HttpReceiver proxy([&](const ReceivedRequest& request) {
    seen.set_value(request);
    return Reaction{};
  });
  ClientSettings settings;
  settings.proxy = Proxy{url_of(proxy.url("/")), config::Secret("Basic canary")};
  Client client(io.context(), settings);
  EXPECT_STATUS(ask(client, request_to("http://somewhere.invalid/hook")), 200);
  const auto got = seen.get_future().get();
  EXPECT_EQ(got.target, "http://somewhere.invalid/hook");
  EXPECT_EQ(got.header("host"), "somewhere.invalid");
  EXPECT_EQ(got.header("proxy-authorization"), "Basic canary");
}

TEST_F(ClientTest, AProxyThatRefusesIsNamedAsTheCulprit) {
  for (const std::string& answer :
       {std::string("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"), std::string("garbage\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\n\r\nearly bytes"), std::string()}) {
    Scripted proxy({[&](tcp::socket& socket) {
      boost::asio::streambuf buffer;
      boost::asio::read_until(socket, buffer, "\r\n\r\n");
      say(socket, answer);
    }});
    ClientSettings settings;
    settings.proxy = Proxy{url_of(proxy.url().substr(0, proxy.url().rfind('/'))), {}};
    Client client(io.context(), settings);
    const Reply reply = ask(client, request_to("https://somewhere.invalid/hook"));
    EXPECT_FAULT(reply, Fault::proxy);
    EXPECT_NE(std::get<Failure>(reply).message.find("proxy http://127.0.0.1"), std::string::npos);
  }
}

}  // namespace
}  // namespace newswatch::http
