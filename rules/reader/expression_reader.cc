#include "rules/reader/expression_reader.h"

#include <re2/re2.h>

#include <array>
#include <limits>

#include "rules/engine/query.h"

namespace newswatch::rules {

using namespace engine::syntax;

namespace {

struct Operator {
  std::string_view key;
  Op op;
};
// Every key that says what a mapping is. `hit` is told from its companions below.
constexpr std::array<Operator, 20> operators{{
    {"text", Op::term}, {"any", Op::any}, {"all", Op::all}, {"none", Op::none}, {"at_least", Op::at_least},
    {"times", Op::times}, {"near", Op::near}, {"before", Op::before}, {"same_sentence", Op::same_sentence},
    {"same_paragraph", Op::same_paragraph}, {"hit", Op::not_near}, {"headline", Op::headline}, {"lead", Op::lead},
    {"body", Op::body}, {"first", Op::first}, {"list", Op::list}, {"entity", Op::entity}, {"watchlist", Op::watchlist},
    {"rule", Op::rule}, {"regex", Op::regex}}};

std::optional<Op> operator_named(std::string_view key) {
  if (key == "type") return Op::type;
  for (const auto& one : operators)
    if (one.key == key) return one.op;
  return std::nullopt;
}

std::string all_operators() {
  std::string out;
  for (const auto& one : operators) out += std::string(one.key) + ", ";
  return out + "type";
}

}  // namespace

std::optional<MatchMode> read_match(yaml::Mapping& map) {
  return map.choice<MatchMode>("match", {{"inflected", MatchMode::inflected}, {"exact", MatchMode::exact}, {"prefix", MatchMode::prefix}});
}

std::optional<CaseMode> read_case(yaml::Mapping& map) {
  return map.choice<CaseMode>("case", {{"auto", CaseMode::automatic}, {"any", CaseMode::any}, {"exact", CaseMode::exact}});
}

Expression ExpressionReader::read(const yaml::Node& node, const Scope& scope, std::uint32_t level, bool negatable) {
  if (node.is_mapping()) return read_mapping(node, scope, level, negatable);
  Expression e;
  e.place = node.place;
  if (node.is_null()) {
    diagnostics_.error(node.place, "empty-term", "there is nothing here", "a term that begins with `#`, or is `null` or `~`, must be quoted");
    return e;
  }
  if (node.is_sequence()) {
    diagnostics_.error(node.place, "wrong-type", "a term or an expression must stand here, not a list",
                       "say what the list means: {any: […]} or {all: […]}");
    return e;
  }
  if (!node.text.starts_with('@')) return read_term(node, scope);
  e.op = Op::list;
  e.text = node.text.substr(1);
  return e;
}

Expression ExpressionReader::read_term(const yaml::Node& node, const Scope& scope) {
  Expression e;
  e.place = node.place;
  e.how = resolve(scope, node.text);
  if (!check_term(node.text, e.how, node.place, diagnostics_, scratch_)) return e;
  e.op = Op::term;
  e.text = name_of_term(node.text, e.how);
  return e;
}

Expression ExpressionReader::read_query(const yaml::Node& node, const Scope& scope) {
  Expression e;
  e.place = node.place;
  const auto text = yaml::read_text(node, "query", diagnostics_);
  if (!text) return e;
  if (text->size() > most_query_bytes) {
    diagnostics_.error(node.place, "too-long", "a query may have at most 64 KiB", "use lists and rules of their own");
    return e;
  }
  e = parse_query(*text, scope, [&](std::size_t at) { return node.place_in(at); }, diagnostics_);
  return e;
}

Expression ExpressionReader::read_operands(const yaml::Node& node, Op op, const Scope& scope, std::uint32_t level,
                                           std::size_t least) {
  Expression e;
  e.op = op;
  e.place = node.place;
  if (!node.is_sequence()) {
    diagnostics_.error(node.place, "wrong-type", "a list must stand here", node.is_scalar() ? "put it in brackets: [" + node.text.substr(0, 60) + "]" : "");
    e.op = Op::invalid;
    return e;
  }
  if (node.items.empty()) {
    diagnostics_.error(node.place, "empty-list", "this list is empty", "write what is looked for, or remove it");
    e.op = Op::invalid;
    return e;
  }
  if (node.items.size() < least) {
    diagnostics_.error(node.place, "bad-value", "at least two operands are needed here");
    e.op = Op::invalid;
  }
  if (node.items.size() > 1'000'000) {
    diagnostics_.error(node.place, "too-long", "a list may have at most 1,000,000 items", "a watchlist may have more");
    e.op = Op::invalid;
    return e;
  }
  e.operands.reserve(node.items.size());
  for (const auto& item : node.items) e.operands.push_back(read_item(item, op, scope, level + 1));
  return e;
}

Expression ExpressionReader::read_item(const yaml::Node& node, Op parent, const Scope& scope, std::uint32_t level) {
  switch (parent) {
    case Op::near: case Op::before: case Op::same_sentence: case Op::same_paragraph:
      return read_position_operand(node, scope, level);
    default:
      return read(node, scope, level, parent == Op::all || parent == Op::none);
  }
}

Expression ExpressionReader::read_position_operand(const yaml::Node& node, const Scope& scope, std::uint32_t level) {
  Expression e = read(node, scope, level, false);
  need_positional(e, node.place);
  return e;
}

void ExpressionReader::need_positional(Expression& operand, const yaml::Place& place) {
  if (positional(operand)) return;
  diagnostics_.error(place, "not-positional", "this has no position in the text, so it cannot stand here",
                     "terms, lists, entities, any of them, near, before, not_near and outside can");
  operand.op = Op::invalid;
}

Expression ExpressionReader::read_mapping(const yaml::Node& node, const Scope& scope, std::uint32_t level, bool negatable) {
  Expression e;
  e.place = node.place;
  yaml::Mapping map(node, "an expression", diagnostics_);
  // The first operator that stands there is the one that is meant; `type` beside `watchlist` narrows it.
  std::optional<Op> op;
  for (const auto& entry : node.entries) {
    if (op || entry.key.starts_with("x-")) continue;
    op = operator_named(entry.key);
    if (op == Op::type && map.has("watchlist")) op = Op::watchlist;
  }
  if (!op) {
    for (const auto& entry : node.entries) {
      if (entry.key.starts_with("x-")) continue;
      if (entry.key == "not_near" || entry.key == "outside") {
        diagnostics_.error(node.place, "missing-key", "`" + entry.key + "` needs the key `hit`: what must be found");
        return e;
      }
      std::vector<std::string> names{"type"};
      for (const auto& one : operators) names.emplace_back(one.key);
      diagnostics_.error(entry.key_place, "unknown-key", "`" + entry.key + "` is no operator",
                         yaml::did_you_mean(entry.key, names, "operators: " + all_operators()));
      return e;
    }
    diagnostics_.error(node.place, "missing-key", "an expression needs an operator", "operators: " + all_operators());
    return e;
  }
  if (*op != Op::term && level > most_levels) {
    diagnostics_.error(node.place, "too-deep", "the expression is nested too deeply", "at most 64 levels; use lists and rules of their own");
    return e;
  }
  const auto value = [&](std::string_view key) { return map.find(key, true); };
  const auto number = [&](std::string_view key, std::int64_t least, std::int64_t most) {
    const auto read_number = map.integer(key, least, most, true);
    if (read_number) e.number = static_cast<std::uint32_t>(*read_number);
    return read_number.has_value();
  };
  const auto gap = [&] {
    e.number = default_gap;
    if (const auto given = map.integer("gap", 0, most_gap)) e.number = static_cast<std::uint32_t>(*given);
    return true;
  };
  const auto name = [&](std::string_view key) {
    const auto* given = value(key);
    if (given == nullptr) return false;
    const auto text = yaml::read_text(*given, key, diagnostics_);
    if (!text) return false;
    e.text = *text;
    e.place = given->place;  // an unknown name is told at the name
    return true;
  };
  const auto operands = [&](std::string_view key, std::size_t least) {
    const auto* list = value(key);
    if (list == nullptr) return false;
    const auto place = e.place;
    const auto kept = e.number;
    e = read_operands(*list, *op, scope, level, least);
    const bool good = e.op != Op::invalid;
    e.place = place;
    e.number = kept;
    return good;
  };
  bool good = true;
  switch (*op) {
    case Op::term: {
      const auto* text = value("text");
      const auto match = read_match(map);
      const auto letters = read_case(map);
      if (!yaml::read_text(*text, "text", diagnostics_)) {
        good = false;
        break;
      }
      const auto place = e.place;
      e = read_term(*text, scope.with(match, letters, Scope::Nearness::term));
      good = e.op != Op::invalid;
      e.place = place;
      break;
    }
    case Op::any: good = operands("any", 1); break;
    case Op::all: good = operands("all", 1); break;
    case Op::none: good = operands("none", 1); break;
    case Op::at_least: {
      const auto* count = value("at_least");
      const auto asked = yaml::read_integer(*count, "at_least", 1, std::numeric_limits<std::int64_t>::max(), diagnostics_);
      good = operands("of", 1) && asked;
      if (asked && !e.operands.empty() && *asked > static_cast<std::int64_t>(e.operands.size())) {
        diagnostics_.error(count->place, "bad-value", "at_least is " + std::to_string(*asked) + ", but there are only " +
                           std::to_string(e.operands.size()) + " operands");
        good = false;
      }
      if (good) e.number = static_cast<std::uint32_t>(*asked);
      break;
    }
    case Op::times: {
      good = number("times", 1, 1'000'000);
      const auto* of = value("of");
      if (of != nullptr) e.operands.push_back(read_position_operand(*of, scope, level + 1));
      good = good && of != nullptr;
      break;
    }
    case Op::near: gap(); good = operands("near", 2); break;
    case Op::before: gap(); good = operands("before", 2); break;
    case Op::same_sentence: good = operands("same_sentence", 2); break;
    case Op::same_paragraph: good = operands("same_paragraph", 2); break;
    case Op::not_near: {
      const auto* hit = value("hit");
      const bool near = map.has("not_near"), outside = map.has("outside");
      if (!near && !outside) {
        diagnostics_.error(node.place, "missing-key", "`hit` needs `not_near` or `outside` beside it");
        good = false;
      }
      // Both: the second one is unknown here, as finish() tells.
      bool first_is_near = near;
      if (near && outside)
        for (const auto& entry : node.entries)
          if (entry.key == "not_near" || entry.key == "outside") {
            first_is_near = entry.key == "not_near";
            break;
          }
      op = first_is_near ? Op::not_near : Op::outside;
      e.operands.push_back(read_position_operand(*hit, scope, level + 1));
      if (near || outside) {
        const auto* other = value(first_is_near ? "not_near" : "outside");
        e.operands.push_back(read_position_operand(*other, scope, level + 1));
      }
      if (first_is_near) gap();
      break;
    }
    case Op::headline: case Op::lead: case Op::body: case Op::first: {
      const std::string_view key = *op == Op::headline ? "headline" : *op == Op::lead ? "lead" : *op == Op::body ? "body" : "of";
      if (*op == Op::first) good = number("first", 1, 1'000'000);
      const auto* of = value(key);
      if (of != nullptr) e.operands.push_back(read(*of, scope, level + 1, false));
      good = good && of != nullptr;
      break;
    }
    case Op::list: good = name("list"); break;
    case Op::entity: good = name("entity"); break;
    case Op::type: good = name("type"); break;
    case Op::rule: good = name("rule"); break;
    case Op::watchlist:
      good = name("watchlist");
      if (const auto type = map.text("type")) e.type = *type;
      break;
    case Op::regex: {
      using Where = std::optional<RegexField>;
      const Where field = map.choice<RegexField>("field", {{"title", RegexField::title}, {"body", RegexField::body},
                                                           {"url", RegexField::url}, {"author", RegexField::author}});
      if (field) e.field = *field;
      good = name("regex");
      if (!good) break;
      re2::RE2::Options options;
      options.set_log_errors(false);
      options.set_longest_match(true);
      const re2::RE2 program(e.text, options);
      if (!program.ok()) {
        diagnostics_.error(e.place, "bad-regex", "this regular expression does not compile: " + program.error(),
                           "the syntax is that of RE2: no look-around and no back-references");
        good = false;
      }
      break;
    }
    case Op::invalid: case Op::outside: break;  // neither is a key of its own
  }
  map.finish();
  if (good && *op == Op::none && !negatable) {
    diagnostics_.error(node.place, "misplaced-not", "`none` may only stand in `all`, or under another `none`",
                       "say what must be there first: {all: [a, {none: [b]}]}");
    good = false;
  }
  e.op = good ? *op : Op::invalid;
  return e;
}

}  // namespace newswatch::rules
