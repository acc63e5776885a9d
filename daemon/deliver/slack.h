#pragma once
// Kind `slack`: an incoming webhook of Slack (or Mattermost, which takes the same).

#include <memory>
#include <string>
#include <string_view>

#include "config/loader/destination.h"
#include "daemon/deliver/destination.h"
#include "daemon/deliver/http_settings.h"

namespace newswatch::deliver {

class SlackSettings : public DestinationSettings {
 public:
  /// Slack takes one message a second and channel, more only in short bursts.
  SlackSettings() {
    pace.concurrency = 1;
    pace.per_second = 1;
  }
  HttpSettings http;
  std::string fingerprint() const override;
  std::unique_ptr<Sender> open(boost::asio::io_context& io) const override;
};

/// The body of the message: JSON with `text` (for notifications) and `blocks`. All text of the article is escaped, so
/// it mentions nobody and links nowhere; the article's own link appears only as http or https.
std::string slack_message(const flow::Alert& alert);

/// Escapes & < > as Slack asks, and nothing else; cut so that the result has at most `limit` characters as Slack counts
/// them (UTF-16 units), never within an escape. Line breaks and other control characters become spaces.
std::string escape_slack(std::string_view text, std::size_t limit);

std::unique_ptr<DestinationSettings> read_slack(const config::Destination& destination, yaml::Diagnostics& diagnostics);

}  // namespace newswatch::deliver
