// How `newswatchd match` shows a match: as JSON for programs, as text for people.

#include <algorithm>
#include <string>

#include "daemon/flow/alert.h"
#include "daemon/flow/json_writer.h"
#include "daemon/observe/log.h"
#include "daemon/replay/match_files.h"

namespace newswatch::replay {
namespace {

std::string_view name(Field field) { return field == Field::title ? "title" : "body"; }

/// Byte offset of the `wanted`th code point.
std::size_t byte_of(std::string_view text, std::size_t wanted) {
  std::size_t at = 0;
  for (; at < text.size() && wanted > 0; --wanted) {
    do {
      ++at;
    } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  }
  return at;
}

/// The snippet with its hits between `on` and `off`; overlapping hits make one mark.
std::string marked_snippet(const flow::Evidence& evidence, std::string_view on, std::string_view off) {
  std::vector<std::pair<std::size_t, std::size_t>> marks;
  for (const Hit& hit : evidence.hits) {
    if (hit.field != evidence.snippet_field || hit.end <= evidence.snippet_start) continue;
    const std::size_t from = hit.start > evidence.snippet_start ? hit.start - evidence.snippet_start : 0;
    const std::size_t begin = byte_of(evidence.snippet, from);
    const std::size_t end = byte_of(evidence.snippet, hit.end - evidence.snippet_start);
    if (begin >= end) continue;
    if (!marks.empty() && begin <= marks.back().second) {
      marks.back().second = std::max(marks.back().second, end);
    } else {
      marks.emplace_back(begin, end);
    }
  }
  std::string out;
  std::size_t at = 0;
  const std::string_view text = evidence.snippet;
  for (const auto& [begin, end] : marks) {
    out += observe::escape_for_log(text.substr(at, begin - at));
    out += on;
    out += observe::escape_for_log(text.substr(begin, end - begin));
    out += off;
    at = end;
  }
  return out + observe::escape_for_log(text.substr(at));
}

}  // namespace

std::string to_json(const flow::MatchRecord& match, bool with_hits) {
  std::string out;
  flow::JsonWriter json(out);
  json.begin_object();
  json.member("article", match.article.id).member("rule", match.rule.id).member("severity", flow::name(match.rule.severity));
  if (with_hits) {
    json.key("entities").begin_array();
    for (const std::string& entity : match.evidence.entities) json.value(entity);
    json.end_array().key("hits").begin_array();
    for (const Hit& hit : match.evidence.hits) {
      json.begin_object().member("term", hit.term).member_unless_empty("entity", hit.entity);
      json.member("field", name(hit.field)).member("start", hit.start).member("end", hit.end).member("text", hit.text);
      json.end_object();
    }
    json.end_array().member("snippet", match.evidence.snippet);
  }
  json.end_object();
  return out;
}

std::string to_text(const flow::MatchRecord& match, bool colour, bool with_hits) {
  const std::string_view bold = colour ? "\x1b[1m" : "", mark = colour ? "\x1b[1;31m" : "**", plain = colour ? "\x1b[0m" : "";
  std::string out = std::string(bold) + match.rule.id + std::string(plain) + " [" + std::string(flow::name(match.rule.severity)) + "] ";
  out += observe::escape_for_log(match.article.title.empty() ? match.article.id : match.article.title);
  if (!match.article.source.empty()) out += " (" + observe::escape_for_log(match.article.source) + ")";
  out += "\n";
  if (with_hits) out += "    " + marked_snippet(match.evidence, mark, colour ? plain : "**") + "\n";
  return out;
}

}  // namespace newswatch::replay
