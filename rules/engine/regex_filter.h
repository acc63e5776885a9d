#pragma once
// Which regular expressions may be in a text: those whose literal parts are in it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace re2 {
class FilteredRE2;
class RE2;
}  // namespace re2

namespace newswatch::engine {

/// Built once, then read by any thread.
class RegexFilter {
 public:
  RegexFilter();
  ~RegexFilter();
  RegexFilter(RegexFilter&&) noexcept;
  RegexFilter& operator=(RegexFilter&&) noexcept;

  /// The number of the expression, and its program; null when RE2 refuses it.
  std::shared_ptr<const re2::RE2> add(const std::string& source, std::uint32_t& number);
  /// After all were added.
  void build();
  /// It has literals; one without may be in every text, and is never in what `find` says.
  bool filters(std::uint32_t number) const { return number < filters_.size() && filters_[number]; }

  /// Memory of one thread.
  struct Work {
    std::vector<std::uint32_t> found;
    std::vector<int> atoms, numbers;
  };
  /// Numbers of the expressions with literals that may match in some part of the text: in `work.found`, ascending. The text
  /// is UTF-8 with ASCII letters small. About 1 ns a byte; nothing when there is no such expression.
  void find(std::string_view small_letters, Work& work) const;

 private:
  std::shared_ptr<re2::FilteredRE2> set_;
  std::vector<std::string> atoms_;
  std::vector<std::uint8_t> filters_;
  bool any_ = false;
  std::vector<std::uint64_t> starts_;  ///< bitmap of hashes of the first three bytes of atoms
  std::unordered_map<std::uint32_t, std::vector<int>> by_start_;
  std::vector<int> everywhere_;  ///< atoms that are taken to be in every text: those with other letters than ASCII
};

}  // namespace newswatch::engine
