#include "daemon/deliver/webhook.h"

#include <algorithm>

#include "daemon/deliver/fingerprint.h"
#include "daemon/deliver/http_sender.h"
#include "daemon/deliver/signature.h"
#include "daemon/flow/record_codec.h"

namespace newswatch::deliver {
namespace {

/// CloudEvents HTTP binding, 3.1.3.2: space, '"', '%' and what is not printable ASCII are percent-encoded.
std::string encode_attribute(std::string_view value) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '"' && c != '%') {
      text += c;
    } else {
      text += '%';
      text += hex[byte >> 4];
      text += hex[byte & 15];
    }
  }
  return text;
}

/// Set by us on every request; a second one of the same name would leave the receiver to guess.
bool set_by_us(std::string_view name) {
  static constexpr std::string_view names[] = {"webhook-id", "webhook-timestamp", "webhook-signature",
                                               "idempotency-key", "content-type"};
  return std::any_of(std::begin(names), std::end(names),
                     [&](std::string_view own) { return http::same_name(name, own); }) ||
         (name.size() >= 3 && http::same_name(name.substr(0, 3), "ce-"));
}

void read_headers(const yaml::Node& node, const config::Destination& destination, std::vector<http::Header>& headers,
                  yaml::Diagnostics& diagnostics) {
  if (!node.is_mapping()) {
    diagnostics.error(node.place, "wrong-type", "headers are a mapping of names to values",
                      "write headers: {Authorization: \"${file:token}\"}");
    return;
  }
  for (const yaml::Entry& entry : node.entries) {
    const auto value = destination.secrets->read(entry.value, "the value of a header", diagnostics);
    if (!value) continue;
    if (set_by_us(entry.key)) {
      diagnostics.error(entry.key_place, "bad-header", "the header " + entry.key + " is set by newswatchd itself",
                        "choose another name");
      continue;
    }
    if (const std::string fault = http::header_fault(entry.key, value->reveal()); !fault.empty()) {
      diagnostics.error(entry.value.place, "bad-header", fault);
      continue;
    }
    for (const http::Header& other : headers)
      if (http::same_name(other.name, entry.key))
        diagnostics.error(entry.key_place, "bad-header", "the header " + entry.key + " is given twice");
    headers.push_back({entry.key, value->reveal()});
  }
}

void read_secret(yaml::Mapping& map, std::string_view key, const config::Destination& destination,
                 std::vector<config::Secret>& secrets, yaml::Diagnostics& diagnostics) {
  const auto text = destination.secrets->read(map, key, diagnostics);
  if (!text || !text->known()) return;
  const auto bytes = decode_webhook_secret(text->reveal());
  if (!bytes) {
    diagnostics.error(map.place_of(key), "bad-secret", "this is no secret of Standard Webhooks",
                      "write whsec_ and base64 of 24 to 64 random bytes: echo whsec_$(openssl rand -base64 32)");
    return;
  }
  if (bytes->size() < 24 || bytes->size() > 64) {
    diagnostics.error(map.place_of(key), "bad-secret",
                      "the secret has " + std::to_string(bytes->size()) + " bytes; Standard Webhooks asks for 24 to 64",
                      "make one: echo whsec_$(openssl rand -base64 32)");
    return;
  }
  secrets.emplace_back(*bytes);
}

}  // namespace

http::Request WebhookSettings::request(const Letter& letter, Time now) const {
  http::Request request;
  request.url = http.url;
  request.timeout = http.timeout;
  request.headers.reserve(headers.size() + 12);
  if (mode == Mode::structured) {
    request.body = std::make_shared<const std::string>(flow::cloud_event(letter.alert));
    request.headers.push_back({"Content-Type", "application/cloudevents+json; charset=utf-8"});
  } else {
    request.body = std::make_shared<const std::string>(letter.value);
    for (const flow::RecordHeader& header : flow::cloud_event_headers(letter.alert)) {
      if (header.name.starts_with("ce_"))
        request.headers.push_back({"ce-" + header.name.substr(3), encode_attribute(header.value)});
      else
        request.headers.push_back({header.name, header.value});
    }
  }
  const std::string& id = letter.alert.id;
  const std::int64_t timestamp = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  request.headers.push_back({"webhook-id", id});
  request.headers.push_back({"webhook-timestamp", std::to_string(timestamp)});
  if (!secrets.empty()) {
    std::string signatures;
    for (const config::Secret& key : secrets) {
      if (!signatures.empty()) signatures += ' ';
      signatures += webhook_signature(key.reveal(), id, timestamp, *request.body);
    }
    request.headers.push_back({"webhook-signature", std::move(signatures)});
  }
  request.headers.push_back({"Idempotency-Key", id});
  request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  return request;
}

std::string WebhookSettings::fingerprint() const {
  Fingerprint print;
  print.add(http.fingerprint()).number(static_cast<int>(mode));
  for (const auto& header : headers) print.add("h").add(header.name).add(header.value);
  for (const auto& secret : secrets) print.add("s").add(secret.reveal());
  return print.text();
}

std::unique_ptr<Sender> WebhookSettings::open(boost::asio::io_context& io) const {
  return open_http_sender(io, http.client(pace),
                          [settings = *this](const Letter& letter, Time now) { return settings.request(letter, now); });
}

std::unique_ptr<DestinationSettings> read_webhook(const config::Destination& destination,
                                                  yaml::Diagnostics& diagnostics) {
  auto settings = std::make_unique<WebhookSettings>();
  yaml::Mapping map(*destination.section, "a webhook destination", diagnostics);
  config::allow_common_keys(map);
  read_http(map, destination, settings->http, settings->pace, diagnostics);
  if (const auto mode = map.choice<WebhookSettings::Mode>(
          "mode", {{"structured", WebhookSettings::Mode::structured}, {"binary", WebhookSettings::Mode::binary}}))
    settings->mode = *mode;
  if (const yaml::Node* headers = map.find("headers"))
    read_headers(*headers, destination, settings->headers, diagnostics);
  read_secret(map, "secret", destination, settings->secrets, diagnostics);
  if (map.has("previous_secret") && !map.has("secret"))
    diagnostics.error(map.place_of("previous_secret"), "bad-value", "previous_secret is for a change of `secret`",
                      "give `secret` too");
  read_secret(map, "previous_secret", destination, settings->secrets, diagnostics);
  map.finish();
  return settings;
}

}  // namespace newswatch::deliver
