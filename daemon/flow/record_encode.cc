#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "daemon/flow/json_writer.h"
#include "daemon/flow/record_codec.h"
#include "daemon/flow/record_words.h"
#include "daemon/flow/utf8.h"

namespace newswatch::flow {
namespace {

// How much of a record is kept. A record is written with the first of `cuts`, and again with the next while it is too
// large; almost none ever is. Each drops what the one before it drops, and more.
struct Cut {
  std::size_t hits, hit_text, list, text, numbers;
  bool summary;  // it shortens the summary
};
// A writing that is past the limit is thrown away, so lists end there.
constexpr std::size_t all = static_cast<std::size_t>(-1);
constexpr std::array cuts{
    Cut{all, all, all, all, all, false}, Cut{100, 2000, all, all, all, false}, Cut{10, 1000, all, all, all, false},
    Cut{1, 500, all, all, all, false},   Cut{1, 500, 50, 1000, 2000, true},    Cut{1, 200, 5, 200, 200, true},
    Cut{1, 100, 0, 50, 10, true},
};

void write_list(JsonWriter& json, std::string_view name, const std::vector<std::string>& list, const Cut& cut) {
  if (list.empty()) return;
  json.key(name).begin_array();
  for (std::size_t i = 0; i < std::min(list.size(), cut.list); ++i) json.value(clip(list[i], cut.text));
  json.end_array();
}

void write_whole_list(JsonWriter& json, std::string_view name, const std::vector<std::string>& list) {
  json.key(name).begin_array();
  for (const std::string& text : list) json.value(text);
  json.end_array();
}

void write_article(JsonWriter& json, const ArticleSummary& article, const Cut& cut) {
  json.key("article").begin_object();
  json.member("feed", article.feed).member("id", article.id).member("version", article.version);
  json.member("title", clip(article.title, cut.text));
  json.member_unless_empty("url", clip(article.url, cut.text == all ? all : cut.text * 2));
  json.member_unless_empty("source", clip(article.source, cut.text));
  write_list(json, "authors", article.authors, cut);
  write_list(json, "sections", article.sections, cut);
  write_list(json, "tags", article.tags, cut);
  write_list(json, "countries", article.countries, cut);
  if (article.published) json.member("published", format_time(*article.published));
  if (article.updated) json.member("updated", format_time(*article.updated));
  json.member_unless_empty("language", clip(article.language, cut.text));
  json.member("status", word(article.status));
  if (!article.entities.empty()) {
    json.key("entities").begin_array();
    for (std::size_t i = 0; i < std::min(article.entities.size(), cut.list); ++i) {
      const UpstreamEntity& entity = article.entities[i];
      json.begin_object();
      json.member_unless_empty("id", clip(entity.id, cut.text));
      json.member_unless_empty("name", clip(entity.name, cut.text));
      json.member_unless_empty("type", clip(entity.type, cut.text));
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
}

void write_evidence(JsonWriter& json, const Evidence& evidence, const Cut& cut, std::size_t limit) {
  json.key("entities").begin_array();
  for (std::size_t i = 0; i < std::min(evidence.entities.size(), cut.summary ? cut.list : all); ++i)
    json.value(clip(evidence.entities[i], cut.text));
  json.end_array();
  json.key("hits").begin_array();
  for (std::size_t i = 0; i < std::min(evidence.hits.size(), cut.hits) && json.size() <= limit; ++i) {
    const Hit& hit = evidence.hits[i];
    json.begin_object().member("term", clip(hit.term, cut.hit_text));
    json.member_unless_empty("entity", clip(hit.entity, cut.hit_text));
    json.member("field", word(hit.field)).member("start", hit.start).member("end", hit.end);
    json.member("text", clip(hit.text, cut.hit_text)).end_object();
  }
  json.end_array();
  json.member("hits_total", std::max<std::size_t>(evidence.hits_total, evidence.hits.size()));
  if (!evidence.snippet.empty()) {
    json.key("snippet").begin_object();
    json.member("text", clip(evidence.snippet, cut.text)).member("field", word(evidence.snippet_field));
    json.member("start", evidence.snippet_start).end_object();
  }
}

void write_labels(JsonWriter& json, const std::vector<std::pair<std::string, std::string>>& labels) {
  json.key("labels").begin_object();
  for (const auto& [label, text] : labels) json.text_key(label).value(text);
  json.end_object();
}

// As hexadecimal text: many JSON tools keep only 53 bits of a number.
void write_hashes(JsonWriter& json, std::string_view name, const std::vector<std::uint64_t>& hashes, const Cut& cut) {
  if (hashes.empty()) return;
  json.key(name).begin_array();
  for (std::size_t i = 0; i < std::min(hashes.size(), cut.numbers); ++i) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hashes[i]));
    json.value(digits);
  }
  json.end_array();
}

std::string write(const MatchRecord& match, const Cut& cut, std::size_t limit) {
  std::string out;
  out.reserve(2048);
  JsonWriter json(out);
  const RuleInfo& rule = match.rule;
  json.begin_object().member("v", record_version);
  json.key("rule").begin_object();
  json.member("key", rule.key).member("id", rule.id).member("title", clip(rule.title, cut.text));
  json.member("status", word(rule.status)).member("severity", word(rule.severity));
  write_labels(json, rule.labels);
  write_whole_list(json, "to", rule.to);
  json.key("alert").begin_object();
  write_whole_list(json, "group_by", rule.alert.group_by);
  json.member("stories", word(rule.alert.stories)).member("cooldown_ms", rule.alert.cooldown.count());
  json.end_object().end_object();
  json.member("revision", match.revision);
  write_article(json, match.article, cut);
  write_evidence(json, match.evidence, cut, limit);
  write_hashes(json, "sentences", match.sentences, cut);
  json.member_unless_empty("body_hash", match.body_hash);
  write_hashes(json, "signature", match.signature, cut);
  json.member("record_time", format_time(match.record_time));
  json.key("origin").begin_object();
  json.member("topic", match.origin.topic).member("partition", match.origin.partition);
  json.member("offset", match.origin.offset).end_object();
  if (match.summary_cut || cut.summary) json.member("summary_cut", true);
  json.end_object();
  return out;
}

std::string write(const Alert& alert, const Cut& cut, std::size_t limit) {
  std::string out;
  out.reserve(2048);
  JsonWriter json(out);
  json.begin_object().member("v", record_version);
  json.member("id", alert.id).member("kind", name(alert.kind)).member("shadow", alert.shadow);
  json.member("time", format_time(alert.time));
  json.key("rule").begin_object();
  json.member("key", alert.rule.key).member("id", alert.rule.id).member("title", clip(alert.rule.title, cut.text));
  json.member("severity", word(alert.rule.severity));
  write_labels(json, alert.rule.labels);
  json.member("revision", alert.rule.revision).end_object();
  json.member_unless_empty("group", alert.group);
  write_article(json, alert.article, cut);
  write_evidence(json, alert.evidence, cut, limit);
  write_whole_list(json, "destinations", alert.destinations);
  if (alert.summary_cut || cut.summary) json.member("summary_cut", true);
  json.end_object();
  return out;
}

template <class Record>
std::string write_within(const Record& record, std::size_t limit) {
  std::string out;
  for (const Cut& cut : cuts) {
    out = write(record, cut, limit);
    if (out.size() <= limit) break;
  }
  return out;
}

constexpr std::string_view event_source = "/newswatchd";

std::string event_type(const Alert& alert) { return "newswatch." + std::string(name(alert.kind)); }

// Header values and the subject are for machines that may split lines.
std::string printable(std::string_view text) {
  std::string out = valid_utf8(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return out;
}

}  // namespace

std::string encode(const MatchRecord& match, std::size_t limit) { return write_within(match, limit); }
std::string encode(const Alert& alert, std::size_t limit) { return write_within(alert, limit); }

std::vector<RecordHeader> cloud_event_headers(const Alert& alert) {
  return {{"ce_specversion", "1.0"},
          {"ce_id", printable(alert.id)},
          {"ce_source", std::string(event_source)},
          {"ce_type", event_type(alert)},
          {"ce_time", format_time(alert.time)},
          {"ce_subject", printable(alert.rule.id)},
          {"content-type", "application/json"}};
}

std::string cloud_event(const Alert& alert) {
  const std::string data = encode(alert);
  std::string out;
  out.reserve(data.size() + 300);
  JsonWriter json(out);
  json.begin_object().member("specversion", "1.0").member("id", printable(alert.id)).member("source", event_source);
  json.member("type", event_type(alert)).member("time", format_time(alert.time));
  json.member("subject", printable(alert.rule.id)).member("datacontenttype", "application/json");
  json.key("data").raw(data).end_object();
  return out;
}

std::string format_time(Time time) {
  using namespace std::chrono;
  static constexpr Time earliest{sys_days{year{1} / January / 1}};
  static constexpr Time latest{sys_days{year{9999} / December / 31} + hours{24} - milliseconds{1}};
  time = std::clamp(time, earliest, latest);
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  std::string text = "0000-00-00T00:00:00.000Z";  // four times a record: snprintf would be most of its cost
  const auto put = [&](std::size_t end, unsigned number) {
    for (; number > 0; number /= 10) text[--end] = static_cast<char>('0' + number % 10);
  };
  put(4, static_cast<unsigned>(int(date.year())));
  put(7, unsigned(date.month()));
  put(10, unsigned(date.day()));
  put(13, static_cast<unsigned>(clock.hours().count()));
  put(16, static_cast<unsigned>(clock.minutes().count()));
  put(19, static_cast<unsigned>(clock.seconds().count()));
  put(23, static_cast<unsigned>(clock.subseconds().count()));
  return text;
}

}  // namespace newswatch::flow
