#pragma once
// The configuration as plain values. A default written here is the default of the program: config/newswatchd.yaml
// repeats each one, and a test compares the two.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/loader/secret.h"

namespace newswatch::yaml {
struct Node;
}

namespace newswatch::config {

class Secrets;

using std::chrono::milliseconds;
using namespace std::chrono_literals;

enum class Guarantee : std::uint8_t { exactly_once, at_least_once };
enum class SecurityProtocol : std::uint8_t { plaintext, ssl, sasl_plaintext, sasl_ssl };

struct Security {
  SecurityProtocol protocol = SecurityProtocol::plaintext;
  std::string mechanism;  ///< PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty without SASL
  std::string username;
  Secret password;
  std::string ca_file, certificate_file, key_file;  ///< PEM; empty: not given
  Secret key_password;
  bool operator==(const Security&) const = default;
};

/// One librdkafka property. Its value may be a password, so it is handled as one.
struct KafkaOption {
  std::string name;
  Secret value;
  bool operator==(const KafkaOption&) const = default;
};

struct Kafka {
  std::vector<std::string> brokers;  ///< host:port; the reader refuses an empty list
  Security security;
  std::vector<KafkaOption> options;  ///< in the order written; names that we own are refused by the reader
  bool operator==(const Kafka&) const = default;
};

/// One of our own topics. `retention` of 0: kept for ever; meaningless for a compacted one.
struct Topic {
  std::string name;
  int partitions = 1;
  milliseconds retention{0};
  bool compacted = false;
  bool operator==(const Topic&) const = default;
};

struct Topics {
  int replication = 0;  ///< 0: three, or as many as there are brokers
  Topic matches{"newswatch.matches", 12, 7 * 24h, false};
  Topic state{"newswatch.state", 12, 0ms, true};  ///< as many partitions as `matches`, always
  Topic alerts{"newswatch.alerts", 12, 30 * 24h, false};
  Topic rejected{"newswatch.rejected", 3, 30 * 24h, false};
  Topic undelivered{"newswatch.undelivered", 3, 30 * 24h, false};
  Topic boilerplate{"newswatch.boilerplate", 1, 0ms, true};
  bool operator==(const Topics&) const = default;

  /// The defaults under another prefix.
  static Topics named(const std::string& prefix) {
    Topics topics;
    for (Topic* topic : {&topics.matches, &topics.state, &topics.alerts, &topics.rejected, &topics.undelivered,
                         &topics.boilerplate})
      topic->name = prefix + topic->name.substr(topic->name.rfind('.'));
    return topics;
  }
};

/// What the loop of every stage needs.
struct Common {
  std::string instance;  ///< stable over restarts; the reader puts the host name. Characters a-z A-Z 0-9 . _ -
  std::string prefix = "newswatch";  ///< P of the topics, groups and transactional ids
  Guarantee guarantee = Guarantee::exactly_once;
  milliseconds commit_interval = 100ms;
  bool create_topics = true;
  Kafka kafka;
  Topics topics;
  bool operator==(const Common&) const = default;
};

/// Where reading starts on a topic of which the group knows no offset.
struct Start {
  enum class Kind : std::uint8_t { latest, earliest, time, back };
  Kind kind = Kind::latest;
  std::chrono::time_point<std::chrono::system_clock, milliseconds> time{};  ///< of Kind::time
  milliseconds back{0};                                                     ///< of Kind::back: so long before now
  bool operator==(const Start&) const = default;
};

enum class OnLostOffsets : std::uint8_t { continue_from_earliest, stop };
enum class ArticleFormat : std::uint8_t { automatic, newswatch, map };

/// Where each part of an article stands in a foreign JSON document: RFC 6901 pointers, tried in order until one gives a
/// value. A token `*` stands for every element of an array and so gives a list (`/authors/*/name`).
struct FieldMap {
  using Pointers = std::vector<std::string>;
  Pointers id, version, title, body, url, source, authors, sections, tags, countries, published, updated, language,
      status;
  bool operator==(const FieldMap&) const = default;
};

struct ArticleInput {
  std::string feed;                 ///< inputs may share one
  std::vector<std::string> topics;  ///< at least one; none of ours, none twice over all inputs
  ArticleFormat format = ArticleFormat::automatic;
  FieldMap map;  ///< of ArticleFormat::map
  Start start;
  std::uint64_t max_article_bytes = 10u << 20;
  OnLostOffsets on_lost_offsets = OnLostOffsets::continue_from_earliest;
  bool operator==(const ArticleInput&) const = default;
};

struct MatchStage {
  int workers = 2;
  std::vector<ArticleInput> articles;
  std::string default_language = "en";  ///< of rules' terms, where a rule names none
  bool operator==(const MatchStage&) const = default;
};

/// Destinations for alerts by what they are, besides each rule's own `to`. All given conditions must hold.
struct Route {
  std::vector<std::string> severities;                         ///< any of them; empty: every one
  std::vector<std::pair<std::string, std::string>> labels;     ///< each must stand in the rule
  std::vector<std::string> to;                                 ///< at least one, all known
  bool operator==(const Route&) const = default;
};

struct AlertStage {
  int workers = 1;
  milliseconds remember = 14 * 24h;
  std::vector<Route> routes;
  bool operator==(const AlertStage&) const = default;
};

/// One destination. What its kind alone knows is read by deliver/<kind>.cc from its section:
///
///     yaml::Mapping map(*destination.section, "a webhook destination", diagnostics);
///     config::allow_common_keys(map);                       // destination.h
///     auto url = destination.secrets->read(map, "url", diagnostics, yaml::required);
///     map.finish();
struct Destination {
  std::string name;   ///< a-z 0-9 -
  std::string type;   ///< kafka, webhook, slack, stdout; deliver refuses a kind that it does not know
  std::string group;  ///< names the consumer group and its place: P-deliver-GROUP; the name unless given
  milliseconds expire = 24h;
  std::shared_ptr<const yaml::Node> section;  ///< its mapping in the configuration file
  std::shared_ptr<const Secrets> secrets;     ///< for values with `${file:…}` and `${env:…}`
};

struct DeliverStage {
  std::vector<Destination> destinations;  ///< in the order written; one worker each
};

enum class LogFormat : std::uint8_t { automatic, journald, text, json };
enum class LogLevel : std::uint8_t { trace, debug, info, warning, error };

struct Log {
  LogFormat format = LogFormat::automatic;
  LogLevel level = LogLevel::info;
  bool operator==(const Log&) const = default;
};

struct Status {
  std::string host = "127.0.0.1";  ///< an address; empty: no status page
  std::uint16_t port = 9464;       ///< 0: any free one (the log says which)
  bool operator==(const Status&) const = default;
};

/// Which stages run in this process.
struct Stages {
  bool match = true, alert = true, deliver = true;
  bool operator==(const Stages&) const = default;
};

struct Settings {
  std::string path;  ///< the configuration file as given
  Common common;
  Stages stages;
  MatchStage match;
  AlertStage alert;
  DeliverStage deliver;
  std::vector<std::string> rules;  ///< files, directories, globs; relative ones resolved beside the configuration file
  Log log;
  Status status;
  milliseconds shutdown_deadline = 20s;  ///< after SIGTERM: drain and commit within it
};

}  // namespace newswatch::config
