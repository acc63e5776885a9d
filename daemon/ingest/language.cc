#include "daemon/ingest/language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>
#include <unicode/uloc.h>

#include <cstdint>
#include <unordered_map>

namespace newswatch::ingest {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

bool is_tag(std::string_view text) {
  std::size_t part = 0;
  bool first = true;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == '-') {
      if (part < (first ? 2u : 1u) || part > (first ? 3u : 8u)) return false;
      part = 0;
      first = false;
      continue;
    }
    const char c = lower(text[i]);
    if (!(c >= 'a' && c <= 'z') && (first || c < '0' || c > '9')) return false;
    ++part;
  }
  return true;
}

/// English names and three-letter codes → the shortest code. Filled once from ICU; read by all threads after that.
const std::unordered_map<std::string, std::string>& known_names() {
  static const auto names = [] {
    std::unordered_map<std::string, std::string> map;
    for (const char* const* code = uloc_getISOLanguages(); *code; ++code) {
      if (std::string_view(*code).size() > 2 && map.count(*code)) continue;
      if (const char* three = uloc_getISO3Language(*code); three && *three) map.emplace(three, *code);
      UErrorCode error = U_ZERO_ERROR;
      char16_t name[128];
      const int32_t size = uloc_getDisplayLanguage(*code, "en", name, 128, &error);
      if (U_FAILURE(error)) continue;
      std::string ascii;
      for (int32_t i = 0; i < size; ++i) {
        if (name[i] >= 128) break;
        ascii += lower(char(name[i]));
      }
      if (ascii.size() == std::size_t(size) && ascii.size() > 3) map.emplace(ascii, *code);
    }
    // The bibliographic codes of ISO 639-2 that differ from the terminological ones.
    for (const auto& [other, code] : {std::pair{"ger", "de"}, {"fre", "fr"}, {"dut", "nl"}, {"chi", "zh"}, {"cze", "cs"},
                                      {"gre", "el"}, {"per", "fa"}, {"rum", "ro"}, {"slo", "sk"}, {"alb", "sq"},
                                      {"arm", "hy"}, {"geo", "ka"}, {"ice", "is"}, {"mac", "mk"}, {"may", "ms"},
                                      {"bur", "my"}, {"baq", "eu"}, {"wel", "cy"}, {"tib", "bo"}, {"mao", "mi"}})
      map.emplace(other, code);
    return map;
  }();
  return names;
}

/// At most `most` bytes from the front, cut before a character.
std::string_view head(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace

std::string language_tag(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.size() == 2) {  // nearly always
    const std::string code{lower(text[0]), lower(text[1])};
    return is_tag(code) ? code : std::string();
  }
  if (text.size() > 64) return {};
  std::string tag;
  for (const char c : text) tag += c == '_' ? '-' : c;
  std::string primary;
  for (const char c : std::string_view(tag).substr(0, tag.find('-'))) primary += lower(c);
  if (primary == "und") return {};
  if (primary.size() > 2) {
    const auto known = known_names().find(primary);
    if (known != known_names().end())
      return tag.find('-') == std::string::npos ? known->second : known->second + tag.substr(tag.find('-'));
  }
  if (!is_tag(tag)) return {};
  return primary + tag.substr(primary.size());
}

std::string detect_language(std::string_view title, std::string_view body) {
  std::string sample;
  sample.reserve(610);
  sample += head(title, 200);
  sample += '\n';
  sample += head(body, 400);
  bool reliable = false;
  CLD2::Language languages[3];
  int percents[3];
  int text_bytes = 0;
  const CLD2::Language found = CLD2::DetectLanguageSummary(sample.data(), int(sample.size()), true, languages, percents,
                                                           &text_bytes, &reliable);
  if (!reliable || found == CLD2::UNKNOWN_LANGUAGE) return {};
  const std::string_view code = CLD2::LanguageCode(found);
  if (code == "un" || code.starts_with("xx")) return {};
  if (code == "zh-Hant") return "zh-Hant";
  if (code == "iw") return "he";
  return language_tag(code);
}

}  // namespace newswatch::ingest
