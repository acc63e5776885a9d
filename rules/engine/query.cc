#include "rules/engine/query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/engine/text.h"

// A recursive descent over `or`/`and`, `not`, the positional operators, prefixes and primaries, in this order of binding.
// What is wrong but leaves no doubt where the next operand begins is reported and read over, so that one look shows all
// errors; else (Stop) the rest of the query is left.

namespace newswatch::engine::syntax {
namespace {

struct Stop {};

enum class Kind { end, open, close, comma, word, quoted, prefix };

struct Token {
  Kind kind = Kind::end;
  std::size_t begin = 0, end = 0;
  std::string text;  // decoded; of a prefix its name in small letters
  int exact = 0;     // number of `=` in front
};

bool is_lower_or_upper(std::string_view word) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  return !(std::any_of(word.begin(), word.end(), lower) && std::any_of(word.begin(), word.end(), upper));
}

std::string small(std::string_view word) {
  std::string out(word);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The bytes of a quotation mark at `at`, straight or curly; 0: none.
std::size_t quote_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  if (text[at] == '"') return 1;
  const std::string_view three = text.substr(at, 3);
  return three == "\xE2\x80\x9C" || three == "\xE2\x80\x9D" || three == "\xE2\x80\x9E" ? 3 : 0;
}

struct Operator {
  Op op = Op::invalid;
  std::uint32_t number = 0;
  bool operator==(const Operator&) const = default;
};

class Parser {
 public:
  Parser(std::string_view text, const Scope& scope, const PlaceOf& place_of, yaml::Diagnostics& diagnostics)
      : text_(text), scope_(scope), place_of_(place_of), diagnostics_(diagnostics) {
    content_end_ = text_.size();
    while (content_end_ > 0 && white(content_end_ - 1)) --content_end_;
  }

  Expression parse() {
    const std::size_t errors = diagnostics_.errors();
    try {
      next();
      Operand top = disjunction(1);
      if (token_.kind == Kind::close) fail(token_.begin, "query-syntax", "a closing parenthesis without an opening one");
      if (token_.kind == Kind::comma)
        fail(token_.begin, "query-syntax", "a comma has no meaning here", "commas stand in `2 of (a, b, c)`; else write `or` or `and`");
      if (top.levels > most_levels && diagnostics_.errors() == errors)
        error(top.begin, "too-deep", "the query is nested too deeply", "at most 64 levels; use lists and rules of their own");
      return std::move(top.expression);
    } catch (const Stop&) {
      return {};
    }
  }

 private:
  // An operand with what its place and depth need: its parentheses belong to it.
  struct Operand {
    Expression expression;
    std::size_t begin = 0, end = 0;
    std::uint32_t levels = 0;  // it and what is in it; of terms none
  };

  void error(std::size_t at, std::string_view code, std::string message, std::string hint = {}) {
    diagnostics_.error(place_of_(at), code, std::move(message), std::move(hint));
  }
  [[noreturn]] void fail(std::size_t at, std::string_view code, std::string message, std::string hint = {}) {
    error(at, code, std::move(message), std::move(hint));
    throw Stop{};
  }

  // --- tokens ---

  bool white(std::size_t at) const {
    const auto c = static_cast<unsigned char>(text_[at]);
    return c == ' ' || (c >= '\t' && c <= '\r');
  }
  // White space of any kind at `at`, in bytes.
  std::size_t white_bytes(std::size_t at) const {
    if (static_cast<unsigned char>(text_[at]) < 0x80) return white(at) ? 1 : 0;
    std::size_t end = at;
    return is_white_space(next_code_point(text_, end)) ? end - at : 0;
  }

  void next() {
    last_end_ = token_.end;
    while (at_ < text_.size()) {
      const std::size_t bytes = white_bytes(at_);
      if (bytes == 0) break;
      at_ += bytes;
    }
    token_ = {};
    token_.begin = at_;
    if (at_ >= text_.size()) {
      token_.begin = token_.end = content_end_;
      return;
    }
    switch (text_[at_]) {
      case '(': return simple(Kind::open);
      case ')': return simple(Kind::close);
      case ',': return simple(Kind::comma);
      default: break;
    }
    while (token_.exact < 2 && at_ < text_.size() && text_[at_] == '=') ++token_.exact, ++at_;
    if (quote_at(text_, at_) > 0) return read_quoted();
    read_word();
  }

  void simple(Kind kind) {
    token_.kind = kind;
    token_.end = ++at_;
  }

  void read_quoted() {
    token_.kind = Kind::quoted;
    at_ += quote_at(text_, at_);
    while (at_ < text_.size()) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        token_.text += '"';
        at_ += 2;
        continue;
      }
      if (const std::size_t quote = quote_at(text_, at_); quote > 0) {
        at_ += quote;
        token_.end = at_;
        return;
      }
      token_.text += text_[at_++];
    }
    fail(content_end_, "query-syntax", "the closing quotation mark is missing");
  }

  // The end of a word that begins at `at`.
  std::size_t word_end(std::size_t at) const {
    while (at < text_.size() && std::string_view("(),").find(text_[at]) == std::string_view::npos &&
           quote_at(text_, at) == 0 && white_bytes(at) == 0)
      ++at;
    return at;
  }

  void read_word() {
    const std::size_t end = word_end(at_);
    const std::string_view word = text_.substr(at_, end - at_);
    token_.kind = Kind::word;
    token_.text = word;
    token_.end = end;
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos || word.front() == '@') {
      at_ = end;
      return;
    }
    const std::string head = small(word.substr(0, colon));
    static constexpr std::array<std::string_view, 9> known{"headline", "lead", "body", "first", "times",
                                                           "entity", "type", "watchlist", "rule"};
    const std::string name = head.substr(0, head.find('/'));
    const bool numbered = name == "first" || name == "times";
    if (token_.exact > 0 || !is_lower_or_upper(word.substr(0, colon)) ||
        std::find(known.begin(), known.end(), name) == known.end() || (!numbered && name != head)) {
      const std::vector<std::string> names(known.begin(), known.end());
      fail(token_.begin, "query-syntax", "`" + std::string(word.substr(0, colon + 1)) + "` is no prefix",
           yaml::did_you_mean(name, names, "a word with a colon must be quoted: \"" + std::string(word) + "\""));
    }
    token_.kind = Kind::prefix;
    token_.text = head;
    at_ += colon + 1;
    token_.end = at_;
  }

  // --- operators ---

  bool is_operator_word(std::string_view name) const {
    return token_.kind == Kind::word && token_.exact == 0 && is_lower_or_upper(token_.text) && small(token_.text) == name;
  }

  std::optional<Operator> positional_operator() {
    if (token_.kind != Kind::word || token_.exact > 0 || !is_lower_or_upper(token_.text)) return std::nullopt;
    const std::string word = small(token_.text);
    const std::size_t slash = word.find('/');
    const std::string name = word.substr(0, slash);
    if (slash == std::string::npos) {
      if (name == "same_sentence") return Operator{Op::same_sentence, 0};
      if (name == "same_paragraph") return Operator{Op::same_paragraph, 0};
      if (name == "outside") return Operator{Op::outside, 0};
    }
    Operator found;
    if (name == "near") found.op = Op::near;
    if (name == "before") found.op = Op::before;
    if (name == "not_near") found.op = Op::not_near;
    if (found.op == Op::invalid) return std::nullopt;
    found.number = slash == std::string::npos ? default_gap : number_in(word.substr(slash + 1), 0, most_gap, name);
    return found;
  }

  // The number behind a `/`; out of range is told, and the least allowed one returned.
  std::uint32_t number_in(std::string_view digits, std::int64_t least, std::int64_t most, std::string_view name) {
    std::int64_t number = 0;
    const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || stop != digits.data() + digits.size() || code == std::errc::invalid_argument)
      fail(token_.begin, "query-syntax", "`" + std::string(name) + "/` needs a whole number, as in `" + std::string(name) + "/5`");
    if (code == std::errc() && number >= least && number <= most) return static_cast<std::uint32_t>(number);
    if (!told_number_ || *told_number_ != token_.begin)  // an operator may be looked at twice
      error(token_.begin, "bad-value", "the number of `" + std::string(name) + "` must be from " + std::to_string(least) +
            " to " + std::to_string(most));
    told_number_ = token_.begin;
    return static_cast<std::uint32_t>(least);
  }

  bool starts_operand() const {
    switch (token_.kind) {
      case Kind::open: case Kind::quoted: case Kind::prefix: return true;
      case Kind::word: return true;
      default: return false;
    }
  }

  // --- expressions ---

  Operand disjunction(std::uint32_t level) {
    struct Part {
      Operand operand;
      bool after_or = false;
    };
    std::vector<Part> parts;
    parts.push_back({negation(level), false});
    std::optional<Op> op;
    bool mixed = false, missing = false, broken = false;
    std::size_t clash = 0;
    for (;;) {
      const bool is_or = is_operator_word("or");
      if (is_or || is_operator_word("and")) {
        const Op now = is_or ? Op::any : Op::all;
        if (op && *op != now && !mixed) {
          mixed = true;
          clash = token_.begin;
        }
        if (!op) op = now;
        missing = false;
        next();
        parts.push_back({negation(level), is_or});
        continue;
      }
      if (!starts_operand()) break;
      if (!missing) tell_missing_operator(parts.back().operand);
      missing = broken = true;
      parts.push_back({negation(level), false});
    }
    if (mixed) {
      // Both readings, in the author's own words.
      const auto slice = [&](const Operand& o) { return std::string(text_.substr(o.begin, o.end - o.begin)); };
      std::array<std::string, 2> readings;
      for (std::size_t r = 0; r < 2; ++r) {
        const bool outer_is_or = r == 0;
        std::vector<std::pair<std::string, int>> groups;
        for (std::size_t i = 0; i < parts.size(); ++i) {
          if (i == 0 || parts[i].after_or == outer_is_or)
            groups.emplace_back(slice(parts[i].operand), 1);
          else
            groups.back().first += (outer_is_or ? " and " : " or ") + slice(parts[i].operand), ++groups.back().second;
        }
        for (const auto& [text, count] : groups)
          readings[r] += (readings[r].empty() ? "" : outer_is_or ? " or " : " and ") + (count > 1 ? "(" + text + ")" : text);
      }
      error(clash, "mixed-and-or", "`and` and `or` side by side: is it `" + readings[0] + "`, or `" + readings[1] + "`?",
            "write the parentheses");
      broken = true;
    }
    if (parts.size() == 1) return std::move(parts[0].operand);
    Operand out;
    out.begin = parts.front().operand.begin;
    out.end = parts.back().operand.end;
    out.expression.op = broken ? Op::invalid : *op;
    out.expression.place = place_of_(out.begin);
    for (auto& part : parts) {
      out.levels = std::max(out.levels, part.operand.levels);
      if (op && *op == Op::any && !mixed) refuse_not(part.operand);
      out.expression.operands.push_back(std::move(part.operand.expression));
    }
    ++out.levels;
    return out;
  }

  void tell_missing_operator(const Operand& before) {
    std::string hint = "write `and` or `or` between them";
    const auto bare = [&](std::size_t begin, std::size_t end) {
      const auto slice = text_.substr(begin, end - begin);
      return slice.find_first_of("()\":=@") == std::string_view::npos;
    };
    if (token_.kind == Kind::word && before.expression.op == Op::term && bare(before.begin, before.end) && bare(token_.begin, token_.end)) {
      const std::string a(text_.substr(before.begin, before.end - before.begin));
      hint = "write `\"" + a + " " + token_.text + "\"` for the phrase, or `" + a + " and " + token_.text + "`";
    }
    error(token_.begin, "missing-operator", "there is no operator before this word", hint);
  }

  void refuse_not(Operand& operand) {
    if (operand.expression.op != Op::none) return;
    error(operand.begin, "misplaced-not", "`not` may only stand as an operand of `and`, or under another `not`",
          "say what must be there first: `a and not b`");
    operand.expression.op = Op::invalid;
  }

  Operand negation(std::uint32_t level) {
    if (!is_operator_word("not")) return positional_chain(level);
    Operand out;
    out.begin = token_.begin;
    deeper(level);
    next();
    Operand inner = negation(level + 1);
    out.end = inner.end;
    out.levels = inner.levels + 1;
    out.expression.op = Op::none;
    out.expression.place = place_of_(out.begin);
    if (inner.expression.op == Op::any)
      out.expression.operands = std::move(inner.expression.operands);
    else
      out.expression.operands.push_back(std::move(inner.expression));
    return out;
  }

  void deeper(std::uint32_t level) {
    if (level + 1 > most_levels)
      fail(token_.begin, "too-deep", "the query is nested too deeply", "at most 64 levels; use lists and rules of their own");
  }

  // An operand of a positional operator or of `times` must be positional; told once.
  void need_positional(Operand& operand) {
    refuse_not(operand);
    if (positional(operand.expression)) return;
    error(operand.begin, "not-positional", "this has no position in the text, so it cannot stand here",
          "terms, lists, entities, `or` of them, near, before, not_near and outside can");
    operand.expression.op = Op::invalid;
  }

  Operand positional_chain(std::uint32_t level) {
    Operand first = prefixed(level);
    auto op = positional_operator();
    if (!op) return first;
    const Operator chain = *op;
    std::vector<Operand> operands;
    operands.push_back(std::move(first));
    bool mixed = false;
    while (op) {
      if (*op != chain && !mixed) {
        error(token_.begin, "mixed-operators", "different operators of position side by side",
              "write parentheses: `(a near/3 b) before/3 c`");
        mixed = true;
      }
      next();
      if (is_operator_word("not")) {
        error(token_.begin, "misplaced-not", "`not` may only stand as an operand of `and`, or under another `not`",
              "`not_near` says what must not be near");
        Operand inner = negation(level + 1);
        inner.expression = {};
        operands.push_back(std::move(inner));
      } else {
        operands.push_back(prefixed(level));
      }
      op = positional_operator();
    }
    Operand out;
    out.begin = operands.front().begin;
    out.end = operands.back().end;
    for (auto& operand : operands) {
      need_positional(operand);
      out.levels = std::max(out.levels, operand.levels);
    }
    const bool left = chain.op == Op::not_near || chain.op == Op::outside;
    const std::size_t nested = left ? operands.size() - 1 : 1;
    if (nested > most_levels)
      fail(out.begin, "too-deep", "the query is nested too deeply", "a chain of `outside` or `not_near` has at most 64 operators");
    out.levels += static_cast<std::uint32_t>(nested);
    Expression& top = out.expression;
    const auto start = [&] {
      Expression e;
      e.op = mixed ? Op::invalid : chain.op;
      e.number = chain.number;
      e.place = place_of_(out.begin);
      return e;
    };
    top = start();
    for (auto& operand : operands) {
      if (left && top.operands.size() == 2) {
        Expression outer = start();
        outer.operands.push_back(std::move(top));
        top = std::move(outer);
      }
      top.operands.push_back(std::move(operand.expression));
    }
    return out;
  }

  Operand prefixed(std::uint32_t level) {
    if (token_.kind != Kind::prefix) return primary(level);
    const Token prefix = token_;
    Operand out;
    out.begin = prefix.begin;
    Expression& e = out.expression;
    e.place = place_of_(out.begin);
    const std::string name = prefix.text.substr(0, prefix.text.find('/'));
    if (name == "entity" || name == "type" || name == "watchlist" || name == "rule") {
      e.op = name == "entity" ? Op::entity : name == "type" ? Op::type : name == "watchlist" ? Op::watchlist : Op::rule;
      deeper(level);
      read_name(e.text, name);
      out.end = last_end_;
      out.levels = 1;
      return out;
    }
    e.op = name == "headline" ? Op::headline : name == "lead" ? Op::lead : name == "body" ? Op::body
           : name == "first" ? Op::first : Op::times;
    if (e.op == Op::first || e.op == Op::times) {
      const std::size_t slash = prefix.text.find('/');
      e.number = number_in(slash == std::string::npos ? "" : prefix.text.substr(slash + 1), 1, 1'000'000, name);
    }
    deeper(level);
    next();
    if (is_operator_word("not")) {
      error(token_.begin, "misplaced-not", "`not` may only stand as an operand of `and`, or under another `not`",
            "`not " + prefix.text + ":(…)` says that it is not there");
      Operand inner = negation(level + 1);
      out.end = inner.end;
      e.op = Op::invalid;
      return out;
    }
    Operand inner = prefixed(level + 1);
    if (e.op == Op::times)
      need_positional(inner);
    else
      refuse_not(inner);
    out.end = inner.end;
    out.levels = inner.levels + 1;
    e.operands.push_back(std::move(inner.expression));
    return out;
  }

  // The name behind `entity:` and the like, up to white space, a parenthesis, a comma or a quotation mark; or quoted.
  void read_name(std::string& name, std::string_view prefix) {
    if (quote_at(text_, at_) > 0) {
      next();
      name = token_.text;
    } else {
      const std::size_t end = word_end(at_);
      name = text_.substr(at_, end - at_);
      if (name.empty())
        fail(at_, "query-syntax", "a name must follow `" + std::string(prefix) + ":` directly");
      token_.end = at_ = end;
    }
    next();
  }

  Operand primary(std::uint32_t level) {
    Operand out;
    out.begin = token_.begin;
    switch (token_.kind) {
      case Kind::open: {
        deeper(level);
        next();
        Operand inner = disjunction(level + 1);
        if (token_.kind != Kind::close) expect_close();
        out.end = token_.end;
        out.levels = inner.levels + 1;
        out.expression = std::move(inner.expression);
        next();
        return out;
      }
      case Kind::quoted: case Kind::word: break;
      case Kind::end: fail(content_end_, "query-syntax", text_.empty() ? "the query is empty" : "something is missing at the end of the query");
      case Kind::close: fail(token_.begin, "query-syntax", "something is missing before this parenthesis");
      default: fail(token_.begin, "query-syntax", "something is missing before this comma");
    }
    const Token first = token_;
    if (first.kind == Kind::word && first.exact == 0) {
      if (is_reserved()) fail(first.begin, "query-syntax", "something is missing before the operator `" + first.text + "`",
                              "a word that is an operator must be quoted: \"" + first.text + "\"");
      if (first.text.front() == '@') return list_reference();
      if (first.text.find_first_not_of("0123456789") == std::string::npos) {
        next();
        if (is_operator_word("of")) return at_least(first, level);
        return term(first);
      }
    }
    next();
    return term(first);
  }

  [[noreturn]] void expect_close() {
    if (token_.kind == Kind::end) fail(content_end_, "query-syntax", "a closing parenthesis is missing");
    fail(token_.begin, "query-syntax", "a comma has no meaning here", "commas stand in `2 of (a, b, c)`; else write `or` or `and`");
  }

  bool is_reserved() {
    return is_operator_word("or") || is_operator_word("and") || is_operator_word("of") || is_operator_word("not") ||
           positional_operator().has_value();
  }

  Operand list_reference() {
    Operand out;
    out.begin = token_.begin;
    out.end = token_.end;
    out.expression.op = Op::list;
    out.expression.text = token_.text.substr(1);
    out.expression.place = place_of_(out.begin);
    next();
    return out;
  }

  Operand term(const Token& token) {
    Operand out;
    out.begin = token.begin;
    out.end = token.end;
    Expression& e = out.expression;
    e.place = place_of_(token.begin);
    std::optional<MatchMode> match;
    std::optional<CaseMode> letters;
    if (token.exact == 1) match = MatchMode::exact;
    if (token.exact == 2) letters = CaseMode::exact;
    e.how = resolve(scope_.with(match, letters, Scope::Nearness::term), token.text);
    if (!check_term(token.text, e.how, e.place, diagnostics_, scratch_)) return out;
    e.op = Op::term;
    e.text = name_of_term(token.text, e.how);
    return out;
  }

  Operand at_least(const Token& number, std::uint32_t level) {
    Operand out;
    out.begin = number.begin;
    deeper(level);
    next();
    if (token_.kind != Kind::open)
      fail(token_.begin, "query-syntax", "`" + number.text + " of` needs its operands in parentheses", "as in `2 of (a, b, c)`");
    Expression& e = out.expression;
    e.op = Op::at_least;
    e.place = place_of_(out.begin);
    do {
      next();
      Operand one = disjunction(level + 1);
      refuse_not(one);
      out.levels = std::max(out.levels, one.levels);
      e.operands.push_back(std::move(one.expression));
    } while (token_.kind == Kind::comma);
    if (token_.kind != Kind::close) expect_close();
    out.end = token_.end;
    ++out.levels;
    std::uint32_t value = 0;
    const auto [stop, code] = std::from_chars(number.text.data(), number.text.data() + number.text.size(), value);
    (void)stop;
    if (code != std::errc() || value < 1 || value > e.operands.size()) {
      error(number.begin, "bad-value", "the number must be from 1 to " + std::to_string(e.operands.size()) +
            ", the number of operands");
      e.op = Op::invalid;
    }
    e.number = value;
    next();
    return out;
  }

  std::string_view text_;
  const Scope& scope_;
  const PlaceOf& place_of_;
  yaml::Diagnostics& diagnostics_;
  PreparedText scratch_;
  std::size_t at_ = 0;
  std::size_t content_end_ = 0;
  std::size_t last_end_ = 0;  // of the token before
  Token token_;
  std::optional<std::size_t> told_number_;
};

}  // namespace

Expression parse_query(std::string_view text, const Scope& scope, const PlaceOf& place_of,
                       yaml::Diagnostics& diagnostics) {
  if (text.size() > most_query_bytes) {
    diagnostics.error(place_of(0), "too-long", "a query may have at most 64 KiB", "use lists and rules of their own");
    return {};
  }
  return Parser(text, scope, place_of, diagnostics).parse();
}

}  // namespace newswatch::engine::syntax
