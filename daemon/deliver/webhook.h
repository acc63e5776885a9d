#pragma once
// Kind `webhook`: an HTTP POST an alert, as a CloudEvent, signed by Standard Webhooks when there is a secret.

#include <memory>
#include <string>
#include <vector>

#include "config/loader/destination.h"
#include "daemon/deliver/destination.h"
#include "daemon/deliver/http_settings.h"
#include "daemon/http/client.h"

namespace newswatch::deliver {

class WebhookSettings : public DestinationSettings {
 public:
  enum class Mode : std::uint8_t {
    structured,  ///< the body is the whole event (application/cloudevents+json)
    binary,      ///< the body is the alert, the event's attributes are ce-… headers
  };
  HttpSettings http;
  Mode mode = Mode::structured;
  std::vector<http::Header> headers;    ///< values may be secret
  std::vector<config::Secret> secrets;  ///< decoded keys; the current one, then the one before it, while it is given

  std::string fingerprint() const override;
  std::unique_ptr<Sender> open(boost::asio::io_context& io) const override;

  /// The request of one try: all that a receiver sees but the connection. webhook-id and idempotency-key are the
  /// alert's id on every try and after every restart; timestamp and signature are of this try.
  http::Request request(const Letter& letter, Time now) const;
};

std::unique_ptr<DestinationSettings> read_webhook(const config::Destination& destination,
                                                  yaml::Diagnostics& diagnostics);

}  // namespace newswatch::deliver
