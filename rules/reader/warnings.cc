#include "rules/reader/warnings.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "rules/engine/inflection.h"
#include "rules/engine/text.h"

namespace newswatch::rules {

using namespace engine::syntax;

namespace {

// Names that are common words when written small, in alphabetical order.
constexpr std::array<std::string_view, 51> ambiguous{
    "alphabet", "amazon", "apple", "block", "caterpillar", "delta", "discover", "dove", "fox", "gap", "guess",
    "intel", "jaguar", "kind", "libra", "lotus", "march", "mercury", "meta", "monster", "nation", "next", "nice",
    "oracle", "orange", "palm", "pioneer", "polish", "prime", "progressive", "puma", "reading", "royal", "sage",
    "shell", "sprint", "square", "stellar", "subway", "sun", "swift", "target", "tide", "time", "total", "turkey",
    "twist", "unity", "visa", "wish", "zoom"};

bool capital_first(std::string_view text) { return !text.empty() && text.front() >= 'A' && text.front() <= 'Z'; }

std::string small(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// A term as the words of an English article would be compared with it: one set of forms for each of its words.
struct Shape {
  const Expression* term = nullptr;
  std::vector<std::set<std::string>> words;
};

class Warner {
 public:
  explicit Warner(yaml::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void look(const Expression& e) {
    if (e.op == Op::term) ambiguous_capital(e);
    if (e.op == Op::any) covered(e);
    for (const auto& operand : e.operands) look(operand);
  }

 private:
  void ambiguous_capital(const Expression& e) {
    if (e.how.letters != CaseMode::automatic || e.how.match == MatchMode::prefix || !capital_first(e.text)) return;
    if (!std::binary_search(ambiguous.begin(), ambiguous.end(), small(e.text))) return;
    diagnostics_.warning(e.place, "ambiguous-capital", "`" + e.text + "` also finds the common word `" + small(e.text) + "`",
                         "`case: exact` (in a query ==" + e.text + ") asks for the capital");
  }

  // Only terms whose comparison is a plain set of forms: no prefixes, no case, no initialisms, no joined or tagged words.
  std::optional<Shape> shape(const Expression& e) {
    if (e.op != Op::term || e.how.match == MatchMode::prefix || e.how.letters == CaseMode::exact) return std::nullopt;
    text_.prepare_paragraph(e.text);
    if (!text_.joined().empty()) return std::nullopt;
    Shape out;
    out.term = &e;
    for (const auto& word : text_.words()) {
      if (word.tag != 0) return std::nullopt;
      const engine::AuthorWord author{text_.reduced(word), text_.cased(word), false};
      if (e.how.letters == CaseMode::automatic && engine::is_initialism(author.cased)) return std::nullopt;
      std::set<std::string> forms;
      if (e.how.match == MatchMode::exact) {
        forms.insert(std::string(author.reduced));
      } else {
        for (const auto& form : engine::inflected_forms(engine::Grammar::english, author)) forms.insert(form.text);
      }
      out.words.push_back(std::move(forms));
    }
    return out;
  }

  static bool covers(const Shape& wide, const Shape& narrow) {
    if (wide.words.size() > narrow.words.size()) return false;
    for (std::size_t at = 0; at + wide.words.size() <= narrow.words.size(); ++at) {
      bool all = true;
      for (std::size_t i = 0; i < wide.words.size() && all; ++i)
        all = std::includes(wide.words[i].begin(), wide.words[i].end(), narrow.words[at + i].begin(), narrow.words[at + i].end());
      if (all) return true;
    }
    return false;
  }

  void covered(const Expression& any) {
    if (any.operands.size() > 500) return;  // pairs; long lists come from elsewhere
    std::vector<Shape> shapes;
    for (const auto& operand : any.operands)
      if (auto one = shape(operand)) shapes.push_back(std::move(*one));
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      for (std::size_t j = 0; j < shapes.size(); ++j) {
        // Of two that say the same the later one is told.
        if (i == j || !covers(shapes[j], shapes[i]) || (covers(shapes[i], shapes[j]) && i < j)) continue;
        diagnostics_.warning(shapes[i].term->place, "covered", "`" + shapes[i].term->text + "` adds nothing: `" + shapes[j].term->text +
                             "` beside it is found wherever it is", "leave it out, or ask for the other one more narrowly");
        break;
      }
    }
  }

  yaml::Diagnostics& diagnostics_;
  engine::PreparedText text_;
};

}  // namespace

void warn(const Program& program, yaml::Diagnostics& diagnostics) {
  Warner warner(diagnostics);
  for (const auto& list : program.lists)
    for (const auto& item : list.items) warner.look(item);
  for (const auto& rule : program.rules) warner.look(rule.condition);
}

}  // namespace newswatch::rules
