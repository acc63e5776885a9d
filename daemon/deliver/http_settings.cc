#include "daemon/deliver/http_settings.h"

#include "daemon/deliver/fingerprint.h"

namespace newswatch::deliver {
namespace {

std::optional<http::Url> read_url(yaml::Mapping& map, std::string_view key, const config::Destination& destination,
                                  yaml::Diagnostics& diagnostics, bool needed) {
  const auto text = destination.secrets->read(map, key, diagnostics, needed);
  if (!text || !text->known()) return std::nullopt;
  auto parsed = http::parse_url(text->reveal());
  if (auto* url = std::get_if<http::Url>(&parsed)) return std::move(*url);
  diagnostics.error(map.place_of(key), "bad-url", std::get<std::string>(parsed),
                    key == "proxy" ? "write http://host:port, and what it asks for as `proxy_authorization`"
                                   : "write it as https://host/path");
  return std::nullopt;
}

void read_retry(const yaml::Node& node, RetryPolicy& retry, yaml::Diagnostics& diagnostics) {
  yaml::Mapping map(node, "retry", diagnostics);
  if (const auto first = map.duration("first", false, yaml::Milliseconds::allowed)) retry.first = *first;
  if (const auto factor = map.number("factor", 1, 10)) retry.factor = *factor;
  if (const auto most = map.duration("max", false, yaml::Milliseconds::allowed)) retry.max = *most;
  map.finish();
  if (retry.first < milliseconds(10))
    diagnostics.error(map.place_of("first"), "bad-value", "the first wait of retry must be at least 10ms");
  if (retry.max < retry.first)
    diagnostics.error(map.place_of("max"), "bad-value", "the longest wait of retry is below the first one",
                      "let `max` be at least `first`");
}

}  // namespace

http::ClientSettings HttpSettings::client(const Pace& pace) const {
  http::ClientSettings settings;
  settings.ca_file = ca_file;
  settings.proxy = proxy;
  // Tries that were dropped at a rebalance keep theirs until they end.
  settings.max_connections = static_cast<std::size_t>(pace.concurrency) + 4;
  return settings;
}

std::string HttpSettings::fingerprint() const {
  Fingerprint print;
  print.add(url.origin()).add(url.target).number(static_cast<double>(timeout.count())).add(ca_file);
  if (proxy) print.add(proxy->url.origin()).add(proxy->authorization.reveal());
  return print.text();
}

void read_http(yaml::Mapping& map, const config::Destination& destination, HttpSettings& settings, Pace& pace,
               yaml::Diagnostics& diagnostics) {
  if (auto url = read_url(map, "url", destination, diagnostics, yaml::required)) settings.url = std::move(*url);
  if (const auto timeout = map.duration("timeout", false, yaml::Milliseconds::allowed)) {
    settings.timeout = *timeout;
    if (*timeout < milliseconds(100) || *timeout > milliseconds(300'000))
      diagnostics.error(map.place_of("timeout"), "bad-value", "a timeout lies between 100ms and 5m");
  }
  if (const auto file = map.text("ca_file")) settings.ca_file = *file;
  if (const yaml::Node* retry = map.find("retry")) read_retry(*retry, pace.retry, diagnostics);
  if (const auto concurrency = map.integer("concurrency", 1, 256)) pace.concurrency = static_cast<int>(*concurrency);
  if (const auto rate = map.number("rate", 0, 1'000'000)) pace.per_second = *rate;
  if (auto url = read_url(map, "proxy", destination, diagnostics, false)) {
    if (url->tls)
      diagnostics.error(map.place_of("proxy"), "bad-url", "newswatchd speaks plain HTTP to a proxy",
                        "write http://host:port; what goes through it to an https address is encrypted all the same");
    else if (url->target != "/")
      diagnostics.error(map.place_of("proxy"), "bad-url", "the address of a proxy has no path",
                        "write http://host:port");
    else
      settings.proxy = http::Proxy{std::move(*url), {}};
  }
  if (const auto authorization = destination.secrets->read(map, "proxy_authorization", diagnostics)) {
    if (!map.has("proxy")) {
      diagnostics.error(map.place_of("proxy_authorization"), "bad-value", "proxy_authorization needs a proxy");
    } else if (const std::string fault = http::header_fault("authorization", authorization->reveal()); !fault.empty()) {
      diagnostics.error(map.place_of("proxy_authorization"), "bad-header", fault);
    } else if (settings.proxy) {
      settings.proxy->authorization = *authorization;
    }
  }
}

}  // namespace newswatch::deliver
