#include "daemon/deliver/text.h"

namespace newswatch::deliver {

void CodePoints::Iterator::read() {
  length_ = 0;
  if (at_ >= text_.size()) return;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text_[at_ + i]); };
  const unsigned char first = byte(0);
  length_ = 1;
  value_ = first;
  if (first < 0x80) return;
  value_ = 0xfffd;
  std::size_t more = 0;
  char32_t value = 0, least = 0;
  if (first >= 0xc2 && first <= 0xdf)
    more = 1, value = first & 0x1f, least = 0x80;
  else if (first >= 0xe0 && first <= 0xef)
    more = 2, value = first & 0x0f, least = 0x800;
  else if (first >= 0xf0 && first <= 0xf4)
    more = 3, value = first & 0x07, least = 0x10000;
  else
    return;
  if (at_ + more >= text_.size()) return;
  for (std::size_t i = 1; i <= more; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return;
    value = value << 6 | (byte(i) & 0x3f);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return;
  value_ = value;
  length_ = more + 1;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

std::string cut(std::string_view text, std::size_t count) {
  std::string out;
  std::size_t before_last = 0;
  std::size_t taken = 0;
  for (const char32_t c : CodePoints(text)) {
    if (taken == count) {
      out.resize(before_last);
      if (count != 0) append_utf8(out, 0x2026);
      return out;
    }
    before_last = out.size();
    append_utf8(out, c);
    ++taken;
  }
  return out;
}

}  // namespace newswatch::deliver
