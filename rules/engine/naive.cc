#include "rules/engine/naive.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>

#include "rules/engine/naive_choices.h"
#include "rules/engine/naive_terms.h"
#include "rules/engine/naive_where.h"
#include "rules/engine/text.h"

namespace newswatch::engine {
namespace {

using naive::add;
using naive::between;
using naive::Choice;
using naive::inside;
using naive::Occurrence;
using naive::overlap;
using naive::Passage;
using naive::Passages;
using naive::Place;
using naive::Places;
using naive::unite;
using naive::View;
using naive::Visible;
using syntax::Expression;
using syntax::Op;

struct Value {
  bool is_true = false;
  Passages passages;
};

/// Through what an expression sees the article.
struct Eyes {
  std::vector<const Expression*> zones;  ///< from the outside in
  bool count_boilerplate = false;
  bool whatever_rules_say = false;  ///< boilerplate counts in rules referred to as well
};

bool is_positional(const Expression& expression) {
  switch (expression.op) {
    case Op::term:
    case Op::list:
    case Op::entity:
    case Op::type:
    case Op::watchlist:
    case Op::near:
    case Op::before:
    case Op::not_near:
    case Op::outside:
      return true;
    case Op::any:
      return std::all_of(expression.operands.begin(), expression.operands.end(), is_positional);
    default:
      return false;
  }
}

std::string small(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

}  // namespace

struct NaiveOracle::Impl {
  const syntax::Program& program;
  std::string default_language;

  std::unordered_map<const Expression*, naive::TermReadings> terms;
  std::unordered_map<const syntax::Name*, naive::TermReadings> names;
  std::unordered_map<const Expression*, std::unique_ptr<RE2>> patterns;

  // Of the article at hand.
  const Article* article = nullptr;
  Time record_time;
  PreparedText text;
  Grammar grammar = Grammar::none;
  struct Mention {
    std::uint32_t entity = 0;
    Place place;
    Passage passage;
  };
  std::optional<std::vector<Mention>> all_mentions[2];  ///< without and with boilerplate

  Impl(const syntax::Program& p, std::string language) : program(p), default_language(std::move(language)) {}

  // ---- What is seen.

  /// LANGUAGE 1.4 and the zones of section 3.
  View view_of(const Eyes& eyes) {
    View view;
    for (const Paragraph& paragraph : text.paragraphs()) {
      if (paragraph.boilerplate && !eyes.count_boilerplate) {
        view.push_back({});
      } else {
        view.push_back({true, paragraph.first_word, paragraph.end_word, paragraph.byte_end});
      }
    }
    for (const Expression* zone : eyes.zones) {
      if (zone->op != Op::headline) view[0] = {};
      const auto body = std::span(view).subspan(zone->op == Op::headline ? 1 : 0);
      switch (zone->op) {
        case Op::headline:
          std::fill(body.begin(), body.end(), Visible{});
          break;
        case Op::lead: {
          const auto lead = std::find_if(body.begin(), body.end(), [](const Visible& v) { return v.end > v.first; });
          for (auto each = body.begin(); each != body.end(); ++each) {
            if (each != lead) *each = {};
          }
          break;
        }
        case Op::first:
          cut_after(zone->number, body);
          break;
        default:
          break;
      }
    }
    return view;
  }

  void cut_after(std::uint32_t words, std::span<Visible> body) {
    for (Visible& paragraph : body) {
      if (words == 0) paragraph = {};
      const std::uint32_t has = paragraph.end - paragraph.first;
      if (has > words) {
        paragraph.end = paragraph.first + words;
        paragraph.byte_end = text.words()[paragraph.end - 1].byte_end;
      }
      words -= std::min(words, has);
    }
  }

  // ---- Positional expressions: all their occurrences.

  const naive::TermReadings& term_of(const Expression& expression) {
    const auto [it, fresh] = terms.try_emplace(&expression);
    if (fresh) it->second = naive::read_term(syntax::words_of(expression), expression.how);
    return it->second;
  }

  Places places(const Expression& x, const Eyes& eyes, const View& view) {
    Places out;
    switch (x.op) {
      case Op::term:
        for (const Occurrence& found : naive::find(term_of(x), text, view, grammar)) {
          const Field field = text.paragraphs()[found.paragraph].field;
          out[{found.paragraph, found.first, found.end}].insert({field, found.start, found.stop, x.text, {}});
        }
        break;
      case Op::any:
        for (const Expression& operand : x.operands) unite(out, places(operand, eyes, view));
        break;
      case Op::list:
        for (const Expression& item : program.lists[x.target].items) unite(out, places(item, eyes, view));
        break;
      case Op::entity:
      case Op::type:
      case Op::watchlist:
        for (const Mention& mention : mentions(eyes.count_boilerplate)) {
          const Visible& seen = view[mention.place.paragraph];
          const bool visible = seen.first <= mention.place.first && mention.place.end <= seen.end;
          if (visible && is_meant(x, mention.entity)) out[mention.place].insert(mention.passage);
        }
        break;
      case Op::near:
      case Op::before:
        choices(x, eyes, view, [&](const std::vector<Choice>& chosen) {
          naive::add_chain(x.op == Op::before, x.number, chosen, out);
        });
        break;
      case Op::not_near: {
        const Places other = places(x.operands[1], eyes, view);
        for (auto& [place, passages] : places(x.operands[0], eyes, view)) {
          const bool alone = std::none_of(other.begin(), other.end(), [&, p = place](const auto& y) {
            return y.first.paragraph == p.paragraph && (overlap(p, y.first) || between(p, y.first) <= x.number);
          });
          if (alone) out[place] = passages;
        }
        break;
      }
      case Op::outside: {
        const Places other = places(x.operands[1], eyes, view);
        for (auto& [place, passages] : places(x.operands[0], eyes, view)) {
          if (std::none_of(other.begin(), other.end(), [&, p = place](const auto& y) { return inside(p, y.first); })) {
            out[place] = passages;
          }
        }
        break;
      }
      default:
        std::abort();  // the reader lets nothing else be an operand here
    }
    return out;
  }

  /// Calls f with every choice of one occurrence of each operand, all in one paragraph, no two overlapping.
  template <typename F>
  void choices(const Expression& x, const Eyes& eyes, const View& view, F f) {
    std::vector<Places> operands;
    for (const Expression& operand : x.operands) operands.push_back(places(operand, eyes, view));
    std::vector<Choice> chosen;
    naive::choose(operands, chosen, f);
  }
  // ---- Entities, section 5.

  bool is_meant(const Expression& x, std::uint32_t index) const {
    const syntax::Entity& entity = program.entities[index];
    switch (x.op) {
      case Op::entity:
        return index == x.target;
      case Op::type:
        return small(entity.type) == small(x.text);
      default:
        return entity.watchlist == x.target && (x.type.empty() || small(entity.type) == small(x.type));
    }
  }

  const std::vector<Mention>& mentions(bool count_boilerplate) {
    auto& known = all_mentions[count_boilerplate];
    if (!known) known = find_mentions(count_boilerplate);
    return *known;
  }

  std::vector<Mention> find_mentions(bool count_boilerplate) {
    struct Named {
      Mention mention;
      bool weak = false;
    };
    const View whole = view_of({{}, count_boilerplate, false});
    std::vector<Named> found;
    for (std::uint32_t i = 0; i < program.entities.size(); ++i) {
      for (const syntax::Name& name : program.entities[i].names) {
        const auto [it, fresh] = names.try_emplace(&name);
        if (fresh) it->second = naive::read_name(name);
        for (const Occurrence& o : naive::find(it->second, text, whole, grammar)) {
          const Passage passage{text.paragraphs()[o.paragraph].field, o.start, o.stop, name.text,
                                program.entities[i].id};
          found.push_back({{i, {o.paragraph, o.first, o.end}, passage}, name.weak});
        }
      }
    }
    const auto hidden = [&](const Named& named) {
      const Place& place = named.mention.place;
      return std::any_of(found.begin(), found.end(), [&](const Named& other) {
        const Place& longer = other.mention.place;
        return !other.weak && inside(place, longer) && longer.end - longer.first > place.end - place.first;
      });
    };
    std::vector<Named> seen;
    std::copy_if(found.begin(), found.end(), std::back_inserter(seen), [&](const Named& n) { return !hidden(n); });

    std::map<std::uint32_t, bool> supported;  // by a strong name or the context
    std::vector<Mention> out;
    for (const Named& named : seen) {
      if (named.weak && !is_supported(named.mention.entity, seen, count_boilerplate, supported)) continue;
      out.push_back(named.mention);
    }
    return out;
  }

  template <typename Named>
  bool is_supported(std::uint32_t entity, const std::vector<Named>& seen, bool count_boilerplate,
                    std::map<std::uint32_t, bool>& supported) {
    const auto [it, fresh] = supported.try_emplace(entity, false);
    if (!fresh) return it->second;
    const bool strong =
        std::any_of(seen.begin(), seen.end(), [&](const Named& n) { return !n.weak && n.mention.entity == entity; });
    const Expression* context = program.entities[entity].context.get();
    return it->second = strong || (context && value(*context, {{}, count_boilerplate, false}).is_true);
  }

  // ---- Truth and passages.

  Value value(const Expression& x, const Eyes& eyes) {
    if (is_positional(x)) {
      Value out;
      for (const auto& [place, passages] : places(x, eyes, view_of(eyes))) {
        out.is_true = true;
        add(out.passages, passages);
      }
      return out;
    }
    switch (x.op) {
      case Op::any:
      case Op::all:
      case Op::none:
      case Op::at_least:
        return count(x, eyes);
      case Op::times:
        return times(x, eyes);
      case Op::same_sentence:
      case Op::same_paragraph:
        return same(x, eyes);
      case Op::headline:
      case Op::lead:
      case Op::body:
      case Op::first: {
        Eyes inner = eyes;
        inner.zones.push_back(&x);
        return value(x.operands[0], inner);
      }
      case Op::rule: {
        const syntax::Rule& rule = program.rules[x.target];
        if (!naive::holds(rule.where, *article, record_time, text)) return {};
        return value(rule.condition,
                     {eyes.zones, eyes.whatever_rules_say || rule.count_boilerplate, eyes.whatever_rules_say});
      }
      case Op::regex:
        return regex(x, eyes);
      default:
        std::abort();  // all others are positional, and `invalid` never comes here
    }
  }

  Value count(const Expression& x, const Eyes& eyes) {
    Value out;
    std::size_t number = 0;
    for (const Expression& operand : x.operands) {
      const Value each = value(operand, eyes);
      if (!each.is_true) continue;
      ++number;
      add(out.passages, each.passages);
    }
    switch (x.op) {
      case Op::any:
        out.is_true = number > 0;
        break;
      case Op::all:
        out.is_true = number == x.operands.size();
        break;
      case Op::at_least:
        out.is_true = number >= x.number;
        break;
      default:
        return {number == 0, {}};
    }
    return out.is_true ? out : Value{};
  }

  Value times(const Expression& x, const Eyes& eyes) {
    const Places found = places(x.operands[0], eyes, view_of(eyes));
    std::vector<Place> by_end;
    Value out;
    for (const auto& [place, passages] : found) {
      by_end.push_back(place);
      add(out.passages, passages);
    }
    std::sort(by_end.begin(), by_end.end(), [](const Place& a, const Place& b) {
      return std::tie(a.paragraph, a.end) < std::tie(b.paragraph, b.end);
    });
    std::uint32_t number = 0;
    const Place* last = nullptr;
    for (const Place& place : by_end) {  // taking the one that ends first never takes fewer
      if (last && overlap(*last, place)) continue;
      ++number;
      last = &place;
    }
    out.is_true = number >= x.number;
    return out.is_true ? out : Value{};
  }

  Value same(const Expression& x, const Eyes& eyes) {
    Value out;
    choices(x, eyes, view_of(eyes), [&](const std::vector<Choice>& chosen) {
      if (x.op == Op::same_sentence) {
        const auto sentences = text.sentences(chosen[0]->first.paragraph);
        const bool one = std::any_of(sentences.begin(), sentences.end(), [&](const Sentence& sentence) {
          return std::all_of(chosen.begin(), chosen.end(), [&](Choice choice) {
            return sentence.first_word <= choice->first.first && choice->first.end <= sentence.end_word;
          });
        });
        if (!one) return;
      }
      out.is_true = true;
      for (const Choice choice : chosen) add(out.passages, choice->second);
    });
    return out;
  }

  const RE2& pattern_of(const Expression& x) {
    std::unique_ptr<RE2>& pattern = patterns[&x];
    if (!pattern) {
      RE2::Options options;
      options.set_log_errors(false);
      options.set_longest_match(true);
      pattern = std::make_unique<RE2>(x.text, options);
    }
    return *pattern;
  }

  Value regex(const Expression& x, const Eyes& eyes) {
    const RE2& pattern = pattern_of(x);
    const auto found_in = [&](const std::string& field) { return RE2::PartialMatch(field, pattern); };
    if (x.field == syntax::RegexField::url) return {found_in(article->url), {}};
    if (x.field == syntax::RegexField::author) {
      return {std::any_of(article->authors.begin(), article->authors.end(), found_in), {}};
    }
    Value out;
    const View view = view_of(eyes);
    for (std::uint32_t i = 0; i < view.size(); ++i) {
      const Paragraph& paragraph = text.paragraphs()[i];
      if (!view[i].any) continue;
      if (x.field == syntax::RegexField::title && paragraph.field != Field::title) continue;
      if (x.field == syntax::RegexField::body && paragraph.field != Field::body) continue;
      const std::string_view bytes =
          text.source(paragraph.field).substr(paragraph.byte_start, view[i].byte_end - paragraph.byte_start);
      const re2::StringPiece piece(bytes.data(), bytes.size());
      re2::StringPiece match;
      for (std::size_t at = 0;
           at <= bytes.size() && pattern.Match(piece, at, bytes.size(), RE2::UNANCHORED, &match, 1);) {
        out.is_true = true;
        const std::size_t begin = static_cast<std::size_t>(match.data() - bytes.data()), end = begin + match.size();
        if (match.empty()) {
          if (end >= bytes.size()) break;
          at = end;
          next_code_point(bytes, at);
          continue;
        }
        const std::uint32_t start = paragraph.start + count_code_points(bytes.substr(0, begin));
        out.passages.insert(
            {paragraph.field, start, start + count_code_points(bytes.substr(begin, end - begin)), x.text, {}});
        at = end;
      }
    }
    return out;
  }

  Hit hit_of(const Passage& passage) const {
    const std::string_view field = text.source(passage.field);
    std::size_t begin = 0;
    for (std::uint32_t i = 0; i < passage.start; ++i) next_code_point(field, begin);
    std::size_t end = begin;
    for (std::uint32_t i = passage.start; i < passage.end; ++i) next_code_point(field, end);
    return {std::string(passage.term),
            std::string(passage.entity),
            passage.field,
            passage.start,
            passage.end,
            std::string(field.substr(begin, end - begin))};
  }
};

NaiveOracle::NaiveOracle(const syntax::Program& program, std::string default_language)
    : impl_(std::make_unique<Impl>(program, std::move(default_language))) {}

NaiveOracle::~NaiveOracle() = default;

std::vector<NaiveVerdict> NaiveOracle::match(const Article& article, Time record_time) {
  Impl& impl = *impl_;
  impl.article = &article;
  impl.record_time = record_time;
  impl.text.prepare(article);
  impl.grammar = grammar_of(article.language, impl.default_language);
  for (auto& mentions : impl.all_mentions) mentions.reset();

  std::vector<NaiveVerdict> out;
  for (const syntax::Rule& rule : impl.program.rules) {
    NaiveVerdict& verdict = out.emplace_back();
    if (rule.info.status == RuleStatus::disabled) continue;
    if (!naive::holds(rule.where, article, record_time, impl.text)) continue;
    const Value value = impl.value(rule.condition, {{}, rule.count_boilerplate, false});
    verdict.is_true = value.is_true;
    for (const Passage& passage : value.passages) verdict.hits.push_back(impl.hit_of(passage));
    if (!value.is_true && !article.boilerplate.empty() && !rule.count_boilerplate) {
      verdict.only_with_boilerplate = impl.value(rule.condition, {{}, true, true}).is_true;
    }
  }
  return out;
}

}  // namespace newswatch::engine
