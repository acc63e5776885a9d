#include "daemon/http/header.h"

#include <algorithm>
#include <array>

namespace newswatch::http {
namespace {

constexpr std::size_t max_length = 8192;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool token_char(unsigned char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
}

constexpr std::array<std::string_view, 9> own_names{
    "host", "content-length", "connection", "transfer-encoding", "expect", "upgrade", "te", "trailer", "keep-alive"};

bool reserved(std::string_view name) {
  if (name.size() >= 6 && same_name(name.substr(0, 6), "proxy-")) return true;
  return std::any_of(own_names.begin(), own_names.end(), [&](std::string_view own) { return same_name(name, own); });
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string header_fault(std::string_view name, std::string_view value) {
  if (name.empty()) return "a header has no name";
  if (name.size() > 256 || !std::all_of(name.begin(), name.end(), [](char c) { return token_char(c); }))
    return "a header name holds a character that HTTP does not allow there";
  const std::string shown(name);
  if (reserved(name)) return "the header " + shown + " is set by newswatchd itself";
  if (value.size() > max_length) return "the value of header " + shown + " is longer than 8 KiB";
  for (unsigned char c : value) {
    if (c == '\r' || c == '\n') return "the value of header " + shown + " holds a line break";
    if ((c < 0x20 && c != '\t') || c >= 0x7f)
      return "the value of header " + shown + " holds a control character or a character outside ASCII";
  }
  if (!value.empty() && (value.front() == ' ' || value.front() == '\t' || value.back() == ' ' || value.back() == '\t'))
    return "the value of header " + shown + " begins or ends with a space";
  return {};
}

std::string target_fault(std::string_view target) {
  if (target.empty() || target.front() != '/') return "the path of the request does not begin with '/'";
  if (target.size() > max_length) return "the path of the request is longer than 8 KiB";
  for (unsigned char c : target)
    if (c <= 0x20 || c >= 0x7f || c == '#')
      return "the path of the request holds a space, a control character, '#' or a character outside ASCII";
  return {};
}

}  // namespace newswatch::http
