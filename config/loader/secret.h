#pragma once
// A string that must never reach a log, a page or an error message.

#include <ostream>
#include <string>
#include <utility>

namespace newswatch::config {

/// Prints as `<secret>`; the text itself comes only from reveal(), so that a leak is a visible word in the code.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  /// A value that `check` did not look up: given, but nothing can be said of its text.
  static Secret unknown() {
    Secret secret;
    secret.known_ = false;
    return secret;
  }
  const std::string& reveal() const { return text_; }
  bool known() const { return known_; }  ///< false: do not judge the text, which is empty
  bool empty() const { return known_ && text_.empty(); }
  bool operator==(const Secret&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Secret& secret) {
    return out << (secret.empty() ? "" : "<secret>");
  }

 private:
  std::string text_;
  bool known_ = true;
};

}  // namespace newswatch::config
