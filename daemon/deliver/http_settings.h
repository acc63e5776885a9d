#pragma once
// What the kinds that speak HTTP have in common in their sections.

#include <optional>
#include <string>
#include <vector>

#include "config/loader/destination.h"
#include "config/loader/secret.h"
#include "daemon/deliver/destination.h"
#include "daemon/http/client.h"

namespace newswatch::deliver {

struct HttpSettings {
  http::Url url;  ///< may hold a secret
  milliseconds timeout{15'000};
  std::string ca_file;
  std::optional<http::Proxy> proxy;

  http::ClientSettings client(const Pace& pace) const;
  std::string fingerprint() const;
};

/// Reads url, timeout, ca_file, proxy, retry, concurrency and rate; `pace` comes with the kind's defaults. What is
/// wrong goes to `diagnostics` with its place. A URL whose secret was not looked up is left empty.
void read_http(yaml::Mapping& map, const config::Destination& destination, HttpSettings& settings, Pace& pace,
               yaml::Diagnostics& diagnostics);

}  // namespace newswatch::deliver
