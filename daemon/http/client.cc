#include "daemon/http/client.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <list>
#include <thread>
#include <unordered_map>

#include "daemon/http/connection_internal.h"
#include "daemon/http/exchange_internal.h"
#include "daemon/http/resolver_internal.h"
#include "daemon/http/tls_internal.h"

namespace newswatch::http {

struct IoThread::Impl {
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread{[this]() noexcept { io.run(); }};
};

IoThread::IoThread() : impl_(std::make_unique<Impl>()) {}
IoThread::~IoThread() {
  impl_->io.stop();
  impl_->thread.join();
}
boost::asio::io_context& IoThread::context() { return impl_->io; }

std::string_view Response::header(std::string_view name) const {
  for (const Header& one : headers)
    if (same_name(one.name, name)) return one.value;
  return {};
}

/// The pool, and the exchanges under way. io thread only, save where said.
struct Client::Impl : Pool, std::enable_shared_from_this<Client::Impl> {
  Impl(boost::asio::io_context& context, ClientSettings given)
      : io(context),
        settings_(std::move(given)),
        tls(tls_context(settings_.ca_file)),
        resolver(std::make_shared<Resolver>(context)),
        sweep(context) {}

  std::shared_ptr<Connection> take(const Url& url) override {
    auto& kept = idle[url.origin()];
    while (!kept.empty()) {
      // The one used last: under little load the others grow old and are closed.
      std::shared_ptr<Connection> connection = std::move(kept.back());
      kept.pop_back();
      --idle_count;
      if (connection->quiet()) {
        ++busy;
        return connection;
      }
      connection->close();
    }
    return nullptr;
  }

  std::shared_ptr<Connection> fresh() override {
    if (busy >= settings_.max_connections) return nullptr;
    if (busy + idle_count >= settings_.max_connections) drop_oldest_idle();
    ++busy;
    return std::make_shared<Connection>(io, resolver);
  }

  void open(Connection& connection, const Url& url, Connection::Deadline deadline, Connection::Opened opened) override {
    connection.open(url, settings_.proxy, tls, deadline, std::move(opened));
  }

  void give_back(const Url& url, std::shared_ptr<Connection> connection, bool keep) override {
    --busy;
    if (!keep || gone) return connection->close();
    connection->idle_until = std::chrono::steady_clock::now() + settings_.max_idle;
    idle[url.origin()].push_back(std::move(connection));
    if (++idle_count == 1) sweep_later();
  }

  const ClientSettings& settings() const override { return settings_; }

  void drop_oldest_idle() {
    std::list<std::shared_ptr<Connection>>* oldest = nullptr;
    for (auto& [origin, kept] : idle)
      if (!kept.empty() && (!oldest || kept.front()->idle_until < oldest->front()->idle_until)) oldest = &kept;
    if (!oldest) return;
    oldest->front()->close();
    oldest->pop_front();
    --idle_count;
  }

  void sweep_later() {
    sweep.expires_after(std::chrono::seconds(1));
    sweep.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->gone) return;
      const auto now = std::chrono::steady_clock::now();
      for (auto& [origin, kept] : self->idle)
        while (!kept.empty() && kept.front()->idle_until <= now) {
          kept.front()->close();
          kept.pop_front();
          --self->idle_count;
        }
      std::erase_if(self->idle, [](const auto& entry) { return entry.second.empty(); });
      if (self->idle_count != 0) self->sweep_later();
    });
  }

  void begin(Request request, Completion done) {
    if (gone) return;
    const auto exchange = std::make_shared<Exchange>(io, weak_from_this(), std::move(request), std::move(done),
                                                     [weak = weak_from_this()](Exchange* over) {
                                                       if (const auto self = weak.lock()) self->exchanges.erase(over);
                                                     });
    exchanges.emplace(exchange.get(), exchange);
    exchange->start();
  }

  void cancel() {
    std::vector<std::shared_ptr<Exchange>> all;
    for (auto& [key, exchange] : exchanges) all.push_back(exchange);
    for (auto& exchange : all) exchange->cancel();
  }

  void shut_down() {
    for (auto& [key, exchange] : exchanges) exchange->abandon();
    exchanges.clear();
    for (auto& [origin, kept] : idle)
      for (auto& connection : kept) connection->close();
    idle.clear();
    sweep.cancel();
  }

  boost::asio::io_context& io;
  const ClientSettings settings_;
  const std::shared_ptr<boost::asio::ssl::context> tls;
  std::shared_ptr<Resolver> resolver;
  boost::asio::steady_timer sweep;
  std::unordered_map<Exchange*, std::shared_ptr<Exchange>>
      exchanges;  // at most max_connections, and those being refused
  std::unordered_map<std::string, std::list<std::shared_ptr<Connection>>> idle;  // by origin; the oldest first
  std::size_t busy = 0, idle_count = 0;
  std::atomic<bool> gone = false;  // any thread
};

Client::Client(boost::asio::io_context& io, ClientSettings settings)
    : impl_(std::make_shared<Impl>(io, std::move(settings))) {}

Client::~Client() {
  impl_->gone = true;
  boost::asio::post(impl_->io, [impl = impl_] { impl->shut_down(); });
}

void Client::send(Request request, Completion done) {
  std::string fault = target_fault(request.url.target);
  for (const Header& header : request.headers)
    if (fault.empty()) fault = header_fault(header.name, header.value);
  const bool plain = !request.method.empty() && std::all_of(request.method.begin(), request.method.end(),
                                                            [](char c) { return c >= 'A' && c <= 'Z'; });
  if (fault.empty() && !plain) fault = "the method of the request is no HTTP method";
  if (!fault.empty()) {
    boost::asio::post(impl_->io, [impl = impl_, done = std::move(done), message = request.url.origin() + ": " + fault] {
      if (!impl->gone) done(Failure{Fault::refused_request, message});
    });
    return;
  }
  boost::asio::post(impl_->io, [impl = impl_, request = std::move(request), done = std::move(done)]() mutable {
    impl->begin(std::move(request), std::move(done));
  });
}

void Client::cancel_all() {
  boost::asio::post(impl_->io, [impl = impl_] { impl->cancel(); });
}

}  // namespace newswatch::http
