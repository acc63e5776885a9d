#include "rules/engine/evaluator.h"

#include <algorithm>

#include <re2/re2.h>

#include "rules/engine/where.h"

namespace newswatch::engine {
namespace {

constexpr std::uint32_t many_children = 16;  // from here on an `any` is answered by what the article touched
constexpr std::uint32_t nothing = UINT32_MAX;

}  // namespace

bool Evaluator::hidden(std::uint32_t paragraph, bool count) const {
  return !count && !count_all_ && text_->paragraphs()[paragraph].boilerplate;
}

void Evaluator::begin(const Plan& plan, std::uint64_t plan_serial, const Patterns& patterns, const Article& article,
                      PreparedText& text, Time record_time, std::span<const PatternHit> hits) {
  if (serial_ != plan_serial || stamp_ > (UINT32_MAX >> 2)) {
    serial_ = plan_serial;
    memo_.assign(plan.nodes.size(), {});
    woken_.assign(plan.nodes.size(), 0);
    views_.assign(plan.zones.size() * 2, {});
    stamp_ = wake_stamp_ = 0;
  }
  plan_ = &plan;
  patterns_ = &patterns;
  article_ = &article;
  text_ = &text;
  hits_ = hits;
  record_time_ = record_time;
  ++stamp_;
  ++wake_stamp_;
  count_all_ = false;
  body_words_ = -1;
  pool_used_ = 0;
  has_boilerplate_ = false;
  for (const Paragraph& paragraph : text.paragraphs())
    has_boilerplate_ = has_boilerplate_ || (paragraph.boilerplate && paragraph.end_word > paragraph.first_word);

  ranges_.clear();
  hit_spans_.clear();
  bool names = false;
  for (const PatternHit& hit : hits) {
    if (ranges_.empty() || ranges_.back().pattern != hit.pattern) {
      ranges_.push_back({hit.pattern, static_cast<std::uint32_t>(hit_spans_.size()), 0});
      names = names || (!plan.pattern_is_name.empty() && plan.pattern_is_name[hit.pattern]);
    }
    ++ranges_.back().count;
    hit_spans_.push_back(hit.span);
  }
  mentions_.clear();
  mentioned_.clear();
  if (names) find_mentions();
  wake_all();
}

void Evaluator::count_all_paragraphs() {
  count_all_ = true;
  ++stamp_;
  pool_used_ = 0;
  for (auto& entity : mentioned_) entity.known[0] = entity.known[1] = 0;
}

// --- candidates ----------------------------------------------------------------------------------------------------

void Evaluator::wake(std::uint32_t node) {
  if (woken_[node] == wake_stamp_) return;
  woken_[node] = wake_stamp_;
  stack_.push_back(node);
}

void Evaluator::wake_all() {
  candidates_.clear();
  touched_.clear();
  stack_.clear();
  for (const Range& range : ranges_)
    for (std::uint32_t leaf : plan_->pattern_leaves.of(range.pattern)) wake(leaf);
  for (const MentionedEntity& mentioned : mentioned_) {
    for (std::uint32_t leaf : plan_->entity_leaves.of(mentioned.entity)) wake(leaf);
    const EntityRecord& record = plan_->entities[mentioned.entity];
    for (std::size_t c = 0; c < plan_->classes.size(); ++c) {
      const EntityClass& of = plan_->classes[c];
      if ((of.type == nothing || of.type == record.type) && (of.watchlist == nothing || of.watchlist == record.watchlist))
        for (std::uint32_t leaf : plan_->class_leaves.of(c)) wake(leaf);
    }
  }
  plan_->regex_filter.find(text_->small_letters(), regexes_);
  for (std::uint32_t regex : regexes_.found)
    for (std::uint32_t leaf : plan_->regex_leaves.of(regex)) wake(leaf);
  for (std::uint32_t node : plan_->always) wake(node);
  while (!stack_.empty()) {
    std::uint32_t node = stack_.back();
    stack_.pop_back();
    for (auto [to, guard] : plan_->up.of(node)) {
      if (to & rule_edge) {
        candidates_.push_back(to & ~rule_edge);
        continue;
      }
      if (guard != nothing && woken_[guard] != wake_stamp_) continue;
      const Node& parent = plan_->nodes[to];
      if (parent.op == Op::any && parent.children >= many_children) touched_.push_back({to, node});
      wake(to);
    }
  }
  std::sort(candidates_.begin(), candidates_.end());
  std::sort(touched_.begin(), touched_.end());
}

const Evaluator::Range* Evaluator::range_of(std::uint32_t pattern) const {
  auto it = std::lower_bound(ranges_.begin(), ranges_.end(), pattern, [](const Range& r, std::uint32_t p) { return r.pattern < p; });
  return it != ranges_.end() && it->pattern == pattern ? &*it : nullptr;
}

// --- what a leaf sees ----------------------------------------------------------------------------------------------

const Evaluator::View& Evaluator::view(std::uint16_t number, bool count) {
  View& view = views_[number * 2u + count];
  if (view.stamp == stamp_) return view;
  view.stamp = stamp_;
  const Zone& zone = plan_->zones[number];
  view.title = zone.title;
  view.end_word = 0;
  auto paragraphs = text_->paragraphs();
  if (zone.body) {
    std::uint32_t left = zone.first;
    for (std::uint32_t p = 1; p < paragraphs.size(); ++p) {
      std::uint32_t words = paragraphs[p].end_word - paragraphs[p].first_word;
      if (words == 0 || hidden(p, count)) continue;
      if (left == 0) break;
      view.end_word = paragraphs[p].first_word + std::min(words, left);
      if (left != UINT32_MAX) left -= std::min(words, left);
      if (zone.lead) break;
    }
  }
  view.everything = zone == Zone{} && (count || count_all_ || !has_boilerplate_);
  return view;
}

bool Evaluator::visible(const Span& span, const View& view, bool count) const {
  if (view.everything) return true;
  if (span.region == 0) return view.title;
  return span.end <= view.end_word && !hidden(span.region, count);
}

// --- mentions ------------------------------------------------------------------------------------------------------

// Names in all paragraphs, less those inside a longer strong name, by entity. A strong name that lies inside a longer
// one still hides what lies in itself; as the longer one hides that too, one sweep does.
void Evaluator::find_mentions() {
  struct Found {
    Span span;
    std::uint32_t pattern;
    bool strong;
  };
  std::vector<Found> found;
  for (const Range& range : ranges_) {
    std::uint8_t kind = plan_->pattern_is_name[range.pattern];
    if (!kind) continue;
    for (std::uint32_t i = 0; i < range.count; ++i) found.push_back({hit_spans_[range.first + i], range.pattern, (kind & 2) != 0});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.span != b.span ? a.span < b.span : a.pattern < b.pattern; });
  std::uint32_t region = nothing, before = 0;  // furthest end of strong names that begin earlier
  for (std::size_t i = 0; i < found.size();) {
    if (found[i].span.region != region) {
      region = found[i].span.region;
      before = 0;
    }
    std::size_t j = i;
    std::uint32_t here = 0;
    for (; j < found.size() && found[j].span.region == region && found[j].span.begin == found[i].span.begin; ++j)
      if (found[j].strong) here = std::max(here, found[j].span.end);
    for (; i < j; ++i) {
      if (before >= found[i].span.end || here > found[i].span.end) continue;
      for (const NameUse& use : plan_->pattern_names.of(found[i].pattern)) {
        if (mentions_.size() >= most_hits) break;
        mentions_.push_back({use.entity, use.name, found[i].span, use.weak != 0, patterns_->tagged_first(found[i].pattern)});
      }
    }
    before = std::max(before, here);
  }
  std::sort(mentions_.begin(), mentions_.end(), [](const Mention& a, const Mention& b) {
    return a.entity != b.entity ? a.entity < b.entity : a.span < b.span;
  });
  for (std::uint32_t i = 0; i < mentions_.size(); ++i) {
    if (mentioned_.empty() || mentioned_.back().entity != mentions_[i].entity) mentioned_.push_back({mentions_[i].entity, i, 0, {0, 0}});
    ++mentioned_.back().count;
  }
}

bool Evaluator::accepted(MentionedEntity& entity, bool count) {
  std::uint8_t& known = entity.known[count];
  if (known) return known == 2;
  bool strong = false;
  for (std::uint32_t i = 0; i < entity.count && !strong; ++i) {
    const Mention& mention = mentions_[entity.first + i];
    strong = !mention.weak && !hidden(mention.span.region, count);
  }
  if (!strong) {
    auto context = plan_->contexts.find(entity.entity);
    strong = context != plan_->contexts.end() && context->second[count] != nothing && truth(context->second[count]);
  }
  known = strong ? 2 : 1;
  return strong;
}

// Calls visit(mention) for the visible mentions of an entity or class; stops when it returns false.
template <class Visit>
void Evaluator::each_mention(const Node& node, Visit visit) {
  const View& seen = view(node.zone, node.count_boilerplate);
  auto of = [&](MentionedEntity& entity) {
    const Mention* first = &mentions_[entity.first];
    bool decided = false;
    for (const Mention* mention = first; mention < first + entity.count; ++mention) {
      if (!visible(mention->span, seen, node.count_boilerplate)) continue;
      if (!decided) {
        // A strong mention that is seen decides by itself; a weak one needs the rest of the article.
        if (!accepted(entity, node.count_boilerplate)) return true;
        decided = true;
      }
      if (!visit(*mention)) return false;
    }
    return true;
  };
  if (node.op == Op::entity) {
    auto it = std::lower_bound(mentioned_.begin(), mentioned_.end(), node.a, [](const MentionedEntity& m, std::uint32_t e) { return m.entity < e; });
    if (it != mentioned_.end() && it->entity == node.a) of(*it);
    return;
  }
  const EntityClass& wanted = plan_->classes[node.a];
  for (MentionedEntity& entity : mentioned_) {
    const EntityRecord& record = plan_->entities[entity.entity];
    if ((wanted.type != nothing && wanted.type != record.type) || (wanted.watchlist != nothing && wanted.watchlist != record.watchlist)) continue;
    if (!of(entity)) return;
  }
}

// --- truth ---------------------------------------------------------------------------------------------------------

bool Evaluator::truth(std::uint32_t node) {
  Memo& memo = memo_[node];
  if (memo.answered >> 1 == stamp_) return memo.answered & 1;
  bool answer = (plan_->nodes[node].listens && woken_[node] != wake_stamp_) ? false : compute(node);
  memo_[node].answered = stamp_ << 1 | answer;
  return answer;
}

template <class Visit>
void Evaluator::each_true_child(std::uint32_t number, Visit visit) {
  const Node& node = plan_->nodes[number];
  if (node.op == Op::any && node.children >= many_children && node.listens) {
    for (auto it = std::lower_bound(touched_.begin(), touched_.end(), Touched{number, 0}); it != touched_.end() && it->parent == number; ++it)
      if (truth(it->child) && !visit(it->child)) return;
    return;
  }
  for (std::uint32_t i = 0; i < node.children; ++i) {
    std::uint32_t child = plan_->children[node.first_child + i];
    if (truth(child) && !visit(child)) return;
  }
}

bool Evaluator::compute(std::uint32_t number) {
  const Node& node = plan_->nodes[number];
  const std::uint32_t* children = plan_->children.data() + node.first_child;
  auto all_true = [&] {
    for (std::uint32_t i = 0; i < node.children; ++i)
      if (!truth(children[i])) return false;
    return true;
  };
  bool found = false;
  auto note = [&](auto&&) {
    found = true;
    return false;
  };
  switch (node.op) {
    case Op::never: return false;
    case Op::term: {
      const Range* range = range_of(node.a);
      if (!range) return false;
      const View& seen = view(node.zone, node.count_boilerplate);
      if (seen.everything) return true;
      for (std::uint32_t i = 0; i < range->count; ++i)
        if (visible(hit_spans_[range->first + i], seen, node.count_boilerplate)) return true;
      return false;
    }
    case Op::entity:
    case Op::entity_class: each_mention(node, note); return found;
    case Op::regex: return regex_found(node);
    case Op::where: return holds(plan_->conditions[node.a]);
    case Op::any: each_true_child(number, note); return found;
    case Op::all: return all_true();
    case Op::none:
      for (std::uint32_t i = 0; i < node.children; ++i)
        if (truth(children[i])) return false;
      return true;
    case Op::at_least: {
      std::uint32_t count = 0;
      for (std::uint32_t i = 0; i < node.children; ++i)
        if (truth(children[i]) && ++count >= node.a) return true;
      return count >= node.a;
    }
    case Op::times: return truth(children[0]) && at_least_disjoint(spans(children[0]), node.a);
    case Op::near:
    case Op::before: {
      if (!all_true()) return false;
      std::vector<Spans> operands;
      for (std::uint32_t i = 0; i < node.children; ++i) operands.push_back(spans(children[i]));
      return chain_exists(operands, {node.op == Op::before, node.a});
    }
    case Op::same_sentence:
    case Op::same_paragraph:
      if (!all_true()) return false;
      parts_in_one(node, node.op == Op::same_sentence, true, found);
      return found;
    case Op::not_near:
    case Op::outside: return truth(children[0]) && !spans(number).empty();
  }
  return false;
}

// --- positions -----------------------------------------------------------------------------------------------------

std::vector<Span>& Evaluator::fresh_spans() {
  if (pool_used_ == pool_.size()) pool_.emplace_back();
  std::vector<Span>& out = pool_[pool_used_++];
  out.clear();
  return out;
}

Spans Evaluator::spans(std::uint32_t number) {
  Memo& memo = memo_[number];
  if (memo.spans_stamp == stamp_) return pool_[memo.spans];
  const Node& node = plan_->nodes[number];
  const std::uint32_t* children = plan_->children.data() + node.first_child;
  std::vector<Span> result;
  switch (node.op) {
    case Op::term: {
      const Range* range = range_of(node.a);
      if (!range) break;
      const View& seen = view(node.zone, node.count_boilerplate);
      for (std::uint32_t i = 0; i < range->count; ++i)
        if (const Span& span = hit_spans_[range->first + i]; visible(span, seen, node.count_boilerplate)) result.push_back(span);
      break;
    }
    case Op::entity:
    case Op::entity_class:
      each_mention(node, [&](const Mention& mention) {
        result.push_back(mention.span);
        return true;
      });
      std::sort(result.begin(), result.end());
      result.erase(std::unique(result.begin(), result.end()), result.end());
      break;
    case Op::any: {
      std::vector<Spans> lists;
      each_true_child(number, [&](std::uint32_t child) {
        lists.push_back(spans(child));
        return true;
      });
      result = merge(lists);
      break;
    }
    case Op::near:
    case Op::before: {
      std::vector<Spans> operands;
      for (std::uint32_t i = 0; i < node.children; ++i) operands.push_back(spans(children[i]));
      result = chain_wholes(operands, {node.op == Op::before, node.a});
      break;
    }
    case Op::not_near: result = not_near(spans(children[0]), spans(children[1]), node.a); break;
    case Op::outside: result = outside(spans(children[0]), spans(children[1])); break;
    default: break;
  }
  std::vector<Span>& kept = fresh_spans();
  kept.swap(result);
  memo_[number].spans_stamp = stamp_;
  memo_[number].spans = static_cast<std::uint32_t>(pool_used_ - 1);
  return kept;
}

// same_sentence and same_paragraph: chains without a gap, whose regions are sentences or paragraphs.
std::vector<std::vector<Span>> Evaluator::parts_in_one(const Node& node, bool sentence, bool only_truth, bool& found) {
  ChainKind kind{false, unlimited_gap};
  std::vector<std::vector<Span>> moved(node.children);
  std::vector<Spans> operands(node.children);
  for (std::uint32_t i = 0; i < node.children; ++i) {
    operands[i] = spans(plan_->children[node.first_child + i]);
    if (!sentence) continue;
    // Words are numbered through the article, so a sentence is named by its first word, and the order stays.
    for (const Span& span : operands[i]) {
      std::uint32_t id = sentence_id(span);
      if (id != nothing) moved[i].push_back({id, span.begin, span.end});
    }
    operands[i] = moved[i];
  }
  std::vector<std::vector<Span>> parts;
  if (only_truth) {
    found = chain_exists(operands, kind);
    return parts;
  }
  parts = chain_parts(operands, kind);
  if (sentence) {
    auto paragraphs = text_->paragraphs();
    for (auto& list : parts) {
      for (Span& span : list) {
        auto it = std::upper_bound(paragraphs.begin(), paragraphs.end(), span.begin,
                                   [](std::uint32_t word, const Paragraph& p) { return word < p.end_word; });
        span.region = static_cast<std::uint32_t>(it - paragraphs.begin());
      }
    }
  }
  return parts;
}

// The first word of the sentence that holds the whole span.
std::uint32_t Evaluator::sentence_id(const Span& span) {
  auto sentences = text_->sentences(span.region);
  auto it = std::upper_bound(sentences.begin(), sentences.end(), span.begin,
                             [](std::uint32_t word, const Sentence& s) { return word < s.end_word; });
  if (it == sentences.end() || span.begin < it->first_word || span.end > it->end_word) return nothing;
  return it->first_word;
}

// --- passages ------------------------------------------------------------------------------------------------------

Passage Evaluator::passage(const Span& span, bool tagged) const {
  const Word& first = text_->words()[span.begin];
  const Word& last = text_->words()[span.end - 1];
  Passage out{span.region, first.start, last.end, first.byte_start, last.byte_end, {}, nothing};
  if (tagged) {
    out.start -= first.tag_length;
    out.byte_start -= first.tag_bytes;
  }
  return out;
}

void Evaluator::collect(std::uint32_t number, std::vector<Passage>& out) {
  const Node& node = plan_->nodes[number];
  const std::uint32_t* children = plan_->children.data() + node.first_child;
  switch (node.op) {
    case Op::term:
    case Op::entity:
    case Op::entity_class: collect_in(number, spans(number), out); break;
    case Op::regex: collect_regex(node, out); break;
    case Op::any:
    case Op::at_least:
    case Op::all:
      each_true_child(number, [&](std::uint32_t child) {
        collect(child, out);
        return true;
      });
      break;
    case Op::times: collect(children[0], out); break;
    case Op::near:
    case Op::before: {
      std::vector<Spans> operands;
      for (std::uint32_t i = 0; i < node.children; ++i) operands.push_back(spans(children[i]));
      auto parts = chain_parts(operands, {node.op == Op::before, node.a});
      for (std::uint32_t i = 0; i < node.children; ++i) collect_in(children[i], parts[i], out);
      break;
    }
    case Op::same_sentence:
    case Op::same_paragraph: {
      bool found = false;
      auto parts = parts_in_one(node, node.op == Op::same_sentence, false, found);
      for (std::uint32_t i = 0; i < node.children; ++i) collect_in(children[i], parts[i], out);
      break;
    }
    case Op::not_near:
    case Op::outside: collect_in(children[0], spans(number), out); break;
    case Op::never:
    case Op::none:
    case Op::where: break;
  }
}

void Evaluator::collect_in(std::uint32_t number, Spans within, std::vector<Passage>& out) {
  if (within.empty() || !truth(number)) return;
  const Node& node = plan_->nodes[number];
  const std::uint32_t* children = plan_->children.data() + node.first_child;
  switch (node.op) {
    case Op::term: {
      bool tagged = patterns_->tagged_first(node.a);
      for (const Span& span : intersect(spans(number), within)) {
        out.push_back(passage(span, tagged));
        out.back().term = plan_->names[node.b];
      }
      break;
    }
    case Op::entity:
    case Op::entity_class:
      each_mention(node, [&](const Mention& mention) {
        if (!std::binary_search(within.begin(), within.end(), mention.span)) return true;
        out.push_back(passage(mention.span, mention.tagged));
        out.back().term = plan_->names[mention.name];
        out.back().entity = mention.entity;
        return true;
      });
      break;
    case Op::any:
      each_true_child(number, [&](std::uint32_t child) {
        collect_in(child, within, out);
        return true;
      });
      break;
    case Op::near:
    case Op::before: {
      Spans wholes = spans(number);
      std::vector<Span> wanted = intersect(wholes, within);
      if (wanted.empty()) return;
      std::vector<Spans> operands;
      for (std::uint32_t i = 0; i < node.children; ++i) operands.push_back(spans(children[i]));
      ChainKind kind{node.op == Op::before, node.a};
      auto parts = wanted.size() == wholes.size() ? chain_parts(operands, kind) : chain_parts_within(operands, kind, wanted);
      for (std::uint32_t i = 0; i < node.children; ++i) collect_in(children[i], parts[i], out);
      break;
    }
    case Op::not_near:
    case Op::outside: collect_in(children[0], intersect(spans(number), within), out); break;
    default: break;
  }
}

// --- regular expressions -------------------------------------------------------------------------------------------

// Calls visit(text, paragraph or `nothing`) for each text that a regex looks at; stops when it returns false.
template <class Visit>
bool Evaluator::each_text(const Node& node, Visit visit) {
  const Regex& regex = plan_->regexes[node.a];
  if (regex.field == Regex::Field::url) return visit(std::string_view(article_->url), nothing);
  if (regex.field == Regex::Field::author) {
    for (const std::string& author : article_->authors)
      if (!visit(std::string_view(author), nothing)) return false;
    return true;
  }
  const View seen = view(node.zone, node.count_boilerplate);
  const Zone& zone = plan_->zones[node.zone];
  auto paragraphs = text_->paragraphs();
  auto words = text_->words();
  for (std::uint32_t p = 0; p < paragraphs.size(); ++p) {
    const Paragraph& paragraph = paragraphs[p];
    std::string_view text = text_->text(paragraph);
    if (p == 0) {
      if (!seen.title || regex.field == Regex::Field::body) continue;
    } else {
      if (!zone.body || regex.field == Regex::Field::title || hidden(p, node.count_boilerplate)) continue;
      bool cut = zone.lead || zone.first != UINT32_MAX;
      if (cut && (paragraph.first_word == paragraph.end_word || paragraph.first_word >= seen.end_word)) continue;
      if (cut && paragraph.end_word > seen.end_word) text = text.substr(0, words[seen.end_word - 1].byte_end - paragraph.byte_start);
    }
    if (!visit(text, p)) return false;
  }
  return true;
}

bool Evaluator::regex_found(const Node& node) {
  const re2::RE2& program = *plan_->regexes[node.a].program;
  return !each_text(node, [&](std::string_view text, std::uint32_t) {
    return !program.Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
  });
}

void Evaluator::collect_regex(const Node& node, std::vector<Passage>& out) {
  const Regex& regex = plan_->regexes[node.a];
  if (regex.field == Regex::Field::url || regex.field == Regex::Field::author) return;
  each_text(node, [&](std::string_view text, std::uint32_t number) {
    const Paragraph& paragraph = text_->paragraphs()[number];
    std::size_t at = 0, counted = 0;
    std::uint32_t points = paragraph.start;
    re2::StringPiece found;
    while (at <= text.size() && out.size() < most_hits &&
           regex.program->Match({text.data(), text.size()}, at, text.size(), re2::RE2::UNANCHORED, &found, 1)) {
      auto begin = static_cast<std::size_t>(found.data() - text.data()), end = begin + found.size();
      if (found.empty()) {
        if (begin >= text.size()) break;
        at = begin;
        next_code_point(text, at);
        continue;
      }
      points += count_code_points(text.substr(counted, begin - counted));
      std::uint32_t length = count_code_points(text.substr(begin, end - begin));
      out.push_back({number, points, points + length, paragraph.byte_start + static_cast<std::uint32_t>(begin),
                     paragraph.byte_start + static_cast<std::uint32_t>(end), regex.source, nothing});
      points += length;
      counted = at = end;
    }
    return true;
  });
}

bool Evaluator::holds(const WhereCondition& condition) const {
  if (body_words_ < 0) {
    body_words_ = 0;
    auto paragraphs = text_->paragraphs();
    for (std::size_t p = 1; p < paragraphs.size(); ++p)
      if (!paragraphs[p].boilerplate) body_words_ += paragraphs[p].end_word - paragraphs[p].first_word;
  }
  return where_holds(condition, *article_, record_time_, static_cast<std::uint32_t>(body_words_));
}

}  // namespace newswatch::engine
