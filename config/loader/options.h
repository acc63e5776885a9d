#pragma once
// Every option of the configuration file: the table behind docs/configuration.md and `config show`.

#include <span>
#include <string_view>

namespace newswatch::config {

struct Option {
  std::string_view path;           ///< `kafka.security.protocol`; `[]` is an element of a list, `<name>` a key of the user's
  std::string_view type;
  std::string_view default_value;  ///< as it would be written; empty: none
  std::string_view text;           ///< Markdown
};

/// In the order of the documentation. A section comes before what is in it.
std::span<const Option> option_table();

}  // namespace newswatch::config
