#include "daemon/http/resolver_internal.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

namespace newswatch::http {

/// What a look-up thread may touch after the resolver is gone.
struct Resolver::Mailbox {
  std::mutex mutex;
  boost::asio::io_context* io = nullptr;  // null once the resolver is gone
  Resolver* resolver = nullptr;           // read on the io thread only
};

namespace {

constexpr std::chrono::seconds keep{30};

Resolver::Addresses look_up(const std::string& host, std::string& why_not) {
  Resolver::Addresses addresses;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int rc = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (rc == EAI_NONAME || rc == EAI_ADDRFAMILY || rc == EAI_NODATA) {
    // AI_ADDRCONFIG hides loopback-only names on a host that has no other address.
    hints.ai_flags = 0;
    rc = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  }
  if (rc != 0) {
    why_not = gai_strerror(rc);
    return addresses;
  }
  for (const addrinfo* one = list; one; one = one->ai_next) {
    if (one->ai_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, one->ai_addr, sizeof in);
      addresses.emplace_back(boost::asio::ip::address_v4(ntohl(in.sin_addr.s_addr)));
    } else if (one->ai_family == AF_INET6) {
      sockaddr_in6 in{};
      std::memcpy(&in, one->ai_addr, sizeof in);
      boost::asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
      addresses.emplace_back(boost::asio::ip::address_v6(bytes, in.sin6_scope_id));
    }
  }
  freeaddrinfo(list);
  if (addresses.size() > 16) addresses.resize(16);
  if (addresses.empty()) why_not = "the name has no address";
  return addresses;
}

}  // namespace

Resolver::Resolver(boost::asio::io_context& io) : mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->io = &io;
  mailbox_->resolver = this;
}

Resolver::~Resolver() {
  std::lock_guard lock(mailbox_->mutex);
  mailbox_->io = nullptr;
  mailbox_->resolver = nullptr;
}

void Resolver::resolve(const std::string& host, Done done) {
  boost::system::error_code no_literal;
  if (const auto address = boost::asio::ip::make_address(host, no_literal); !no_literal) return done({address}, {});
  if (const auto known = known_.find(host); known != known_.end()) {
    if (std::chrono::steady_clock::now() < known->second.until) {
      const Addresses addresses = known->second.addresses;  // `done` may forget the host
      return done(addresses, {});
    }
    known_.erase(known);
  }
  auto& waiting = waiting_[host];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  try {
    std::thread([mailbox = mailbox_, host]() noexcept {
      std::string why_not;
      Addresses addresses = look_up(host, why_not);
      std::lock_guard lock(mailbox->mutex);
      if (!mailbox->io) return;
      boost::asio::post(*mailbox->io, [mailbox, host, addresses = std::move(addresses), why_not = std::move(why_not)] {
        if (mailbox->resolver) mailbox->resolver->answered(host, addresses, why_not);
      });
    }).detach();
  } catch (const std::system_error& error) {
    answered(host, {}, std::string("no thread for the look-up: ") + error.what());
  }
}

void Resolver::answered(const std::string& host, const Addresses& addresses, const std::string& why_not) {
  if (!addresses.empty()) known_[host] = {addresses, std::chrono::steady_clock::now() + keep};
  auto waiting = waiting_.extract(host);
  if (waiting.empty()) return;
  for (Done& done : waiting.mapped()) done(addresses, why_not);
}

void Resolver::forget(const std::string& host) { known_.erase(host); }

}  // namespace newswatch::http
