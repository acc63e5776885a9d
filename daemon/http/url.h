#pragma once
// The address of a request, cut and checked once, when the configuration is read.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace newswatch::http {

/// An absolute http or https URL. Its target may hold a secret (chat webhooks do), so a log names only origin().
struct Url {
  bool tls = false;
  std::string host;  ///< a name in lower case, or an IP literal without brackets
  std::uint16_t port = 0;
  std::string target;  ///< path and query, starts with '/'; no fragment
  bool ip_literal = false;

  /// `https://host[:port]`, the port only where it is not the scheme's own.
  std::string origin() const;
  /// host[:port], an IPv6 literal in brackets: the Host header.
  std::string authority() const;
  bool operator==(const Url&) const = default;
};

/// The URL, or what is wrong with it: a sentence for a person, which never repeats the URL. Refused are other schemes,
/// user:password@ (it would end in a log; use a header), fragments, spaces, control characters and bytes above 0x7e.
std::variant<Url, std::string> parse_url(std::string_view text);

}  // namespace newswatch::http
