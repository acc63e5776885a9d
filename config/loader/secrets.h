#pragma once
// `${file:PATH}` and `${env:NAME}` in string values of the configuration.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/loader/secret.h"
#include "config/yaml/document.h"

namespace newswatch::config {

/// What the configuration is loaded for. `check` looks no secret up, so it runs where they are not.
enum class Purpose : std::uint8_t { run, check };

/// Replaces `${file:PATH}` by the content of a file (without its last line end; at most 64 KiB) and `${env:NAME}` by an
/// environment variable, after YAML was parsed, so that nothing in a secret is ever taken for syntax. A relative path is
/// looked up in $CREDENTIALS_DIRECTORY, then beside the configuration file. `$${` stands for `${`. What is undefined is
/// the error `undefined-secret`; no message holds a replaced text. Any thread.
class Secrets {
 public:
  Secrets(Purpose purpose, std::string directory) : purpose_(purpose), directory_(std::move(directory)) {}

  /// The scalar's text, replaced. Secret::unknown() for a text with a placeholder when only checking.
  std::optional<Secret> read(const yaml::Node& node, std::string_view what, yaml::Diagnostics& diagnostics) const;
  /// The same of a key; absent is nothing, and an error when needed.
  std::optional<Secret> read(yaml::Mapping& map, std::string_view key, yaml::Diagnostics& diagnostics,
                             bool needed = false) const;
  /// Whether the text has a placeholder, so that its value must not be shown.
  static bool has_placeholder(std::string_view text);

 private:
  std::optional<std::string> look_up(std::string_view reference, const yaml::Place& place,
                                     yaml::Diagnostics& diagnostics) const;
  Purpose purpose_;
  std::string directory_;
};

}  // namespace newswatch::config
