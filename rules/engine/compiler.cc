#include "rules/engine/compiler.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rules/engine/evaluator.h"
#include "rules/engine/graph_builder.h"
#include "rules/engine/passages.h"

namespace newswatch::engine {

struct Scratch::Impl {
  PreparedText text;
  Patterns::Work work;
  Evaluator evaluator;
  std::vector<Passage> passages;
  DescribeWork describe;
  std::vector<std::uint32_t> missed;
};

Scratch::Scratch() : impl_(std::make_unique<Impl>()) {}
Scratch::~Scratch() = default;
Scratch::Scratch(Scratch&&) noexcept = default;
Scratch& Scratch::operator=(Scratch&&) noexcept = default;

namespace {

// --- revision ------------------------------------------------------------------------------------------------------

// Everything that the rules mean, written down without places, each kind in the order of ids: the order of files and
// the place of a rule in them change nothing.
class Dump {
 public:
  std::string text;

  void add(std::string_view value) {
    add(value.size());
    text += value;
  }
  void add(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
    text += static_cast<char>(value);
  }
  void add(const std::vector<std::string>& values) {
    add(values.size());
    for (const auto& value : values) add(value);
  }
  void add(const syntax::Pairs& pairs) {
    add(pairs.size());
    for (const auto& [name, value] : pairs) add(name), add(value);
  }
  void add(const syntax::Setting& how) {
    add(static_cast<std::uint64_t>(how.match) << 8 | static_cast<std::uint64_t>(how.others) << 4 | static_cast<std::uint64_t>(how.letters));
  }
  void add(const syntax::IncludeExclude& list) {
    add(std::uint64_t{list.include.has_value()});
    if (list.include) add(*list.include);
    add(list.exclude);
  }
  void add(const syntax::Expression& e) {
    add(static_cast<std::uint64_t>(e.op) << 8 | static_cast<std::uint64_t>(e.field));
    if (e.op == syntax::Op::term) add(e.how);
    add(e.text);
    add(e.type);
    add(std::uint64_t{e.number});
    add(e.operands.size());
    for (const auto& operand : e.operands) add(operand);
  }
  void add(const syntax::Rule& rule) {
    const RuleInfo& info = rule.info;
    add(info.id);
    add(info.key);
    add(info.title);
    add(static_cast<std::uint64_t>(info.status));
    add(static_cast<std::uint64_t>(info.severity));
    add(info.labels);
    add(info.to);
    add(info.alert.group_by);
    add(static_cast<std::uint64_t>(info.alert.stories));
    add(static_cast<std::uint64_t>(info.alert.cooldown.count()));
    add(rule.formerly);
    add(rule.condition);
    for (const auto* list : {&rule.where.languages, &rule.where.sources, &rule.where.countries, &rule.where.sections, &rule.where.authors, &rule.where.tags})
      add(*list);
    add(static_cast<std::uint64_t>(rule.where.max_age ? rule.where.max_age->count() + 1 : 0));
    add(std::uint64_t{rule.where.min_words ? *rule.where.min_words + 1u : 0u});
    add(std::uint64_t{rule.where.max_words ? *rule.where.max_words + 1u : 0u});
    add(std::uint64_t{rule.count_boilerplate});
  }
  void add(const syntax::Entity& entity, const syntax::Program& program) {
    add(entity.id);
    add(entity.type);
    add(entity.names.size());
    for (const auto& name : entity.names) {
      add(name.text);
      add(name.how);
      add(static_cast<std::uint64_t>(name.weak) << 1 | static_cast<std::uint64_t>(name.comma));
    }
    add(std::uint64_t{entity.context != nullptr});
    if (entity.context) add(*entity.context);
    add(entity.ids);
    add(entity.labels);
    add(entity.watchlist == syntax::no_target ? std::string_view{} : std::string_view(program.watchlists[entity.watchlist].id));
  }
};

std::string revision_of(const syntax::Program& program, const CompileOptions& options) {
  auto in_order = [](const auto& values, auto id) {
    std::vector<std::size_t> order(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return id(values[a]) < id(values[b]); });
    return order;
  };
  XXH64_state_t state;
  XXH64_reset(&state, 0);
  Dump dump;
  auto flush = [&] {
    XXH64_update(&state, dump.text.data(), dump.text.size());
    dump.text.clear();
  };
  dump.add(std::string_view("newswatch rules 1"));
  dump.add(options.default_language);
  dump.add(program.lists.size());
  for (std::size_t i : in_order(program.lists, [](const auto& l) -> const std::string& { return l.id; })) {
    dump.add(program.lists[i].id);
    dump.add(program.lists[i].items.size());
    for (const auto& item : program.lists[i].items) dump.add(item);
    flush();
  }
  dump.add(program.entities.size());
  for (std::size_t i : in_order(program.entities, [](const auto& e) -> const std::string& { return e.id; })) {
    dump.add(program.entities[i], program);
    flush();
  }
  dump.add(program.rules.size());
  for (std::size_t i : in_order(program.rules, [](const auto& r) -> const std::string& { return r.info.id; })) {
    dump.add(program.rules[i]);
    flush();
  }
  flush();
  char out[17];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(XXH64_digest(&state)));
  return out;
}

constexpr std::size_t keeps_memory_up_to = std::size_t{1} << 20;  // bytes of text; then a scratch holds some 30 MB at most

// --- the rule set --------------------------------------------------------------------------------------------------

class Compiled final : public RuleSet {
 public:
  Compiled(const syntax::Program& program, const CompileOptions& options)
      : revision_(revision_of(program, options)), default_language_(options.default_language) {
    static std::atomic<std::uint64_t> serials{0};
    serial_ = ++serials;
    auto [plan, patterns] = GraphBuilder(program, process_hash_key()).build();
    plan_ = std::move(plan);
    patterns_ = std::move(patterns);
  }

  std::string_view revision() const override { return revision_; }
  std::span<const RuleInfo> rules() const override { return plan_.rules; }
  std::size_t bytes() const override { return plan_.bytes() + patterns_.bytes(); }

  Result match(const Article& article, Time record_time, Scratch& scratch) const override {
    Scratch::Impl& memory = scratch.impl();
    Result result;
    memory.text.prepare(article);
    patterns_.find(memory.text, grammar_of(article.language, default_language_), memory.work);
    Evaluator& evaluator = memory.evaluator;
    evaluator.begin(plan_, serial_, patterns_, article, memory.text, record_time, memory.work.hits);
    memory.missed.clear();
    memory.describe.begin(memory.text);
    for (std::uint32_t rule : evaluator.candidates()) {
      if (!evaluator.truth(plan_.roots[rule])) {
        if (plan_.ignores_boilerplate[rule]) memory.missed.push_back(rule);
        continue;
      }
      memory.passages.clear();
      evaluator.collect(plan_.roots[rule], memory.passages);
      RuleMatch& match = result.matches.emplace_back();
      match.rule = rule;
      describe(plan_, memory.text, memory.passages, memory.describe, match);
    }
    if (evaluator.has_boilerplate() && !memory.missed.empty()) {
      evaluator.count_all_paragraphs();
      for (std::uint32_t rule : memory.missed) result.only_boilerplate += evaluator.truth(plan_.roots[rule]);
    }
    // One article in a million is huge; its memory is not kept for the others.
    if (article.title.size() + article.body.size() > keeps_memory_up_to) scratch = Scratch();
    return result;
  }

 private:
  std::string revision_, default_language_;
  std::uint64_t serial_ = 0;
  Plan plan_;
  Patterns patterns_;
};

}  // namespace

std::shared_ptr<const RuleSet> compile(const syntax::Program& program, const CompileOptions& options) {
  return std::make_shared<Compiled>(program, options);
}

}  // namespace newswatch::engine
