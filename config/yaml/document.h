#pragma once
// YAML as located values, safe to read from any file: bounded in bytes and depth, one document, no aliases, no key
// twice. The only header of ours behind which yaml-cpp stands. Key and value helpers report into Diagnostics, so a
// reader collects all that is wrong in one pass.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/yaml/diagnostic.h"

namespace newswatch::yaml {

enum class Kind : std::uint8_t { null, scalar, sequence, mapping };
enum class Style : std::uint8_t { plain, quoted, block };  ///< of a scalar; block: | and >

struct Entry;
class Source;

/// One value. Copyable; valid after its Document has gone.
struct Node {
  Kind kind = Kind::null;
  Style style = Style::plain;
  Place place;       ///< first character of the value (its quote, `[`, `{`, `|`); a missing value: right after dash or colon
  std::string text;  ///< of a scalar, decoded
  std::vector<Node> items;      ///< of a sequence
  std::vector<Entry> entries;   ///< of a mapping, in the order written
  std::size_t offset = 0;       ///< byte of the source at `place`
  std::shared_ptr<const Source> source;

  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_plain() const { return kind == Kind::scalar && style == Style::plain; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_mapping() const { return kind == Kind::mapping; }
  bool is_null() const { return kind == Kind::null; }
  /// The value at `key`, or null pointer. Marks nothing; see Mapping.
  const Node* find(std::string_view key) const;
  /// Where byte `at` of the decoded `text` stands in the file, through escapes, folding and block indentation; `at` may be
  /// text.size(): one past the end. Costs a pass over the scalar.
  Place place_in(std::size_t at) const;
};

struct Entry {
  std::string key;
  Place key_place;
  Node value;
};

struct LoadLimits {
  std::size_t bytes = std::size_t{64} << 20;
  std::size_t depth = 400;  ///< below yaml-cpp's own 500
};

/// Reads one document. What is wrong is reported, with codes `yaml-syntax`, `duplicate-key`, `too-long`, `too-deep` or
/// `wrong-type` (a key that is no text). Empty when there is nothing to go on with; after a duplicate key the tree is
/// returned with the first of both. An empty file is a null node. Never throws, never hangs.
std::optional<Node> load(std::shared_ptr<const std::string> text, std::string_view file, Diagnostics& diagnostics,
                         const LoadLimits& limits = {});
std::optional<Node> load(std::string text, std::string_view file, Diagnostics& diagnostics,
                         const LoadLimits& limits = {});
/// The same from a file; `unreadable-file` is reported at `asked` (where the name was written) or at the file itself.
std::optional<Node> load_file(const std::string& path, Diagnostics& diagnostics, const LoadLimits& limits = {},
                              const Place* asked = nullptr);

// --- scalars ---------------------------------------------------------------------------------------------------------
// `what` names the value in messages ("severity"). All report `wrong-type`, `bad-value`, `bad-duration` or `bad-size` at
// the value and then return nothing.

std::optional<std::string> read_text(const Node& node, std::string_view what, Diagnostics& diagnostics);
std::optional<std::int64_t> read_integer(const Node& node, std::string_view what, std::int64_t least, std::int64_t most,
                                         Diagnostics& diagnostics);
std::optional<double> read_number(const Node& node, std::string_view what, double least, double most,
                                  Diagnostics& diagnostics);
std::optional<bool> read_boolean(const Node& node, std::string_view what, Diagnostics& diagnostics);
enum class Milliseconds : std::uint8_t { refused, allowed };  ///< whether the unit `ms` may be used
std::optional<std::chrono::milliseconds> read_duration(const Node& node, std::string_view what,
                                                       Diagnostics& diagnostics,
                                                       Milliseconds milliseconds = Milliseconds::refused);
std::optional<std::uint64_t> read_size(const Node& node, std::string_view what, Diagnostics& diagnostics);
/// A list of texts; `one_is_enough`: a single text counts as a list of one.
std::optional<std::vector<std::string>> read_texts(const Node& node, std::string_view what, Diagnostics& diagnostics,
                                                   bool one_is_enough = false);

/// A whole number and one of s m h d w (and ms).
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, Milliseconds milliseconds);
/// The shortest text that reads back: "90s", "2h", "1d", "250ms".
std::string format_duration(std::chrono::milliseconds duration);
/// Bytes: "512", "64KiB", "10MiB", "1GiB", "10kB", "5MB".
std::optional<std::uint64_t> parse_size(std::string_view text);

// --- mappings --------------------------------------------------------------------------------------------------------

/// Reads the keys of one mapping and tells which were not asked for:
///
///     yaml::Mapping map(node, "a destination", diagnostics);
///     auto url = map.text("url", yaml::required);
///     auto retry = map.find("retry");
///     map.finish();   // unknown keys, with "did you mean"
///
/// Keys that begin with `x-` are free. The node must outlive it.
inline constexpr bool required = true;
class Mapping {
 public:
  /// Reports `wrong-type` when the node is no mapping; then every question is answered with nothing and finish() is quiet.
  Mapping(const Node& node, std::string what, Diagnostics& diagnostics);
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool ok() const { return ok_; }
  const Node& node() const { return node_; }
  const Place& place() const { return node_.place; }

  /// The value at `key`, or null pointer; `needed` reports `missing-key` at the mapping's first character.
  const Node* find(std::string_view key, bool needed = false);
  bool has(std::string_view key) const { return ok_ && node_.find(key) != nullptr; }
  Place place_of(std::string_view key) const;  ///< of the value; of the mapping when absent

  std::optional<std::string> text(std::string_view key, bool needed = false);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most, bool needed = false);
  std::optional<double> number(std::string_view key, double least, double most, bool needed = false);
  std::optional<bool> boolean(std::string_view key, bool needed = false);
  std::optional<std::chrono::milliseconds> duration(std::string_view key, bool needed = false,
                                                    Milliseconds milliseconds = Milliseconds::refused);
  std::optional<std::uint64_t> size(std::string_view key, bool needed = false);
  std::optional<std::vector<std::string>> texts(std::string_view key, bool needed = false, bool one_is_enough = false);

  /// One of the named values; else `bad-value` with the names.
  template <typename Enum>
  std::optional<Enum> choice(std::string_view key, std::initializer_list<std::pair<std::string_view, Enum>> values,
                             bool needed = false) {
    const auto text_value = text(key, needed);
    if (!text_value) return std::nullopt;
    for (const auto& [name, value] : values)
      if (name == *text_value) return value;
    std::vector<std::string> names;
    for (const auto& [name, value] : values) names.emplace_back(name);
    bad_choice(key, *text_value, names);
    return std::nullopt;
  }

  /// Counts the key as known without reading it.
  void allow(std::string_view key);
  /// Reports each key that nobody asked for as `unknown-key`.
  void finish();

 private:
  void bad_choice(std::string_view key, const std::string& value, const std::vector<std::string>& names);
  const Node& node_;
  std::string what_;
  Diagnostics& diagnostics_;
  bool ok_;
  std::vector<std::string> asked_;
};

}  // namespace newswatch::yaml
