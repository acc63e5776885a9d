#include <boost/json.hpp>
#include <chrono>
#include <limits>
#include <string>

#include "daemon/flow/record_codec.h"
#include "daemon/flow/record_words.h"

namespace newswatch::flow {
namespace {

namespace json = boost::json;

// Takes members out of objects and remembers the first thing that is wrong; what it returns after that does not
// matter. So decoding is one straight run, and there is one place where it fails.
class Reader {
 public:
  const std::string& problem() const { return problem_; }
  bool ok() const { return problem_.empty(); }
  void fail(std::string_view name, std::string_view what) {
    if (ok()) problem_ = "member \"" + std::string(name) + "\" " + std::string(what);
  }

  std::string text(const json::object& object, std::string_view name) {
    return text_of(find(object, name), name, true);
  }
  std::string optional_text(const json::object& object, std::string_view name) {
    return text_of(object.if_contains(name), name, false);
  }

  template <class Int>
  Int number(const json::object& object, std::string_view name) {
    const json::value* value = find(object, name);
    if (!value) return 0;
    std::int64_t number = 0;
    if (value->is_int64()) {
      number = value->get_int64();
    } else {
      fail(name, "is not an integer in range");
      return 0;
    }
    if (number < static_cast<std::int64_t>(std::numeric_limits<Int>::min()) ||
        (sizeof(Int) < 8 && number > static_cast<std::int64_t>(std::numeric_limits<Int>::max()))) {
      fail(name, "is out of range");
      return 0;
    }
    return static_cast<Int>(number);
  }

  bool optional_flag(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (!value) return false;
    if (!value->is_bool()) fail(name, "is neither true nor false");
    return value->is_bool() && value->get_bool();
  }

  template <class Enum>
  Enum choice(const json::object& object, std::string_view name) {
    const json::value* value = find(object, name);
    if (!value) return Enum{};
    const auto known = value->is_string() ? value_of<Enum>(value->get_string()) : std::nullopt;
    if (!known) fail(name, "has no known value");
    return known.value_or(Enum{});
  }

  Time time(const json::object& object, std::string_view name) {
    const json::value* value = find(object, name);
    return value ? time_of(*value, name) : Time{};
  }
  std::optional<Time> optional_time(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (!value) return std::nullopt;
    return time_of(*value, name);
  }

  const json::object& object(const json::object& parent, std::string_view name) {
    const json::value* value = find(parent, name);
    return value ? as_object(*value, name) : empty_;
  }
  const json::object& as_object(const json::value& value, std::string_view name) {
    if (const json::object* object = value.if_object()) return *object;
    fail(name, "is not an object");
    return empty_;
  }
  const json::array& array(const json::object& parent, std::string_view name) {
    const json::value* value = find(parent, name);
    return value ? as_array(*value, name) : no_elements_;
  }
  const json::array& optional_array(const json::object& parent, std::string_view name) {
    const json::value* value = parent.if_contains(name);
    return value ? as_array(*value, name) : no_elements_;
  }

  std::vector<std::string> texts(const json::array& array, std::string_view name) {
    std::vector<std::string> out;
    out.reserve(array.size());
    for (const json::value& value : array) out.push_back(text_of(&value, name, true));
    return out;
  }

  std::vector<std::uint64_t> hashes(const json::object& parent, std::string_view name) {
    std::vector<std::uint64_t> out;
    for (const json::value& value : optional_array(parent, name)) {
      std::uint64_t number = 0;
      const std::string text = text_of(&value, name, true);
      bool good = text.size() == 16;
      for (const char c : text) {
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        good = good && digit >= 0;
        number = number << 4 | static_cast<unsigned>(digit & 15);
      }
      if (!good) fail(name, "holds something else than 16 hexadecimal digits");
      out.push_back(number);
    }
    return out;
  }

 private:
  const json::value* find(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (!value) fail(name, "is missing");
    return value;
  }

  std::string text_of(const json::value* value, std::string_view name, bool required) {
    if (!value) {
      if (required) fail(name, "is missing");
      return {};
    }
    if (const json::string* text = value->if_string()) return std::string(text->data(), text->size());
    fail(name, "is not a text");
    return {};
  }

  const json::array& as_array(const json::value& value, std::string_view name) {
    if (const json::array* array = value.if_array()) return *array;
    fail(name, "is not a list");
    return no_elements_;
  }

  // Only the form that format_time writes.
  Time time_of(const json::value& value, std::string_view name) {
    const std::string text = text_of(&value, name, true);
    static constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd.dddZ";
    bool good = text.size() == form.size();
    for (std::size_t i = 0; good && i < form.size(); ++i)
      good = form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
    if (!good) {
      fail(name, "is not a time like 2026-01-02T03:04:05.678Z");
      return {};
    }
    const auto digits = [&](std::size_t from, std::size_t count) {
      int number = 0;
      for (std::size_t i = from; i < from + count; ++i) number = number * 10 + (text[i] - '0');
      return number;
    };
    using namespace std::chrono;
    const year_month_day date{year{digits(0, 4)}, month(unsigned(digits(5, 2))), day(unsigned(digits(8, 2)))};
    const int h = digits(11, 2), m = digits(14, 2), s = digits(17, 2);
    if (!date.ok() || h > 23 || m > 59 || s > 59) {
      fail(name, "is not a time of the calendar");
      return {};
    }
    return Time{sys_days{date}} + hours{h} + minutes{m} + seconds{s} + milliseconds{digits(20, 3)};
  }

  std::string problem_;
  json::object empty_;
  json::array no_elements_;
};

std::vector<std::pair<std::string, std::string>> read_labels(Reader& reader, const json::object& rule) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const auto& member : reader.object(rule, "labels")) {
    if (!member.value().is_string()) reader.fail("labels", "holds something else than text");
    if (const json::string* text = member.value().if_string())
      labels.emplace_back(std::string(member.key()), std::string(text->data(), text->size()));
  }
  return labels;
}

ArticleSummary read_article(Reader& reader, const json::object& object) {
  ArticleSummary article;
  article.feed = reader.text(object, "feed");
  article.id = reader.text(object, "id");
  article.version = reader.text(object, "version");
  article.title = reader.text(object, "title");
  article.url = reader.optional_text(object, "url");
  article.source = reader.optional_text(object, "source");
  article.authors = reader.texts(reader.optional_array(object, "authors"), "authors");
  article.sections = reader.texts(reader.optional_array(object, "sections"), "sections");
  article.tags = reader.texts(reader.optional_array(object, "tags"), "tags");
  article.countries = reader.texts(reader.optional_array(object, "countries"), "countries");
  article.published = reader.optional_time(object, "published");
  article.updated = reader.optional_time(object, "updated");
  article.language = reader.optional_text(object, "language");
  article.status = reader.choice<ArticleStatus>(object, "status");
  for (const json::value& value : reader.optional_array(object, "entities")) {
    const json::object& entity = reader.as_object(value, "entities");
    article.entities.push_back({reader.optional_text(entity, "id"), reader.optional_text(entity, "name"),
                                reader.optional_text(entity, "type")});
  }
  return article;
}

Evidence read_evidence(Reader& reader, const json::object& object) {
  Evidence evidence;
  evidence.entities = reader.texts(reader.array(object, "entities"), "entities");
  for (const json::value& value : reader.array(object, "hits")) {
    const json::object& member = reader.as_object(value, "hits");
    Hit hit;
    hit.term = reader.text(member, "term");
    hit.entity = reader.optional_text(member, "entity");
    hit.field = reader.choice<Field>(member, "field");
    hit.start = reader.number<std::uint32_t>(member, "start");
    hit.end = reader.number<std::uint32_t>(member, "end");
    hit.text = reader.text(member, "text");
    evidence.hits.push_back(std::move(hit));
  }
  evidence.hits_total = reader.number<std::uint32_t>(object, "hits_total");
  if (object.contains("snippet")) {
    const json::object& snippet = reader.object(object, "snippet");
    evidence.snippet = reader.text(snippet, "text");
    evidence.snippet_field = reader.choice<Field>(snippet, "field");
    evidence.snippet_start = reader.number<std::uint32_t>(snippet, "start");
  }
  return evidence;
}

MatchRecord read_match(Reader& reader, const json::object& object) {
  MatchRecord match;
  const json::object& rule = reader.object(object, "rule");
  match.rule.key = reader.text(rule, "key");
  match.rule.id = reader.text(rule, "id");
  match.rule.title = reader.text(rule, "title");
  match.rule.status = reader.choice<RuleStatus>(rule, "status");
  match.rule.severity = reader.choice<Severity>(rule, "severity");
  match.rule.labels = read_labels(reader, rule);
  match.rule.to = reader.texts(reader.array(rule, "to"), "to");
  const json::object& alert = reader.object(rule, "alert");
  match.rule.alert.group_by = reader.texts(reader.array(alert, "group_by"), "group_by");
  match.rule.alert.stories = reader.choice<Stories>(alert, "stories");
  match.rule.alert.cooldown = std::chrono::milliseconds(reader.number<std::int64_t>(alert, "cooldown_ms"));
  static constexpr std::int64_t century_ms = 100ll * 366 * 86'400 * 1000;
  if (match.rule.alert.cooldown.count() < 0 || match.rule.alert.cooldown.count() > century_ms)
    reader.fail("cooldown_ms", "is out of range");
  match.revision = reader.text(object, "revision");
  match.article = read_article(reader, reader.object(object, "article"));
  match.evidence = read_evidence(reader, object);
  match.sentences = reader.hashes(object, "sentences");
  match.body_hash = reader.optional_text(object, "body_hash");
  match.signature = reader.hashes(object, "signature");
  match.record_time = reader.time(object, "record_time");
  const json::object& origin = reader.object(object, "origin");
  match.origin.topic = reader.text(origin, "topic");
  match.origin.partition = reader.number<std::int32_t>(origin, "partition");
  match.origin.offset = reader.number<std::int64_t>(origin, "offset");
  match.summary_cut = reader.optional_flag(object, "summary_cut");
  return match;
}

Alert read_alert(Reader& reader, const json::object& object) {
  Alert alert;
  alert.id = reader.text(object, "id");
  alert.kind = reader.choice<AlertKind>(object, "kind");
  alert.shadow = reader.optional_flag(object, "shadow");
  alert.time = reader.time(object, "time");
  const json::object& rule = reader.object(object, "rule");
  alert.rule.key = reader.text(rule, "key");
  alert.rule.id = reader.text(rule, "id");
  alert.rule.title = reader.text(rule, "title");
  alert.rule.severity = reader.choice<Severity>(rule, "severity");
  alert.rule.labels = read_labels(reader, rule);
  alert.rule.revision = reader.text(rule, "revision");
  alert.group = reader.optional_text(object, "group");
  alert.article = read_article(reader, reader.object(object, "article"));
  alert.evidence = read_evidence(reader, object);
  alert.destinations = reader.texts(reader.array(object, "destinations"), "destinations");
  alert.summary_cut = reader.optional_flag(object, "summary_cut");
  return alert;
}

// One parse into memory that goes away at once. Boost.JSON's parser reports through the error code; only memory can
// run out, and that ends the process anyway.
template <class Record>
Result<Record> decode(std::string_view value, std::string_view what, Record (*read)(Reader&, const json::object&)) {
  const auto bad = [&](std::string_view why) {
    return permanent_error("bad_record", "not " + std::string(what) + ": " + std::string(why));
  };
  unsigned char buffer[16 * 1024];
  json::monotonic_resource memory(buffer);
  boost::system::error_code error;
  const json::value document = json::parse(json::string_view(value.data(), value.size()), error, &memory);
  if (error) return bad("no JSON (" + error.message() + ")");
  const json::object* object = document.if_object();
  if (!object) return bad("no JSON object");
  Reader reader;
  const int version = reader.number<int>(*object, "v");
  if (reader.ok() && (version < 1 || version > record_version))
    return bad("its version " + std::to_string(version) + " is not known here; written by a newer newswatchd?");
  Record record = read(reader, *object);
  if (!reader.ok()) return bad(reader.problem());
  return record;
}

}  // namespace

Result<MatchRecord> decode_match(std::string_view value) { return decode(value, "a match record", &read_match); }
Result<Alert> decode_alert(std::string_view value) { return decode(value, "an alert", &read_alert); }

}  // namespace newswatch::flow
