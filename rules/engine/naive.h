#pragma once
// The oracle: LANGUAGE.md read aloud, with nothing done for speed. Tests compare the matcher with it.
// It shares with the matcher the syntax tree, the words and the forms of a word, and nothing else.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/engine/article.h"
#include "rules/engine/syntax.h"

namespace newswatch::engine {

struct NaiveVerdict {
  bool is_true = false;  ///< of a disabled rule false
  bool only_with_boilerplate = false;
  std::vector<Hit> hits;  ///< LANGUAGE section 7, in its order; not cut
};

/// One thread at a time. Cost grows with rules times words, and for `near` with the product of its operands'
/// occurrences.
class NaiveOracle {
 public:
  /// The program must outlive the oracle.
  explicit NaiveOracle(const syntax::Program& program, std::string default_language = "en");
  ~NaiveOracle();

  /// One verdict for each rule of the program, in its order.
  std::vector<NaiveVerdict> match(const Article& article, Time record_time);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::engine
