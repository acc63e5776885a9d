#pragma once
// Name look-ups of one client. Internal to http/.
//
// Asio runs every getaddrinfo of a context on one hidden thread and cannot cancel one that has begun, so one dead name
// server would hold up the look-ups of all destinations. Here each client looks up on a thread of its own, which exists
// only while it looks.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

namespace newswatch::http {

class Resolver {
 public:
  using Addresses = std::vector<boost::asio::ip::address>;
  /// Addresses, or why there are none (then the list is empty).
  using Done = std::function<void(const Addresses&, const std::string& why_not)>;

  explicit Resolver(boost::asio::io_context& io);
  ~Resolver();  ///< never waits: a look-up under way ends in nothing
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// On the io thread, as are the answers; at once (inside the call) when the answer is known. Look-ups of one name
  /// share one thread and one answer, which is kept for 30 s.
  void resolve(const std::string& host, Done done);
  /// The answer did not lead to a connection: ask anew the next time.
  void forget(const std::string& host);

 private:
  struct Mailbox;
  struct Known {
    Addresses addresses;
    std::chrono::steady_clock::time_point until;
  };
  void answered(const std::string& host, const Addresses& addresses, const std::string& why_not);

  std::shared_ptr<Mailbox> mailbox_;
  std::map<std::string, Known> known_;                // as many as a client has hosts: its endpoint and a proxy
  std::map<std::string, std::vector<Done>> waiting_;  // as many as requests in flight
};

}  // namespace newswatch::http
