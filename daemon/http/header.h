#pragma once
// What may stand in a request head. Beast 1.81 writes CR and LF of a value or target to the wire as they are, so
// everything is checked here before it gets there.

#include <string>
#include <string_view>

namespace newswatch::http {

struct Header {
  std::string name, value;
  bool operator==(const Header&) const = default;
};

/// Empty when the header may be sent, else what is wrong with it, without the value (it may be a secret).
/// A name is a token of RFC 9110 and none of those that the client writes itself: Host, Content-Length, Connection,
/// Transfer-Encoding, Expect, Upgrade, TE, Trailer, Keep-Alive, Proxy-*. A value is visible ASCII, space and tab,
/// without space at its ends, and at most 8 KiB long.
std::string header_fault(std::string_view name, std::string_view value);

/// Empty when the target may be sent: it starts with '/' and is visible ASCII without space or '#', at most 8 KiB.
std::string target_fault(std::string_view target);

/// True for equal names of headers: ASCII case does not count.
bool same_name(std::string_view a, std::string_view b);

}  // namespace newswatch::http
