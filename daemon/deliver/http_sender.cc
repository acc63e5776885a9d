#include "daemon/deliver/http_sender.h"

#include "daemon/deliver/verdict.h"

namespace newswatch::deliver {
namespace {

class HttpSender : public Sender {
 public:
  HttpSender(boost::asio::io_context& io, http::ClientSettings settings,
             std::function<http::Request(const Letter&, Time)> make)
      : client_(io, std::move(settings)), make_(std::move(make)) {}

  void send(std::shared_ptr<const Letter> letter, Time now, std::function<void(Outcome)> done) override {
    client_.send(make_(*letter, now), [done = std::move(done)](const http::Reply& reply) {
      done(judge(reply, std::chrono::floor<milliseconds>(std::chrono::system_clock::now())));
    });
  }

 private:
  http::Client client_;
  const std::function<http::Request(const Letter&, Time)> make_;
};

}  // namespace

std::unique_ptr<Sender> open_http_sender(boost::asio::io_context& io, http::ClientSettings settings,
                                         std::function<http::Request(const Letter&, Time)> make) {
  return std::make_unique<HttpSender>(io, std::move(settings), std::move(make));
}

}  // namespace newswatch::deliver
