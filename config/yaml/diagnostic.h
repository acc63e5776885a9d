#pragma once
// What is wrong with a file that a person wrote: where, what and what to do. Needs no YAML library.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace newswatch::yaml {

/// A file's name that lives as long as the process; equal names share one copy, so the memory is bounded by the number
/// of different names ever read. Any thread.
std::string_view intern_file(std::string_view name);

/// Where something stands: line and column from 1, columns in code points. Line 0: the file as a whole.
struct Place {
  std::string_view file;  ///< from intern_file, or a literal
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool operator==(const Place&) const = default;
};

/// "file:line:column".
std::string to_string(const Place& place);

enum class Level : std::uint8_t { error, warning };

struct Diagnostic {
  Level level = Level::error;
  std::string code;  ///< stable, lower case with hyphens; documented
  Place place;
  std::string message;
  std::string hint;   ///< what to do; may be empty
  std::string source_line;  ///< the line of `place`, of a long one the part around it; empty when the source is not known
  std::uint32_t source_column = 1;  ///< where source_line begins in its line
};

/// Collects diagnostics, so that all errors are told at once. One thread.
class Diagnostics {
 public:
  /// At most this many are kept; the rest is only counted (a million bad rows must not fill the memory).
  static constexpr std::size_t most_kept = 1000;

  /// Makes the lines of `file` known for snippets. Costs one pass over the text; it is kept until this object ends.
  void add_source(std::string_view file, std::shared_ptr<const std::string> text);
  std::shared_ptr<const std::string> source(std::string_view file) const;

  void error(const Place& place, std::string_view code, std::string message, std::string hint = {});
  void warning(const Place& place, std::string_view code, std::string message, std::string hint = {});

  bool has_errors() const { return errors_ > 0; }
  std::size_t errors() const { return errors_; }      ///< also those not kept
  std::size_t warnings() const { return warnings_; }  ///< also those not kept
  bool empty() const { return errors_ + warnings_ == 0; }

  /// In the order of file (as first met), line and column; what was told twice stands once.
  std::vector<Diagnostic> sorted() const;

  /// For people: each with its snippet and caret, and a last line that counts. Control characters are made visible.
  std::string text(bool colour = false) const;
  /// For programs: {"errors": n, "warnings": n, "diagnostics": [...]}.
  std::string json() const;

 private:
  struct Source {
    std::shared_ptr<const std::string> text;
    std::vector<std::size_t> lines;  // where each begins
  };
  void add(Level level, const Place& place, std::string_view code, std::string message, std::string hint);
  std::map<std::string, Source, std::less<>> sources_;
  std::vector<std::string> order_;  // files in the order first met
  std::vector<Diagnostic> kept_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

/// One diagnostic as Diagnostics::text prints it, without the count.
std::string render(const Diagnostic& diagnostic, bool colour);

/// The candidate that `word` most likely means, by Damerau-Levenshtein distance over bytes, ignoring ASCII case; empty
/// when none is near (more than a third of the word away).
std::string_view nearest(std::string_view word, std::span<const std::string> candidates);
/// "did you mean `x`?", or `otherwise` when nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates, std::string otherwise = {});

}  // namespace newswatch::yaml
