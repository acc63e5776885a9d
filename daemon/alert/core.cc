#include "daemon/alert/core.h"

#include <algorithm>

#include "daemon/alert/routes.h"
#include "daemon/flow/identity.h"

// The gates, in their order:
//
//   withdrawn   the article says of itself that it is killed, canceled …: nobody is alerted to it.
//   version     this version of this article was seen by this rule before, whatever became of it then: a producer that
//               sends twice, an article topic read again, two inputs of one feed.
//   story       `stories: first` only: the rule alerted this article, or one with the same body.
//   cooldown    the rule alerted less than its cooldown ago.
//
// A story counts as told once it is *alerted*: one that a cooldown held back alerts with its next version or copy. What
// the story gate stops joins the story, so that a copy of a later version is still the same story.
//
// Whatever is remembered is remembered for `remember` after it was last seen. Writing that down at every sight would
// cost a state record for each copy, so an entry is given a sixteenth more, and written again only when that is used
// up.

namespace newswatch::alert {
namespace {

using flow::MatchOutcome;
using std::chrono::milliseconds;

// A jump of the clock can end the time of a million entries at once; this many go with each match, the rest later.
// Until then they are passed over as if they were gone.
constexpr std::size_t forget_at_once = 500;

constexpr int refresh_part = 16;

struct Lifetime {
  Time now;
  milliseconds remember;
  Time fresh_until() const { return now + remember + remember / refresh_part; }
  bool is_stale(Time until) const { return until < now + remember; }
};

void remember_version(Entry& entry, const std::string& version) {
  if (entry.versions.size() >= most_versions) entry.versions.erase(entry.versions.begin());
  entry.versions.push_back(version);
}

flow::Alert make_alert(const flow::MatchRecord& match, Time now, const std::vector<config::Route>& routes) {
  flow::Alert alert;
  alert.kind = flow::AlertKind::alert;
  alert.id =
      flow::alert_id(match.rule.key, {}, alert.kind, match.article.feed, match.article.id, match.article.version);
  alert.shadow = match.rule.status == flow::RuleStatus::shadow;
  alert.time = now;
  alert.rule = {match.rule.key,      match.rule.id,     match.rule.title,
                match.rule.severity, match.rule.labels, match.revision};
  alert.article = match.article;
  alert.evidence = match.evidence;
  alert.destinations = destinations(match.rule, routes);
  alert.summary_cut = match.summary_cut;
  return alert;
}

}  // namespace

Core::Step Core::process(const flow::MatchRecord& match, const std::vector<config::Route>& routes) {
  Step step;
  time_ = std::max(time_, match.record_time);
  const Lifetime lifetime{time_, remember_};
  const flow::AlertSettings& settings = match.rule.alert;
  const bool by_story = settings.stories != flow::Stories::every;

  const std::string of_article = article_key(match.rule.key, flow::article_name(match.article.feed, match.article.id));
  const std::string of_story =
      by_story && !match.body_hash.empty() ? story_key(match.rule.key, match.body_hash) : std::string();
  const std::string of_group = settings.cooldown.count() > 0 ? group_key(match.rule.key, {}) : std::string();

  const Entry* known = state_.find(of_article, time_);
  const Entry* story = of_story.empty() ? nullptr : state_.find(of_story, time_);
  const Entry* group = of_group.empty() ? nullptr : state_.find(of_group, time_);

  const bool seen = known && std::find(known->versions.begin(), known->versions.end(), match.article.version) !=
                                 known->versions.end();
  const bool told = by_story && ((known && known->alerted) || story);
  if (match.article.status != ArticleStatus::live) {
    step.outcome = MatchOutcome::suppressed_withdrawn;
  } else if (seen) {
    step.outcome = MatchOutcome::suppressed_version;
  } else if (told) {
    step.outcome = MatchOutcome::suppressed_story;
  } else if (group && group->last && time_ - *group->last < settings.cooldown) {
    step.outcome = MatchOutcome::suppressed_cooldown;
  } else {
    step.alert = make_alert(match, time_, routes);
    step.outcome = step.alert->shadow ? MatchOutcome::alerted_shadow : MatchOutcome::alerted;
  }

  // The article: every sight of it counts, a repeated one only for its lifetime.
  Entry article = known ? *known : Entry{};
  if (!seen) remember_version(article, match.article.version);
  article.alerted = article.alerted || step.alert || step.outcome == MatchOutcome::suppressed_story;
  const bool article_is_stale = lifetime.is_stale(article.until);
  if (article_is_stale) article.until = lifetime.fresh_until();
  const bool story_is_told = article.alerted && step.outcome != MatchOutcome::suppressed_withdrawn;
  if (!known || !(article == *known)) state_.put(of_article, std::move(article), step.changes);

  // `story` and `group` were found before the put and may have moved since; their keys have not.
  if (!of_story.empty() && story_is_told) {
    const Entry* before = state_.find(of_story, time_);
    if (!before || lifetime.is_stale(before->until)) {
      Entry entry;
      entry.until = lifetime.fresh_until();
      state_.put(of_story, std::move(entry), step.changes);
    }
  }
  if (step.alert && !of_group.empty()) {
    Entry entry;
    entry.last = time_;
    entry.until = time_ + std::max(remember_, settings.cooldown);
    state_.put(of_group, std::move(entry), step.changes);
  }
  state_.forget(time_, forget_at_once, step.changes);
  return step;
}

}  // namespace newswatch::alert
