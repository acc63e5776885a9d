#pragma once
// UTF-8 as code points, for the kinds that cut and escape text.

#include <cstddef>
#include <string>
#include <string_view>

namespace newswatch::deliver {

/// Range over the code points of a text. What is not UTF-8 comes as U+FFFD, a byte at a time.
class CodePoints {
 public:
  explicit CodePoints(std::string_view text) : text_(text) {}
  class Iterator {
   public:
    Iterator(std::string_view text, std::size_t at) : text_(text), at_(at) { read(); }
    char32_t operator*() const { return value_; }
    Iterator& operator++() {
      at_ += length_;
      read();
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }
    std::size_t offset() const { return at_; }

   private:
    void read();
    std::string_view text_;
    std::size_t at_;
    std::size_t length_ = 0;
    char32_t value_ = 0;
  };
  Iterator begin() const { return {text_, 0}; }
  Iterator end() const { return {text_, text_.size()}; }

 private:
  std::string_view text_;
};

void append_utf8(std::string& out, char32_t code_point);

/// The first `count` code points, in valid UTF-8; "…" takes the place of the last when something was cut.
std::string cut(std::string_view text, std::size_t count);

}  // namespace newswatch::deliver
