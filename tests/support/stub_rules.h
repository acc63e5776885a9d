#pragma once
// A rule set that needs no compiler: each rule is one word, true of articles whose title or body has it.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/engine/rule_set.h"

namespace newswatch::test {

class StubRules final : public engine::RuleSet {
 public:
  explicit StubRules(const std::vector<std::string>& words, std::string revision = "stub")
      : revision_(std::move(revision)) {
    for (const std::string& word : words) {
      engine::RuleInfo info;
      info.id = word;
      info.key = "key-" + word;
      info.title = "About " + word;
      rules_.push_back(std::move(info));
    }
  }
  std::string_view revision() const override { return revision_; }
  std::span<const engine::RuleInfo> rules() const override { return rules_; }
  /// An article with paragraphs of boilerplate counts once as `only_boilerplate`.
  Result match(const Article& article, Time, engine::Scratch&) const override {
    Result result;
    result.only_boilerplate = article.boilerplate.empty() ? 0 : 1;
    for (std::uint32_t i = 0; i < rules_.size(); ++i) {
      const std::string& word = rules_[i].id;
      const auto in_title = article.title.find(word), in_body = article.body.find(word);
      if (in_title == std::string::npos && in_body == std::string::npos) continue;
      engine::RuleMatch match;
      match.rule = i;
      match.snippet = word;
      match.snippet_field = in_title != std::string::npos ? Field::title : Field::body;
      const auto at = static_cast<std::uint32_t>(in_title != std::string::npos ? in_title : in_body);
      match.snippet_start = at;
      match.hits.push_back({word, "", match.snippet_field, at, at + static_cast<std::uint32_t>(word.size()), word});
      match.sentences = {at};
      result.matches.push_back(std::move(match));
    }
    return result;
  }

 private:
  std::string revision_;
  std::vector<engine::RuleInfo> rules_;
};

}  // namespace newswatch::test
