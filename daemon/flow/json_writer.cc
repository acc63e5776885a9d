#include "daemon/flow/json_writer.h"

#include "daemon/flow/utf8.h"

namespace newswatch::flow {

JsonWriter& JsonWriter::text_key(std::string_view name) {
  comma();
  quote(name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  comma();
  quote(text);
  return *this;
}

// Control characters are escaped, what is no UTF-8 becomes U+FFFD, all else stays as it is.
void JsonWriter::quote(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out_ += '"';
  std::size_t plain = 0;  // bytes from here to i are copied as they are
  std::size_t i = 0;
  const auto flush = [&] { out_.append(text.data() + plain, i - plain); };
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      const std::size_t length = utf8_length(text.substr(i));
      if (length > 0) {
        i += length;
        continue;
      }
      flush();
      out_ += "\xEF\xBF\xBD";
    } else if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
      ++i;
      continue;
    } else {
      flush();
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\r':
          out_ += "\\r";
          break;
        case '\t':
          out_ += "\\t";
          break;
        default:
          out_ += "\\u00";
          out_ += digits[c >> 4];
          out_ += digits[c & 15];
      }
    }
    plain = ++i;
  }
  flush();
  out_ += '"';
}

}  // namespace newswatch::flow
