#pragma once
// Kind `stdout`: one line an alert, for pipes and for trying things out.

#include <memory>
#include <string>

#include "config/loader/destination.h"
#include "daemon/deliver/destination.h"

namespace newswatch::deliver {

class StdoutSettings : public DestinationSettings {
 public:
  enum class Format : std::uint8_t {
    json,  ///< the alert as it stands in P.alerts
    text,  ///< for a person
  };
  StdoutSettings() { pace.concurrency = 64; }  // lines that wait for the pipe's reader
  Format format = Format::json;
  int descriptor = 1;

  std::string fingerprint() const override;
  /// Lines are written by a thread of the sender's own, so a pipe that nobody reads stops this destination and nothing
  /// else.
  std::unique_ptr<Sender> open(boost::asio::io_context& io) const override;
};

/// One line with its end; nothing of the article can start another one or speak to the terminal.
std::string stdout_line(const Letter& letter, StdoutSettings::Format format);

std::unique_ptr<DestinationSettings> read_stdout(const config::Destination& destination,
                                                 yaml::Diagnostics& diagnostics);

}  // namespace newswatch::deliver
