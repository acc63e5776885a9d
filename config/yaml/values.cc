// Scalars and mappings read with types; see document.h.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "config/yaml/document.h"

namespace newswatch::yaml {
namespace {

std::string kind_name(const Node& node) {
  switch (node.kind) {
    case Kind::null: return "nothing";
    case Kind::sequence: return "a list";
    case Kind::mapping: return "a mapping";
    case Kind::scalar: break;
  }
  return node.is_plain() ? "`" + node.text.substr(0, 60) + "`" : "a quoted text";
}

void wrong_type(const Node& node, std::string_view what, std::string_view wanted, Diagnostics& diagnostics,
                std::string hint = {}) {
  diagnostics.error(node.place, "wrong-type",
                    std::string(what) + " must be " + std::string(wanted) + ", not " + kind_name(node), std::move(hint));
}

// `number unit`, the whole text; the number is whole and not negative.
std::optional<std::pair<std::uint64_t, std::string_view>> number_and_unit(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return std::pair(number, text.substr(static_cast<std::size_t>(end - text.data())));
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<Unit, 6> duration_units{{{"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000},
                                              {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

}  // namespace

std::optional<std::string> read_text(const Node& node, std::string_view what, Diagnostics& diagnostics) {
  if (node.is_scalar()) return node.text;
  wrong_type(node, what, "a text", diagnostics);
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(const Node& node, std::string_view what, std::int64_t least, std::int64_t most,
                                         Diagnostics& diagnostics) {
  std::int64_t value = 0;
  if (node.is_plain()) {
    const char* end = node.text.data() + node.text.size();
    const char* begin = node.text.data() + (node.text.starts_with('+') ? 1 : 0);
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (stop == end && (error == std::errc() || error == std::errc::result_out_of_range)) {
      if (error == std::errc() && value >= least && value <= most) return value;
      diagnostics.error(node.place, "bad-value",
                        std::string(what) + " must be from " + std::to_string(least) +
                            (most == std::numeric_limits<std::int64_t>::max() ? " up" : " to " + std::to_string(most)) +
                            ", not " + node.text);
      return std::nullopt;
    }
  }
  wrong_type(node, what, "a whole number", diagnostics,
             node.is_scalar() && !node.is_plain() ? "write the number without quotes" : "");
  return std::nullopt;
}

std::optional<double> read_number(const Node& node, std::string_view what, double least, double most,
                                  Diagnostics& diagnostics) {
  double value = 0;
  if (node.is_plain()) {
    const char* end = node.text.data() + node.text.size();
    const auto [stop, error] = std::from_chars(node.text.data(), end, value);
    if (stop == end && error == std::errc() && std::isfinite(value)) {
      if (value >= least && value <= most) return value;
      char range[64];
      std::snprintf(range, sizeof range, "from %g to %g", least, most);
      diagnostics.error(node.place, "bad-value", std::string(what) + " must be " + range + ", not " + node.text);
      return std::nullopt;
    }
  }
  wrong_type(node, what, "a number", diagnostics,
             node.is_scalar() && !node.is_plain() ? "write the number without quotes" : "");
  return std::nullopt;
}

std::optional<bool> read_boolean(const Node& node, std::string_view what, Diagnostics& diagnostics) {
  if (node.is_plain() && (node.text == "true" || node.text == "false")) return node.text == "true";
  wrong_type(node, what, "`true` or `false`", diagnostics);
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, Milliseconds milliseconds) {
  const auto read = number_and_unit(text);
  if (!read) return std::nullopt;
  for (const auto& unit : duration_units) {
    if (unit.name != read->second || (unit.name == "ms" && milliseconds == Milliseconds::refused)) continue;
    constexpr std::uint64_t most = 3'650ULL * 86'400'000;  // ten years; more is a slip, and sums stay far from overflow
    if (read->first > most / unit.factor) return std::nullopt;
    return std::chrono::milliseconds(read->first * unit.factor);
  }
  return std::nullopt;
}

std::string format_duration(std::chrono::milliseconds duration) {
  if (duration.count() <= 0) return "0s";
  const auto count = static_cast<std::uint64_t>(duration.count());
  for (const auto& unit : duration_units)
    if (count % unit.factor == 0) return std::to_string(count / unit.factor) + std::string(unit.name);
  return std::to_string(count) + "ms";
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::array<Unit, 9> units{{{"", 1}, {"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30},
                                              {"TiB", 1ULL << 40}, {"kB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}}};
  const auto read = number_and_unit(text);
  if (!read) return std::nullopt;
  for (const auto& unit : units) {
    if (unit.name != read->second) continue;
    if (read->first > (1ULL << 60) / unit.factor) return std::nullopt;
    return read->first * unit.factor;
  }
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> read_duration(const Node& node, std::string_view what, Diagnostics& diagnostics,
                                                       Milliseconds milliseconds) {
  if (!node.is_scalar()) {
    wrong_type(node, what, "a duration such as 10s", diagnostics);
    return std::nullopt;
  }
  const auto value = parse_duration(node.text, milliseconds);
  if (!value)
    diagnostics.error(node.place, "bad-duration", std::string(what) + ": `" + node.text + "` is no duration",
                      std::string("a whole number and one of s m h d w") +
                          (milliseconds == Milliseconds::allowed ? " or ms" : "") + ", as in 30s, 15m, 2h or 7d; at most 3650d");
  return value;
}

std::optional<std::uint64_t> read_size(const Node& node, std::string_view what, Diagnostics& diagnostics) {
  if (!node.is_scalar()) {
    wrong_type(node, what, "a size such as 10MiB", diagnostics);
    return std::nullopt;
  }
  const auto value = parse_size(node.text);
  if (!value)
    diagnostics.error(node.place, "bad-size", std::string(what) + ": `" + node.text + "` is no size",
                      "a whole number and B, KiB, MiB or GiB, as in 10MiB");
  return value;
}

std::optional<std::vector<std::string>> read_texts(const Node& node, std::string_view what, Diagnostics& diagnostics,
                                                   bool one_is_enough) {
  if (one_is_enough && node.is_scalar()) return std::vector{node.text};
  if (!node.is_sequence()) {
    wrong_type(node, what, "a list", diagnostics,
               node.is_scalar() ? "put it in brackets: [" + node.text.substr(0, 60) + "]" : "");
    return std::nullopt;
  }
  std::vector<std::string> out;
  bool good = true;
  for (const auto& item : node.items) {
    if (auto text = read_text(item, "each item of " + std::string(what), diagnostics))
      out.push_back(std::move(*text));
    else
      good = false;
  }
  if (!good) return std::nullopt;
  return out;
}

Mapping::Mapping(const Node& node, std::string what, Diagnostics& diagnostics)
    : node_(node), what_(std::move(what)), diagnostics_(diagnostics), ok_(node.is_mapping()) {
  if (!ok_) wrong_type(node, what_, "a mapping", diagnostics_);
}

const Node* Mapping::find(std::string_view key, bool needed) {
  if (!ok_) return nullptr;
  allow(key);
  const Node* found = node_.find(key);
  if (found == nullptr && needed)
    diagnostics_.error(node_.place, "missing-key", what_ + " needs the key `" + std::string(key) + "`");
  return found;
}

Place Mapping::place_of(std::string_view key) const {
  const Node* found = ok_ ? node_.find(key) : nullptr;
  return found != nullptr ? found->place : node_.place;
}

std::optional<std::string> Mapping::text(std::string_view key, bool needed) {
  const Node* found = find(key, needed);
  return found != nullptr ? read_text(*found, key, diagnostics_) : std::nullopt;
}

std::optional<std::int64_t> Mapping::integer(std::string_view key, std::int64_t least, std::int64_t most, bool needed) {
  const Node* found = find(key, needed);
  return found != nullptr ? read_integer(*found, key, least, most, diagnostics_) : std::nullopt;
}

std::optional<double> Mapping::number(std::string_view key, double least, double most, bool needed) {
  const Node* found = find(key, needed);
  return found != nullptr ? read_number(*found, key, least, most, diagnostics_) : std::nullopt;
}

std::optional<bool> Mapping::boolean(std::string_view key, bool needed) {
  const Node* found = find(key, needed);
  return found != nullptr ? read_boolean(*found, key, diagnostics_) : std::nullopt;
}

std::optional<std::chrono::milliseconds> Mapping::duration(std::string_view key, bool needed, Milliseconds milliseconds) {
  const Node* found = find(key, needed);
  return found != nullptr ? read_duration(*found, key, diagnostics_, milliseconds) : std::nullopt;
}

std::optional<std::uint64_t> Mapping::size(std::string_view key, bool needed) {
  const Node* found = find(key, needed);
  return found != nullptr ? read_size(*found, key, diagnostics_) : std::nullopt;
}

std::optional<std::vector<std::string>> Mapping::texts(std::string_view key, bool needed, bool one_is_enough) {
  const Node* found = find(key, needed);
  return found != nullptr ? read_texts(*found, key, diagnostics_, one_is_enough) : std::nullopt;
}

void Mapping::allow(std::string_view key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
}

void Mapping::finish() {
  if (!ok_) return;
  for (const auto& entry : node_.entries) {
    if (entry.key.starts_with("x-") || std::find(asked_.begin(), asked_.end(), entry.key) != asked_.end()) continue;
    std::string known;
    for (const auto& key : asked_) known += (known.empty() ? "" : ", ") + key;
    diagnostics_.error(entry.key_place, "unknown-key", "unknown key `" + entry.key + "` in " + what_,
                       did_you_mean(entry.key, asked_, known.empty() ? "" : "known here: " + known));
  }
}

void Mapping::bad_choice(std::string_view key, const std::string& value, const std::vector<std::string>& names) {
  std::string known;
  for (const auto& name : names) known += (known.empty() ? "" : ", ") + name;
  diagnostics_.error(place_of(key), "bad-value", "`" + value + "` is no value of " + std::string(key),
                     did_you_mean(value, names, "one of " + known));
}

}  // namespace newswatch::yaml
