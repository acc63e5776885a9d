#include "config/yaml/diagnostic.h"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

namespace newswatch::yaml {
namespace {

// Enough of a line to see what stands around the caret; a flow sequence may be a megabyte long.
constexpr std::size_t most_columns = 110;
constexpr std::size_t columns_before_caret = 70;

std::size_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xF0) return 4;
  if (lead >= 0xE0) return 3;
  return lead >= 0xC0 ? 2 : 1;
}

char32_t decode(std::string_view text, std::size_t at, std::size_t length) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  if (length == 1 || at + length > text.size()) return byte(0);
  char32_t code = byte(0) & (0xFF >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) code = (code << 6) | (byte(i) & 0x3F);
  return code;
}

// Cells of a terminal; an approximation of UAX #11 that keeps the caret under the character for the common scripts.
std::size_t cells(char32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  if ((c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
      (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
      (c >= 0x1F300 && c <= 0x1F64F) || (c >= 0x1F900 && c <= 0x1F9FF) || (c >= 0x20000 && c <= 0x3FFFD))
    return 2;
  return 1;
}

bool invisible(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

// Text of a stranger on a terminal: no control characters, no direction overrides.
std::string visible(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = std::min(length_of(static_cast<unsigned char>(text[i])), text.size() - i);
    // A lead byte must not carry what follows past the check: files that are not UTF-8 are quoted too.
    const auto tail = text.substr(i + 1, length - 1);
    const bool whole = static_cast<unsigned char>(text[i]) < 0x80 || (length > 1 && static_cast<unsigned char>(text[i]) < 0xF8 &&
                       std::all_of(tail.begin(), tail.end(), [](char t) { return (static_cast<unsigned char>(t) & 0xC0) == 0x80; }));
    if (!whole) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    const char32_t c = decode(text, i, length);
    if (c == '\t')
      out += ' ';
    else if (invisible(c))
      out += "\xEF\xBF\xBD";
    else
      out += text.substr(i, length);
    i += length;
  }
  return out;
}

// The part of a line around a column that diagnostics keep, and the column at which it begins.
std::pair<std::string, std::uint32_t> around(std::string_view line, std::uint32_t column) {
  constexpr std::uint32_t before = 500, after = 500;
  const std::uint32_t first = column > before ? column - before : 1;
  std::size_t begin = line.size(), end = line.size();
  std::uint32_t at = 1;
  for (std::size_t i = 0; i < line.size(); i += length_of(static_cast<unsigned char>(line[i])), ++at) {
    if (at == first) begin = i;
    if (at == column + after) {
      end = i;
      break;
    }
  }
  begin = std::min(begin, end);
  return {std::string(line.substr(begin, end - begin)), first};
}

void append_escaped(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          char buffer[8];
          std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
          out += buffer;
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0u : 1u)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

std::string_view intern_file(std::string_view name) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>>* const names = new std::set<std::string, std::less<>>;
  const std::lock_guard lock(mutex);
  auto found = names->find(name);
  if (found == names->end()) found = names->emplace(name).first;
  return *found;
}

std::string to_string(const Place& place) {
  std::string out(place.file);
  if (place.line > 0) {
    out += ':' + std::to_string(place.line);
    if (place.column > 0) out += ':' + std::to_string(place.column);
  }
  return out;
}

void Diagnostics::add_source(std::string_view file, std::shared_ptr<const std::string> text) {
  Source source{std::move(text), {0}};
  for (std::size_t i = 0; i < source.text->size(); ++i)
    if ((*source.text)[i] == '\n') source.lines.push_back(i + 1);
  if (std::find(order_.begin(), order_.end(), file) == order_.end()) order_.emplace_back(file);
  sources_.insert_or_assign(std::string(file), std::move(source));
}

std::shared_ptr<const std::string> Diagnostics::source(std::string_view file) const {
  const auto found = sources_.find(file);
  return found == sources_.end() ? nullptr : found->second.text;
}

void Diagnostics::error(const Place& place, std::string_view code, std::string message, std::string hint) {
  ++errors_;
  add(Level::error, place, code, std::move(message), std::move(hint));
}

void Diagnostics::warning(const Place& place, std::string_view code, std::string message, std::string hint) {
  ++warnings_;
  add(Level::warning, place, code, std::move(message), std::move(hint));
}

void Diagnostics::add(Level level, const Place& place, std::string_view code, std::string message, std::string hint) {
  if (kept_.size() >= most_kept) return;
  Diagnostic diagnostic{level, std::string(code), place, std::move(message), std::move(hint), {}, 1};
  diagnostic.place.file = intern_file(place.file);
  if (std::find(order_.begin(), order_.end(), place.file) == order_.end()) order_.emplace_back(place.file);
  const auto source = sources_.find(place.file);
  if (source != sources_.end() && place.line > 0 && place.line <= source->second.lines.size()) {
    const auto& [text, lines] = source->second;
    const std::size_t begin = lines[place.line - 1];
    std::size_t end = place.line < lines.size() ? lines[place.line] - 1 : text->size();
    if (end > begin && (*text)[end - 1] == '\r') --end;
    std::tie(diagnostic.source_line, diagnostic.source_column) =
        around(std::string_view(*text).substr(begin, end - begin), place.column);
  }
  kept_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  const auto rank = [&](std::string_view file) { return std::find(order_.begin(), order_.end(), file) - order_.begin(); };
  std::vector<std::pair<std::ptrdiff_t, const Diagnostic*>> ranked;
  for (const auto& diagnostic : kept_) ranked.emplace_back(rank(diagnostic.place.file), &diagnostic);
  const auto key = [](const auto& entry) {
    const Diagnostic& d = *entry.second;
    return std::tie(entry.first, d.place.line, d.place.column, d.level, d.code, d.message);
  };
  std::stable_sort(ranked.begin(), ranked.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  std::vector<Diagnostic> out;
  for (std::size_t i = 0; i < ranked.size(); ++i)
    if (i == 0 || key(ranked[i]) != key(ranked[i - 1])) out.push_back(*ranked[i].second);
  return out;
}

std::string render(const Diagnostic& diagnostic, bool colour) {
  const auto paint = [&](std::string_view code, std::string_view text) {
    return colour ? "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m" : std::string(text);
  };
  const bool error = diagnostic.level == Level::error;
  std::string out = paint("1", visible(to_string(diagnostic.place)) + ":") + " ";
  out += paint(error ? "1;31" : "1;35", error ? "error:" : "warning:") + " ";
  out += paint("1", visible(diagnostic.message)) + " [" + diagnostic.code + "]\n";
  if (!diagnostic.source_line.empty()) {
    // A window of the line in which the caret stands.
    const std::string line = visible(diagnostic.source_line);
    const std::size_t first = diagnostic.source_column;
    const std::size_t caret = diagnostic.place.column >= first ? diagnostic.place.column - first : 0;
    const std::size_t skip = caret > columns_before_caret + 10 ? caret - columns_before_caret : 0;
    std::string window, pad;
    std::size_t column = 0, shown = 0;
    if (skip > 0 || first > 1) window = "...", pad = "   ";
    for (std::size_t i = 0; i < line.size() && shown < most_columns; ++column) {
      const std::size_t length = length_of(static_cast<unsigned char>(line[i]));
      if (column >= skip) {
        window += line.substr(i, length);
        ++shown;
        if (column < caret) pad += std::string(cells(decode(line, i, length)), ' ');
      }
      i += length;
    }
    if (shown == most_columns) window += "...";
    const std::string number = std::to_string(diagnostic.place.line);
    const std::string gutter(std::max<std::size_t>(number.size(), 5) - number.size(), ' ');
    out += gutter + number + " | " + window + "\n";
    if (diagnostic.place.column > 0) {
      out += std::string(gutter.size() + number.size(), ' ') + " | " + pad;
      out += paint(error ? "1;31" : "1;35", "^") + "\n";
    }
  }
  if (!diagnostic.hint.empty()) out += "      = " + paint("36", "hint:") + " " + visible(diagnostic.hint) + "\n";
  return out;
}

std::string Diagnostics::text(bool colour) const {
  std::string out;
  const auto all = sorted();
  for (const auto& diagnostic : all) out += render(diagnostic, colour);
  if (empty()) return out;
  const std::size_t hidden = errors_ + warnings_ - kept_.size();
  const auto count = [](std::size_t n, std::string_view noun) {
    return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
  };
  if (errors_ > 0) out += count(errors_, "error");
  if (warnings_ > 0) out += (errors_ > 0 ? ", " : "") + count(warnings_, "warning");
  if (hidden > 0) out += " (" + std::to_string(hidden) + " not shown)";
  return out + "\n";
}

std::string Diagnostics::json() const {
  std::string out = "{\"errors\": " + std::to_string(errors_) + ", \"warnings\": " + std::to_string(warnings_) +
                    ", \"diagnostics\": [";
  bool first = true;
  for (const auto& d : sorted()) {
    out += first ? "\n  " : ",\n  ";
    first = false;
    out += "{\"level\": ";
    append_escaped(out, d.level == Level::error ? "error" : "warning");
    out += ", \"code\": ";
    append_escaped(out, d.code);
    out += ", \"file\": ";
    append_escaped(out, d.place.file);
    out += ", \"line\": " + std::to_string(d.place.line) + ", \"column\": " + std::to_string(d.place.column);
    out += ", \"message\": ";
    append_escaped(out, d.message);
    if (!d.hint.empty()) {
      out += ", \"hint\": ";
      append_escaped(out, d.hint);
    }
    if (!d.source_line.empty()) {
      out += ", \"source\": ";
      append_escaped(out, d.source_line);
      if (d.source_column > 1) out += ", \"source_column\": " + std::to_string(d.source_column);
    }
    out += "}";
  }
  return out + (first ? "]}\n" : "\n]}\n");
}

std::string_view nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > 64) return {};
  const std::size_t most = std::max<std::size_t>(1, word.size() / 3);
  std::string_view best;
  std::size_t best_distance = most + 1;
  for (const auto& candidate : candidates) {
    const std::size_t longer = std::max(candidate.size(), word.size());
    if (longer - std::min(candidate.size(), word.size()) > most) continue;
    const std::size_t d = distance(word, candidate);
    if (d < best_distance && d < candidate.size()) best_distance = d, best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates, std::string otherwise) {
  const auto found = nearest(word, candidates);
  return found.empty() ? std::move(otherwise) : "did you mean `" + std::string(found) + "`?";
}

}  // namespace newswatch::yaml
