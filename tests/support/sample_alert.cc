#include "tests/support/sample_alert.h"

#include "daemon/flow/record_codec.h"

namespace newswatch::test {

flow::Alert sample_alert(const std::string& stem, int n, std::vector<std::string> destinations) {
  flow::Alert alert;
  alert.id = "nw-" + stem + "-" + std::to_string(n);
  alert.time = Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 2)) + std::chrono::seconds(n);
  alert.rule.key = alert.rule.id = "rule-" + std::to_string(n % 7);
  alert.rule.title = "Rule " + std::to_string(n % 7);
  alert.rule.severity = engine::Severity::high;
  alert.rule.revision = "r1";
  alert.article.feed = "wires";
  alert.article.id = "article-" + std::to_string(n);
  alert.article.version = "1";
  alert.article.title = "Talks on NATO accession go on";
  alert.article.url = "https://news.example/" + std::to_string(n);
  alert.article.source = "news.example";
  alert.article.language = "en";
  alert.evidence.snippet = "The NATO accession of Sweden was discussed in Brussels on Tuesday.";
  Hit hit;
  hit.term = "NATO accession";
  hit.start = 4;
  hit.end = 18;
  hit.text = "NATO accession";
  alert.evidence.hits.push_back(hit);
  alert.destinations = std::move(destinations);
  return alert;
}

kafka::OutRecord alert_record(const std::string& topic, const flow::Alert& alert) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (auto& header : flow::cloud_event_headers(alert)) headers.emplace_back(header.name, header.value);
  return {topic, alert.rule.key, flow::encode(alert), std::move(headers), std::nullopt};
}

}  // namespace newswatch::test
