#include "daemon/http/url.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "daemon/http/header.h"

namespace newswatch::http {
namespace {

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Letters, digits, '-', '_' and dots between labels of 1 to 63 bytes.
bool plausible_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  for (char c : host) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (!letter_or_digit(c) && c != '-' && c != '_') return false;
    if (++label > 63) return false;
  }
  return true;
}

/// `2130706433` and `0x7f.1` are addresses to getaddrinfo but names to a reader, and to a certificate.
bool number_in_disguise(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0
  if (last.empty()) return false;
  if (last.size() >= 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X')) return true;
  return std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::origin() const { return (tls ? "https://" : "http://") + authority(); }

std::variant<Url, std::string> parse_url(std::string_view text) {
  using Fault = std::string;
  if (text.empty()) return Fault("the URL is empty");
  if (text.size() > 8192) return Fault("the URL is longer than 8 KiB");
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= 0x20 || c >= 0x7f; }))
    return Fault("the URL holds a space, a control character or a character outside ASCII: percent-encode it");
  const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (!parsed) return Fault("this is no absolute URL such as https://example.com/hook");
  const boost::urls::url_view view = *parsed;

  Url url;
  if (view.scheme_id() == boost::urls::scheme::https) {
    url.tls = true;
  } else if (view.scheme_id() != boost::urls::scheme::http) {
    return Fault("the URL must begin with https:// or http://");
  }
  if (!view.has_authority()) return Fault("the URL names no host");
  if (view.has_userinfo())
    return Fault("the URL holds user:password@, which would show up in logs: send an Authorization header instead");
  if (view.has_fragment()) return Fault("the URL has a fragment (#…), which is never sent: leave it out");

  switch (view.host_type()) {
    case boost::urls::host_type::ipv4:
      url.ip_literal = true;
      url.host = std::string(view.host());
      break;
    case boost::urls::host_type::ipv6:
      url.ip_literal = true;
      url.host = std::string(view.host_ipv6_address().to_string());
      break;
    case boost::urls::host_type::name:
      url.host = std::string(view.encoded_host());
      if (number_in_disguise(url.host))
        return Fault("the host is a number: write an IPv4 address as four decimal numbers");
      if (!plausible_name(url.host)) return Fault("the host of the URL is no host name");
      std::transform(url.host.begin(), url.host.end(), url.host.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      break;
    default:
      return Fault("the host of the URL is neither a name nor an address");
  }
  if (view.has_port() && !view.port().empty()) {
    const std::string_view digits(view.port().data(), view.port().size());
    unsigned number = 0;  // port_number() of Boost 1.81 wraps around
    for (const char c : digits.substr(0, 6)) number = number * 10 + static_cast<unsigned>(c - '0');
    if (digits.size() > 5 || number == 0 || number > 65'535)
      return Fault("the port of the URL is not within 1 to 65535");
    url.port = static_cast<std::uint16_t>(number);
  } else {
    url.port = url.tls ? 443 : 80;
  }
  const auto resource = view.encoded_resource();
  url.target = std::string(resource.data(), resource.size());
  if (url.target.empty() || url.target.front() != '/') url.target.insert(0, "/");
  if (std::string fault = target_fault(url.target); !fault.empty()) return fault;
  return url;
}

}  // namespace newswatch::http
