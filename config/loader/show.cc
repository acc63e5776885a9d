// `newswatchd config show`: the configuration in force, as YAML that reads back, each value with its origin.

#include <algorithm>

#include "config/loader/loader.h"
#include "config/yaml/document.h"

namespace newswatch::config {
namespace {

/// As a YAML scalar or flow value; quoted unless it is plainly a word.
std::string scalar(std::string_view text) {
  const bool plain = !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
  }) && text.front() != '-';
  if (plain) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += ' ';
    } else {
      out += c;
    }
  }
  return out + "\"";
}

constexpr std::string_view masked = "\"<secret>\"";

bool is_secret(std::string_view key, const yaml::Node& value) {
  static constexpr std::string_view parts[] = {"password", "secret", "token", "authorization", "key.pem"};
  for (const std::string_view part : parts)
    if (key.find(part) != std::string_view::npos) return true;
  return value.is_scalar() && Secrets::has_placeholder(value.text);
}

/// An address that is written out may be the secret itself, as those of chats are: only its host is shown.
std::optional<std::string> host_only(std::string_view key, const yaml::Node& value) {
  if (key != "url" || !value.is_scalar() || value.text.starts_with('/')) return std::nullopt;  // a JSON pointer
  const auto scheme = value.text.find("://");
  const auto end = value.text.find_first_of("/?#", scheme == std::string::npos ? 0 : scheme + 3);
  if (end == std::string::npos || end + 1 == value.text.size()) return std::nullopt;
  return value.text.substr(0, end) + "/<secret>";
}

class Shower {
 public:
  explicit Shower(const yaml::Node& root) : root_(root) {}

  void section(int depth, std::string_view key) { out_ += std::string(2 * static_cast<std::size_t>(depth), ' ') + std::string(key) + ":\n"; }

  /// `path` is where the file would have it; `by_default` names the origin when it has not.
  void value(int depth, std::string_view key, const std::string& text, std::initializer_list<std::string_view> path,
             std::string_view by_default = "default") {
    const yaml::Node* node = &root_;
    for (const std::string_view step : path) node = node != nullptr ? node->find(step) : nullptr;
    const bool secret = node != nullptr && is_secret(key, *node);
    line(depth, key, secret ? std::string(masked) : text, node != nullptr ? to_string(node->place) : std::string(by_default));
  }

  /// A part of the file as it stands there, secrets masked.
  void part(int depth, std::string_view key, const yaml::Node& node) {
    const std::string indent(2 * static_cast<std::size_t>(depth), ' ');
    if (node.is_mapping() && !node.entries.empty()) {
      out_ += indent + std::string(key) + ":\n";
      for (const yaml::Entry& entry : node.entries) {
        if (key == "headers")  // which of them is one, only the receiver knows
          line(depth + 1, entry.key, std::string(masked), to_string(entry.value.place));
        else
          part(depth + 1, entry.key, entry.value);
      }
    } else {
      line(depth, key, flow(node, key), to_string(node.place));
    }
  }

  static std::string flow(const yaml::Node& node, std::string_view key = {}) {
    if (is_secret(key, node)) return std::string(masked);
    if (const auto host = host_only(key, node)) return scalar(*host);
    std::string out;
    if (node.is_sequence()) {
      for (const yaml::Node& item : node.items) out += (out.empty() ? "" : ", ") + flow(item);
      return "[" + out + "]";
    }
    if (node.is_mapping()) {
      for (const yaml::Entry& entry : node.entries) out += (out.empty() ? "" : ", ") + scalar(entry.key) + ": " + flow(entry.value, entry.key);
      return "{" + out + "}";
    }
    if (node.is_null()) return "null";
    return node.is_plain() && node.text.find_first_of(":#{}[],&*!|>'\"%@`") == std::string::npos ? node.text : scalar(node.text);
  }

  void line(int depth, std::string_view key, const std::string& text, std::string_view origin) {
    std::string row = std::string(2 * static_cast<std::size_t>(depth), ' ') + std::string(key) + ": " + text;
    row.resize(std::max<std::size_t>(row.size() + 2, 56), ' ');
    out_ += row + "# " + std::string(origin) + "\n";
  }

  std::string take() { return std::move(out_); }

 private:
  const yaml::Node& root_;
  std::string out_;
};

std::string list(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + scalar(item);
  return "[" + out + "]";
}

std::string_view name(SecurityProtocol protocol) {
  switch (protocol) {
    case SecurityProtocol::plaintext: return "plaintext";
    case SecurityProtocol::ssl: return "ssl";
    case SecurityProtocol::sasl_plaintext: return "sasl_plaintext";
    case SecurityProtocol::sasl_ssl: return "sasl_ssl";
  }
  return "";
}

void show_kafka(Shower& out, const Kafka& kafka, const yaml::Node& root) {
  out.section(0, "kafka");
  out.value(1, "brokers", list(kafka.brokers), {"kafka", "brokers"});
  out.section(1, "security");
  const Security& security = kafka.security;
  out.value(2, "protocol", std::string(name(security.protocol)), {"kafka", "security", "protocol"});
  const auto given = [&](std::string_view key, const std::string& text) {
    if (!text.empty()) out.value(2, key, scalar(text), {"kafka", "security", key});
  };
  given("mechanism", security.mechanism);
  given("username", security.username);
  if (!security.password.empty()) out.value(2, "password", "\"<secret>\"", {"kafka", "security", "password"});
  given("ca_file", security.ca_file);
  given("certificate_file", security.certificate_file);
  given("key_file", security.key_file);
  if (!security.key_password.empty()) out.value(2, "key_password", "\"<secret>\"", {"kafka", "security", "key_password"});
  const yaml::Node* section = root.find("kafka");
  if (const yaml::Node* options = section != nullptr ? section->find("options") : nullptr) out.part(1, "options", *options);
}

void show_topics(Shower& out, const Topics& topics) {
  out.section(0, "topics");
  out.value(1, "replication", std::to_string(topics.replication), {"topics", "replication"});
  const auto topic = [&](std::string_view key, const Topic& one, bool only_name) {
    out.section(1, key);
    out.value(2, "name", scalar(one.name), {"topics", key, "name"});
    if (only_name) return;
    out.value(2, "partitions", std::to_string(one.partitions), {"topics", key, "partitions"});
    out.value(2, "retention", yaml::format_duration(one.retention), {"topics", key, "retention"});
  };
  topic("matches", topics.matches, false);
  topic("state", topics.state, true);
  topic("alerts", topics.alerts, false);
  topic("rejected", topics.rejected, false);
  topic("undelivered", topics.undelivered, false);
  topic("boilerplate", topics.boilerplate, true);
}

}  // namespace

std::optional<std::string> show(const std::string& path, yaml::Diagnostics& diagnostics) {
  const auto settings = load(path, Purpose::check, diagnostics);
  if (!settings) return std::nullopt;
  yaml::Diagnostics told;
  const auto root = yaml::load_file(path, told);
  if (!root) return std::nullopt;
  Shower out(*root);
  const Common& common = settings->common;
  out.value(0, "instance", scalar(common.instance), {"instance"}, "host name");
  out.value(0, "prefix", scalar(common.prefix), {"prefix"});
  out.value(0, "guarantee", common.guarantee == Guarantee::exactly_once ? "exactly_once" : "at_least_once", {"guarantee"});
  std::vector<std::string> stages;
  if (settings->stages.match) stages.emplace_back("match");
  if (settings->stages.alert) stages.emplace_back("alert");
  if (settings->stages.deliver) stages.emplace_back("deliver");
  out.value(0, "stages", list(stages), {"stages"});
  out.section(0, "workers");
  out.value(1, "match", std::to_string(settings->match.workers), {"workers", "match"});
  out.value(1, "alert", std::to_string(settings->alert.workers), {"workers", "alert"});
  out.value(0, "commit_interval", yaml::format_duration(common.commit_interval), {"commit_interval"});
  out.value(0, "create_topics", common.create_topics ? "true" : "false", {"create_topics"});
  out.value(0, "remember", yaml::format_duration(settings->alert.remember), {"remember"});
  out.value(0, "default_language", scalar(settings->match.default_language), {"default_language"});
  out.value(0, "shutdown_deadline", yaml::format_duration(settings->shutdown_deadline), {"shutdown_deadline"});
  show_kafka(out, common.kafka, *root);
  show_topics(out, common.topics);
  for (const char* key : {"articles", "rules", "destinations", "routes"}) {
    if (const yaml::Node* node = root->find(key)) out.part(0, key, *node);
  }
  out.section(0, "log");
  static constexpr std::string_view formats[] = {"auto", "journald", "text", "json"};
  static constexpr std::string_view levels[] = {"trace", "debug", "info", "warning", "error"};
  out.value(1, "format", std::string(formats[static_cast<std::size_t>(settings->log.format)]), {"log", "format"});
  out.value(1, "level", std::string(levels[static_cast<std::size_t>(settings->log.level)]), {"log", "level"});
  out.section(0, "status");
  const Status& status = settings->status;
  const std::string host = status.host.find(':') == std::string::npos ? status.host : "[" + status.host + "]";
  out.value(1, "listen", status.host.empty() ? "off" : "\"" + host + ":" + std::to_string(status.port) + "\"", {"status", "listen"});
  return out.take();
}

}  // namespace newswatch::config
