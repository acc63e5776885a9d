#pragma once
// Settings as one text, to tell whether a reload changed them.

#include <string>
#include <string_view>

namespace newswatch::deliver {

/// Lengths stand before texts, so that no two different sequences give the same one.
class Fingerprint {
 public:
  Fingerprint& add(std::string_view text) {
    text_ += std::to_string(text.size());
    text_ += ':';
    text_ += text;
    return *this;
  }
  Fingerprint& number(double value) { return add(std::string_view(std::to_string(value))); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace newswatch::deliver
