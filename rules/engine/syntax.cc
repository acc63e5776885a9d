#include "rules/engine/syntax.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "rules/engine/text.h"

namespace newswatch::engine::syntax {
namespace {

bool holds_white_space(std::string_view text) {
  for (std::size_t at = 0; at < text.size();)
    if (is_white_space(next_code_point(text, at))) return true;
  return false;
}

// Quotation marks of a query have an escape for themselves in their straight form only.
bool query_can_hold(std::string_view text) {
  if (text.find('\\') != std::string_view::npos) return false;
  for (const std::string_view curly : {"\xE2\x80\x9C", "\xE2\x80\x9D", "\xE2\x80\x9E"})
    if (text.find(curly) != std::string_view::npos) return false;
  return true;
}

// A word of a query that would not be read as itself.
bool needs_quotes(std::string_view text) {
  if (text.empty() || text.front() == '@' || text.front() == '=') return true;
  if (text.find_first_of("()\",:") != std::string_view::npos || holds_white_space(text)) return true;
  if (text.find_first_not_of("0123456789") == std::string_view::npos) return true;
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  static constexpr std::array<std::string_view, 10> words{"or", "and", "not", "near", "before", "not_near", "outside",
                                                          "same_sentence", "same_paragraph", "of"};
  const std::string_view head = std::string_view(lower).substr(0, lower.find('/'));
  return std::find(words.begin(), words.end(), head) != words.end();
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string word(std::string_view text) { return needs_quotes(text) ? quoted(text) : std::string(text); }

// Single-quoted YAML is the plainest; line breaks and control characters need the other kind.
std::string yaml_text(std::string_view text) {
  bool single = true;
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) single = false;
  std::string out(1, single ? '\'' : '"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (single) {
      if (c == '\'') out += '\'';
      out += c;
    } else if (c == '"' || c == '\\') {
      out += '\\', out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      static constexpr char digits[] = "0123456789abcdef";
      out += "\\x", out += digits[byte >> 4], out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + (single ? '\'' : '"');
}

std::string_view prefix_of(const Setting& how) {
  if (how.letters == CaseMode::exact) return "==";
  return how.others == MatchMode::exact ? "=" : "";
}

std::string query(const Expression& e);

bool primary(const Expression& e) {
  switch (e.op) {
    case Op::term: case Op::list: case Op::entity: case Op::type: case Op::watchlist: case Op::rule:
    case Op::headline: case Op::lead: case Op::body: case Op::first: case Op::times: case Op::at_least:
      return true;
    default:
      return false;
  }
}

std::string operand(const Expression& e) { return primary(e) ? query(e) : "(" + query(e) + ")"; }

std::string joined(const Expression& e, const std::string& between) {
  std::string out;
  // `not` binds tighter than `and`, and stands nowhere else.
  for (const auto& one : e.operands)
    out += (out.empty() ? "" : between) + (e.op == Op::all && one.op == Op::none ? query(one) : operand(one));
  return out;
}

std::string listed(const Expression& e) {
  std::string out;
  for (const auto& one : e.operands) out += (out.empty() ? "" : ", ") + query(one);
  return out;
}

std::string query(const Expression& e) {
  const std::string number = std::to_string(e.number);
  switch (e.op) {
    case Op::term: return std::string(prefix_of(e.how)) + word(e.text);
    case Op::any: return joined(e, " or ");
    case Op::all: return joined(e, " and ");
    case Op::none: {
      if (e.operands.size() == 1) return "not " + operand(e.operands[0]);
      return "not (" + joined(e, " or ") + ")";
    }
    case Op::at_least: return number + " of (" + listed(e) + ")";
    case Op::times: return "times/" + number + ":" + operand(e.operands[0]);
    case Op::near: return joined(e, " near/" + number + " ");
    case Op::before: return joined(e, " before/" + number + " ");
    case Op::same_sentence: return joined(e, " same_sentence ");
    case Op::same_paragraph: return joined(e, " same_paragraph ");
    case Op::not_near: return joined(e, " not_near/" + number + " ");
    case Op::outside: return joined(e, " outside ");
    case Op::headline: return "headline:" + operand(e.operands[0]);
    case Op::lead: return "lead:" + operand(e.operands[0]);
    case Op::body: return "body:" + operand(e.operands[0]);
    case Op::first: return "first/" + number + ":" + operand(e.operands[0]);
    case Op::list: return "@" + e.text;
    case Op::entity: return "entity:" + word(e.text);
    case Op::type: return "type:" + word(e.text);
    case Op::watchlist: return "watchlist:" + word(e.text);
    case Op::rule: return "rule:" + word(e.text);
    case Op::regex: case Op::invalid: break;
  }
  return {};
}

std::string_view name_of(MatchMode mode) {
  return mode == MatchMode::inflected ? "inflected" : mode == MatchMode::exact ? "exact" : mode == MatchMode::prefix ? "prefix" : "name";
}

std::string yaml_form(const Expression& e);

std::string yaml_list(const Expression& e) {
  std::string out = "[";
  for (const auto& one : e.operands) out += (out.size() == 1 ? "" : ", ") + yaml_form(one);
  return out + "]";
}

std::string yaml_term(const Expression& e) {
  const bool plain = e.how.others == MatchMode::inflected && e.how.letters == CaseMode::automatic;
  if (plain && !e.text.starts_with('@')) return yaml_text(e.text);
  std::string out = "{text: " + yaml_text(e.text);
  // A prefix has its `*`; `match` then tells how the words before the last are compared.
  const MatchMode match = e.how.others;
  if (match != MatchMode::inflected || e.how.letters == CaseMode::exact) out += ", match: " + std::string(name_of(match));
  if (e.how.letters != CaseMode::automatic)
    out += std::string(", case: ") + (e.how.letters == CaseMode::any ? "any" : "exact");
  return out + "}";
}

std::string yaml_form(const Expression& e) {
  const std::string number = std::to_string(e.number);
  switch (e.op) {
    case Op::term: return yaml_term(e);
    case Op::any: return "{any: " + yaml_list(e) + "}";
    case Op::all: return "{all: " + yaml_list(e) + "}";
    case Op::none: return "{none: " + yaml_list(e) + "}";
    case Op::at_least: return "{at_least: " + number + ", of: " + yaml_list(e) + "}";
    case Op::times: return "{times: " + number + ", of: " + yaml_form(e.operands[0]) + "}";
    case Op::near: return "{near: " + yaml_list(e) + ", gap: " + number + "}";
    case Op::before: return "{before: " + yaml_list(e) + ", gap: " + number + "}";
    case Op::same_sentence: return "{same_sentence: " + yaml_list(e) + "}";
    case Op::same_paragraph: return "{same_paragraph: " + yaml_list(e) + "}";
    case Op::not_near:
      return "{hit: " + yaml_form(e.operands[0]) + ", not_near: " + yaml_form(e.operands[1]) + ", gap: " + number + "}";
    case Op::outside: return "{hit: " + yaml_form(e.operands[0]) + ", outside: " + yaml_form(e.operands[1]) + "}";
    case Op::headline: return "{headline: " + yaml_form(e.operands[0]) + "}";
    case Op::lead: return "{lead: " + yaml_form(e.operands[0]) + "}";
    case Op::body: return "{body: " + yaml_form(e.operands[0]) + "}";
    case Op::first: return "{first: " + number + ", of: " + yaml_form(e.operands[0]) + "}";
    case Op::list: return yaml_text("@" + e.text);
    case Op::entity: return "{entity: " + yaml_text(e.text) + "}";
    case Op::type: return "{type: " + yaml_text(e.text) + "}";
    case Op::watchlist:
      return "{watchlist: " + yaml_text(e.text) + (e.type.empty() ? "" : ", type: " + yaml_text(e.type)) + "}";
    case Op::rule: return "{rule: " + yaml_text(e.text) + "}";
    case Op::regex: {
      static constexpr std::array<std::string_view, 5> fields{"", "title", "body", "url", "author"};
      const auto field = fields[static_cast<std::size_t>(e.field)];
      return "{regex: " + yaml_text(e.text) + (field.empty() ? "" : ", field: " + std::string(field)) + "}";
    }
    case Op::invalid: break;
  }
  return "~";
}

}  // namespace

bool same(const Expression& a, const Expression& b) {
  if (a.op != b.op || a.text != b.text || a.type != b.type || a.number != b.number || a.operands.size() != b.operands.size())
    return false;
  if (a.op == Op::term && a.how != b.how) return false;
  if (a.op == Op::regex && a.field != b.field) return false;
  for (std::size_t i = 0; i < a.operands.size(); ++i)
    if (!same(a.operands[i], b.operands[i])) return false;
  return true;
}

std::string_view words_of(std::string_view text, const Setting& how) {
  if (how.match == MatchMode::prefix && text.ends_with('*')) text.remove_suffix(1);
  return text;
}

bool positional(const Expression& e) {
  switch (e.op) {
    case Op::invalid: case Op::term: case Op::list: case Op::entity: case Op::type: case Op::watchlist:
    case Op::near: case Op::before: case Op::not_near: case Op::outside:
      return true;
    case Op::any: return std::all_of(e.operands.begin(), e.operands.end(), positional);
    default: return false;
  }
}

bool true_of_nothing(const Expression& e) {
  switch (e.op) {
    case Op::any: return std::any_of(e.operands.begin(), e.operands.end(), true_of_nothing);
    case Op::all: return std::all_of(e.operands.begin(), e.operands.end(), true_of_nothing);
    case Op::none: return std::none_of(e.operands.begin(), e.operands.end(), true_of_nothing);
    case Op::at_least:
      return std::count_if(e.operands.begin(), e.operands.end(), true_of_nothing) >= static_cast<std::ptrdiff_t>(e.number);
    case Op::headline: case Op::lead: case Op::body: case Op::first: return true_of_nothing(e.operands[0]);
    case Op::regex: {
      if (e.field == RegexField::body || e.field == RegexField::author) return false;
      const re2::RE2 program(e.text, re2::RE2::Quiet);
      return program.ok() && re2::RE2::PartialMatch("", program);
    }
    default: return false;
  }
}

Expression normal(const Expression& e) {
  Expression out = e;
  out.operands.clear();
  for (const auto& one : e.operands) out.operands.push_back(normal(one));
  if ((out.op == Op::any || out.op == Op::all) && out.operands.size() == 1) {
    Expression only = std::move(out.operands[0]);
    return only;
  }
  if (out.op == Op::none && out.operands.size() == 1 && out.operands[0].op == Op::any) {
    std::vector<Expression> inner = std::move(out.operands[0].operands);
    out.operands = std::move(inner);
  }
  return out;
}

bool has_query_form(const Expression& e) {
  if (e.op == Op::regex || e.op == Op::invalid || (e.op == Op::watchlist && !e.type.empty())) return false;
  if (!query_can_hold(e.text)) return false;
  if (e.op == Op::term) {
    if (e.how.match == MatchMode::prefix && !e.text.ends_with('*')) return false;
    if (e.how.match != MatchMode::prefix && e.how.match != e.how.others) return false;
    if (e.how.letters == CaseMode::exact) return e.how.others == MatchMode::exact;
    return e.how.letters == CaseMode::automatic && (e.how.others == MatchMode::inflected || e.how.others == MatchMode::exact);
  }
  return std::all_of(e.operands.begin(), e.operands.end(), has_query_form);
}

std::string print(const Expression& e) {
  const Expression clean = normal(e);
  return has_query_form(clean) ? query(clean) : yaml_form(clean);
}

}  // namespace newswatch::engine::syntax
