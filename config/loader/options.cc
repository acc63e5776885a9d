#include "config/loader/options.h"

#include <string>

#include "config/loader/loader.h"

namespace newswatch::config {
namespace {

constexpr Option table[] = {
    {"instance", "name", "the host name",
     "Names this process among those of the same prefix. Stable over restarts: a restarted instance takes its partitions "
     "back at once and fences what its predecessor left open. Two running processes must not share it."},
    {"prefix", "name", "newswatch", "`P` of all topics, consumer groups and transactional ids."},
    {"guarantee", "`exactly_once` or `at_least_once`", "exactly_once",
     "See [guarantees.md](guarantees.md). `at_least_once` needs no transactions; a crash may then repeat alerts, with the same ids."},
    {"stages", "list of `match`, `alert`, `deliver`", "[match, alert, deliver]", "What runs in this process."},
    {"workers.match", "1 to 64", "2", "Loops of the match stage in this process; more than there are article partitions are idle."},
    {"workers.alert", "1 to 64", "1", "Loops of the alert stage in this process. A destination always has one."},
    {"commit_interval", "duration, 10ms to 5s", "100ms",
     "The longest time from an article to its commit under load. When nothing more waits, output is committed at once."},
    {"create_topics", "boolean", "true",
     "Create our own topics that are missing. `false`: a missing one is an error that prints the command."},
    {"remember", "duration, 1h to 365d", "14d", "How long the alert stage remembers an article or a story."},
    {"default_language", "language tag", "en", "The grammar for articles that name no language."},
    {"shutdown_deadline", "duration, 1s to 10m", "20s",
     "After SIGTERM: what is in hand is finished and committed within it. Below TimeoutStopSec of the unit."},

    {"kafka.brokers", "list of `host:port`", "", "Where to begin; the rest of the cluster is found through them. Required."},
    {"kafka.security.protocol", "`plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`", "plaintext", ""},
    {"kafka.security.mechanism", "`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`", "", "Required with a `sasl_` protocol."},
    {"kafka.security.username", "text", "", "Required with a `sasl_` protocol. May hold `${…}`."},
    {"kafka.security.password", "secret", "", "Required with a `sasl_` protocol."},
    {"kafka.security.ca_file", "path", "the system's", "PEM file of the authorities that brokers' certificates are checked against."},
    {"kafka.security.certificate_file", "path", "", "PEM file of our own certificate, for mutual TLS."},
    {"kafka.security.key_file", "path", "", "PEM file of its key."},
    {"kafka.security.key_password", "secret", "", "Of the key file."},
    {"kafka.options.<name>", "text or number", "",
     "Any property of librdkafka, for all clients. Those that the guarantees stand on are refused, with the reason."},

    {"topics.replication", "0 to 32767", "0", "Of topics that we create. 0: three, or as many as there are brokers."},
    {"topics.matches", "name, partitions, retention", "{name: P.matches, partitions: 12, retention: 7d}",
     "Its number of partitions is fixed for life; `P.state` always has as many."},
    {"topics.state", "name", "{name: P.state}", "Compacted; what the alert stage remembers."},
    {"topics.alerts", "name, partitions, retention", "{name: P.alerts, partitions: 12, retention: 30d}",
     "Kept at least twice as long as the longest `expire`."},
    {"topics.rejected", "name, partitions, retention", "{name: P.rejected, partitions: 3, retention: 30d}", "Records that cannot be read."},
    {"topics.undelivered", "name, partitions, retention", "{name: P.undelivered, partitions: 3, retention: 30d}",
     "Alerts that a destination will never get, with the reason."},
    {"topics.boilerplate", "name", "{name: P.boilerplate}", "Compacted; what was learned of publishers' boilerplate (not used yet)."},

    {"articles[].feed", "name without slash", "", "Names the articles' ids together with `id`; inputs may share one. Required."},
    {"articles[].topics", "list of topics", "", "They must exist. Required."},
    {"articles[].format", "`auto`, `newswatch` or `map`", "auto",
     "`newswatch`: our own JSON. `map`: any JSON, through `map`. `auto` is `map` when a map is given, else `newswatch`."},
    {"articles[].map.<field>", "JSON pointer, or list of them", "",
     "Where `id`, `version`, `title`, `body`, `url`, `source`, `authors`, `sections`, `tags`, `countries`, `published`, "
     "`updated`, `language` and `status` stand. The first pointer that gives a value counts; a token `*` is every element of "
     "an array. `title` or `body`, and `id` or `url`, are needed."},
    {"articles[].start", "`latest`, `earliest`, a time, or a duration back", "latest",
     "Where reading begins on a topic of which the group knows no offset: `2026-01-31T08:00:00Z`, or `2h`."},
    {"articles[].max_article_bytes", "size, 1KiB to 64MiB", "10MiB", "A larger record goes to `P.rejected`: whole up to 512 KiB, else its first 64 KiB."},
    {"articles[].on_lost_offsets", "`continue` or `stop`", "continue",
     "When retention was quicker than we: go on with the earliest record (error in log and metric, with the number lost), or stop."},

    {"rules", "list of paths", "", "Rule files, directories (all `*.yaml` and `*.yml` below) and globs. Relative ones are beside this file."},

    {"destinations.<name>.type", "`kafka`, `webhook`, `slack` or `stdout`", "", "Required. The name has a-z, 0-9 and `-`."},
    {"destinations.<name>.expire", "duration, 1m to 365d", "24h",
     "An alert that could not be delivered for so long goes to `P.undelivered`."},
    {"destinations.<name>.group", "name", "the destination's name", "Names its consumer group `P-deliver-GROUP`. Give the old name here to rename a destination and keep its place."},
    {"destinations.<name>.topic", "topic", "", "`kafka`: required; on the same cluster, written in the same kind of transaction."},
    {"destinations.<name>.url", "URL, may hold `${…}`", "", "`webhook`, `slack`: required; http or https, without user and password."},
    {"destinations.<name>.timeout", "duration, 100ms to 5m", "15s", "`webhook`, `slack`: of one try, name look-up to last byte."},
    {"destinations.<name>.retry", "first, factor, max", "{first: 1s, factor: 2, max: 10m}", "`webhook`, `slack`: waits between tries, each ± 20 %. `first` at least 10ms, `factor` 1 to 10."},
    {"destinations.<name>.concurrency", "1 to 256", "16 (`slack`: 1)", "`webhook`, `slack`: tries in flight."},
    {"destinations.<name>.rate", "number a second", "no limit (`slack`: 1)", "`webhook`, `slack`: tries started, on average. 0: no limit."},
    {"destinations.<name>.ca_file", "path", "the system's", "`webhook`, `slack`: PEM file of authorities."},
    {"destinations.<name>.proxy", "http://host:port", "", "`webhook`, `slack`: an HTTP proxy (CONNECT)."},
    {"destinations.<name>.proxy_authorization", "secret", "", "`webhook`, `slack`: value of `Proxy-Authorization`. Needs `proxy`."},
    {"destinations.<name>.headers", "mapping", "", "`webhook`: further headers; values may hold `${…}`."},
    {"destinations.<name>.mode", "`structured` or `binary`", "structured", "`webhook`: CloudEvents content mode."},
    {"destinations.<name>.secret", "secret", "", "`webhook`: signs each request by Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes."},
    {"destinations.<name>.previous_secret", "secret", "",
     "`webhook`: signs each request also with the secret before a change, until the receiver knows the new one. Needs `secret`."},
    {"destinations.<name>.format", "`json` or `text`", "json", "`stdout`: one line an alert."},

    {"routes[].when", "mapping", "", "All that is given must hold; `when: {}` takes every alert. Required."},
    {"routes[].when.severity", "severity, or list", "", "Any of them."},
    {"routes[].when.labels.<label>", "text", "", "Each must stand in the rule."},
    {"routes[].to", "list of destinations", "", "Besides each rule's own `to`. Required."},

    {"log.format", "`auto`, `journald`, `text` or `json`", "auto", "`auto`: journald under systemd, text on a terminal, JSON else."},
    {"log.level", "`trace`, `debug`, `info`, `warning` or `error`", "info", ""},
    {"status.listen", "`address:port`, or `off`", "127.0.0.1:9464", "`/metrics`, `/healthz`, `/readyz`. Port 0: any free one; the log says which."},
};

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::span<const Option> option_table() { return table; }

std::string reference() {
  std::string out =
      "# Configuration\n\n"
      "Printed by `newswatchd config reference`. One YAML file, given as `--config FILE`; `config/newswatchd.yaml` has the\n"
      "options with their defaults, and samples. `newswatchd check --config FILE` checks it together with the rules, without broker and\n"
      "secrets; `newswatchd config show --config FILE` prints what is in force, and where each value comes from.\n\n"
      "- Durations are a whole number with `ms`, `s`, `m`, `h`, `d` or `w`; sizes with `B`, `kB`, `KiB`, `MB`, `MiB` …\n"
      "- `${file:PATH}` and `${env:NAME}` stand for a secret. They are replaced after the YAML is parsed, in addresses, names\n"
      "  and passwords. A relative path is looked up in systemd's credential directory, then beside the file. What is not\n"
      "  defined is an error; what was replaced is never printed. `$${` is a literal `${`. A secret that is written into the file itself\n"
      "  stands in messages that quote its line.\n"
      "- An unknown key and a key given twice are errors; keys that begin with `x-` are free.\n\n"
      "SIGHUP reads the file and the rules again. Rules, destinations, routes and the log level change at once; of the rest\n"
      "the log says that a restart is needed. With any error everything stays as it runs.\n\n"
      "| option | value | default | |\n|---|---|---|---|\n";
  for (const Option& option : table) {
    out += "| `" + std::string(option.path) + "` | " + cell(option.type) + " | ";
    if (!option.default_value.empty()) {
      const bool literal = option.default_value.find(' ') == std::string_view::npos || option.default_value.front() == '{' ||
                           option.default_value.front() == '[';
      out += literal ? "`" + cell(option.default_value) + "`" : cell(option.default_value);
    }
    out += " | " + cell(option.text) + " |\n";
  }
  return out;
}

}  // namespace newswatch::config
