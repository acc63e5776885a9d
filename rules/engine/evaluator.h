#pragma once
// One article against the graph: which nodes are true, and by which passages.

#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "rules/engine/article.h"
#include "rules/engine/occurrences.h"
#include "rules/engine/patterns.h"
#include "rules/engine/plan.h"
#include "rules/engine/text.h"

namespace newswatch::engine {

/// What a rule found, before it becomes a Hit.
struct Passage {
  std::uint32_t paragraph;
  std::uint32_t start, end;            ///< code points of the field
  std::uint32_t byte_start, byte_end;  ///< the same in bytes
  std::string_view term;
  std::uint32_t entity;  ///< UINT32_MAX: none
};

/// Memory of one thread; `begin` starts an article. The arguments must outlive the use for that article.
class Evaluator {
 public:
  void begin(const Plan& plan, std::uint64_t plan_serial, const Patterns& patterns, const Article& article,
             PreparedText& text, Time record_time, std::span<const PatternHit> hits);

  /// Rules that can be true, ascending.
  std::span<const std::uint32_t> candidates() const { return candidates_; }
  bool truth(std::uint32_t node);
  /// Of a true node. Appends.
  void collect(std::uint32_t node, std::vector<Passage>& out);

  /// From here on all paragraphs count, whatever the rules say.
  void count_all_paragraphs();
  bool has_boilerplate() const { return has_boilerplate_; }

 private:
  struct Memo {
    std::uint32_t answered = 0;  ///< stamp << 1 | truth
    std::uint32_t spans_stamp = 0, spans = 0;
  };
  struct Range {
    std::uint32_t pattern, first, count;
  };
  struct Mention {
    std::uint32_t entity, name;
    Span span;
    bool weak, tagged;
  };
  struct MentionedEntity {
    std::uint32_t entity, first, count;
    std::uint8_t known[2];  ///< by mode: 0 not yet, 1 no, 2 yes
  };
  struct View {  ///< a zone in this article
    std::uint32_t stamp = 0;
    bool title = false;
    std::uint32_t end_word = 0;  ///< of the body
    bool everything = false;
  };
  struct Touched {
    std::uint32_t parent, child;
    auto operator<=>(const Touched&) const = default;
  };

  void wake(std::uint32_t node);
  void wake_all();
  void find_mentions();
  const View& view(std::uint16_t zone, bool count);
  bool visible(const Span& span, const View& view, bool count) const;
  bool hidden(std::uint32_t paragraph, bool count) const;
  const Range* range_of(std::uint32_t pattern) const;
  bool compute(std::uint32_t node);
  bool holds(const WhereCondition& condition) const;
  bool accepted(MentionedEntity& entity, bool count);
  template <class Visit>
  void each_mention(const Node& node, Visit visit);
  template <class Visit>
  void each_true_child(std::uint32_t node, Visit visit);
  template <class Visit>
  bool each_text(const Node& node, Visit visit);
  bool regex_found(const Node& node);
  void collect_regex(const Node& node, std::vector<Passage>& out);
  Spans spans(std::uint32_t node);
  std::vector<Span>& fresh_spans();
  std::vector<std::vector<Span>> operand_spans(const Node& node);
  void collect_in(std::uint32_t node, Spans within, std::vector<Passage>& out);
  Passage passage(const Span& span, bool tagged) const;
  std::uint32_t sentence_id(const Span& span);
  std::vector<std::vector<Span>> parts_in_one(const Node& node, bool sentence, bool only_truth, bool& found);

  const Plan* plan_ = nullptr;
  const Patterns* patterns_ = nullptr;
  const Article* article_ = nullptr;
  PreparedText* text_ = nullptr;
  std::span<const PatternHit> hits_;
  Time record_time_{};
  std::uint64_t serial_ = 0;
  std::uint32_t stamp_ = 0;       ///< of the answers
  std::uint32_t wake_stamp_ = 0;  ///< of the article
  bool has_boilerplate_ = false, count_all_ = false;

  std::vector<Memo> memo_;
  std::vector<std::uint32_t> woken_;  ///< by node: stamp
  std::vector<Range> ranges_;
  std::vector<Span> hit_spans_;
  std::vector<Mention> mentions_;
  std::vector<MentionedEntity> mentioned_;
  std::vector<View> views_;
  std::vector<Touched> touched_;
  std::vector<std::uint32_t> stack_, candidates_;
  std::deque<std::vector<Span>> pool_;
  std::size_t pool_used_ = 0;
  RegexFilter::Work regexes_;
  mutable std::int64_t body_words_ = -1;
};

}  // namespace newswatch::engine
