#include "daemon/app/pipeline.h"

#include <algorithm>
#include <chrono>

#include "daemon/app/log_settings.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

namespace newswatch::app {
namespace {

using observe::Metric;
using std::chrono::milliseconds;

std::string describe(const kafka::LoopStatus& loop) {
  using State = kafka::LoopStatus::State;
  std::string out;
  switch (loop.state) {
    case State::connecting:
      out = "connecting to the brokers";
      break;
    case State::joining:
      out = "joining the group";
      break;
    case State::running:
      out = std::to_string(loop.assigned) + (loop.assigned == 1 ? " partition" : " partitions");
      if (loop.started < loop.assigned) {
        out += ", restoring " + std::to_string(loop.assigned - loop.started) + " of them (" +
               std::to_string(static_cast<int>(loop.restored * 100)) + " %)";
      } else {
        out += ", lag " + std::to_string(loop.lag);
      }
      break;
    case State::stopped:
      out = "stopped";
      break;
    case State::failed:
      out = "failed";
      break;
  }
  return loop.trouble.empty() ? out : out + "; " + loop.trouble;
}

void append(std::vector<web::Part>& parts, const char* stage, const std::vector<kafka::LoopStatus>& loops) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    const kafka::LoopStatus& loop = loops[i];
    web::Part part{stage + ("-" + std::to_string(i)), loop.ready(), describe(loop), {}};
    if (loop.state == kafka::LoopStatus::State::failed) part.failure = loop.trouble.empty() ? "failed" : loop.trouble;
    parts.push_back(std::move(part));
  }
}

web::Part part_of(const deliver::DestinationStatus& destination) {
  const kafka::LoopStatus& loop = destination.loop;
  web::Part part{"deliver-" + destination.name, loop.ready(), destination.type + ", " + describe(loop), {}};
  if (destination.in_hand > 0) part.detail += ", " + std::to_string(destination.in_hand) + " in hand";
  if (destination.held_back) part.detail += ", the endpoint is down and is probed";
  if (!destination.last_error.empty()) part.detail += ", " + destination.last_error;
  if (loop.state == kafka::LoopStatus::State::failed) part.failure = loop.trouble.empty() ? "failed" : loop.trouble;
  return part;
}

}  // namespace

Pipeline::Pipeline(boost::asio::io_context& io, observe::Metrics& metrics,
                   std::function<void(const kafka::LoopFailure&)> failed, bool embedded)
    : io_(io), metrics_(metrics), failed_(std::move(failed)), embedded_(embedded) {}

Pipeline::~Pipeline() { stop(milliseconds(0)); }

void Pipeline::start(const tool::Loaded& loaded) {
  settings_ = loaded.settings;
  const config::Common& common = settings_.common;
  const auto keep = [this](auto& place, auto stage) {
    const std::lock_guard lock(mutex_);
    place = std::move(stage);
  };
  if (settings_.stages.deliver) {
    auto stage = std::make_unique<deliver::Stage>(common, io_, watchdog_, metrics_, failed_, embedded_);
    stage->apply(loaded.destinations);
    keep(deliver_, std::move(stage));
    stops_.push("deliver", [this](milliseconds left) { deliver_->stop(left); });
  }
  if (settings_.stages.alert) {
    keep(alert_, std::make_unique<alert::Stage>(common, settings_.alert, watchdog_, metrics_, failed_, embedded_));
    alert_->start();
    stops_.push("alert", [this](milliseconds left) { alert_->stop(left); });
  }
  if (settings_.stages.match) {
    keep(match_, std::make_unique<match::Stage>(common, settings_.match, loaded.rules, watchdog_, metrics_, failed_,
                                                embedded_));
    match_->start();
    stops_.push("match", [this](milliseconds left) { match_->stop(left); });
  }
  count_rules(*loaded.rules);
  const std::lock_guard lock(mutex_);
  started_ = true;
}

bool Pipeline::started() const {
  const std::lock_guard lock(mutex_);
  return started_;
}

std::vector<std::string> Pipeline::reload(const tool::Loaded& loaded) {
  if (deliver_) {
    std::vector<std::string> before;
    for (const auto& destination : deliver_->status()) before.push_back(destination.name);
    deliver_->apply(loaded.destinations);  // the only part that can fail comes first
    for (const std::string& name : before) {
      if (std::ranges::none_of(loaded.destinations, [&](const auto& kept) { return kept->name == name; })) {
        metrics_.forget("destination", name);
      }
    }
  }
  if (alert_) alert_->set_routes(loaded.settings.alert.routes);
  if (match_) match_->set_rules(loaded.rules);
  observe::set_log_level(log_level(loaded.settings.log));
  count_rules(*loaded.rules);
  return needs_restart(settings_, loaded.settings);
}

bool Pipeline::stop(milliseconds deadline) { return stops_.run(deadline); }

void Pipeline::count_rules(const engine::RuleSet& rules) {
  std::size_t live = 0, shadow = 0, disabled = 0;
  for (const engine::RuleInfo& rule : rules.rules()) {
    ++(rule.status == engine::RuleStatus::live ? live : rule.status == engine::RuleStatus::shadow ? shadow : disabled);
  }
  metrics_.gauge(Metric::rules, {"live"}).set(static_cast<double>(live));
  metrics_.gauge(Metric::rules, {"shadow"}).set(static_cast<double>(shadow));
  metrics_.gauge(Metric::rules, {"disabled"}).set(static_cast<double>(disabled));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  metrics_.gauge(Metric::rules_loaded_timestamp).set(std::chrono::duration<double>(now).count());
  const std::lock_guard lock(mutex_);
  facts_ = {
      {"version", NEWSWATCH_VERSION},
      {"instance", settings_.common.instance},
      {"guarantee", settings_.common.guarantee == config::Guarantee::exactly_once ? "exactly_once" : "at_least_once"},
      {"rules", std::to_string(live) + " live, " + std::to_string(shadow) + " shadow, " + std::to_string(disabled) +
                    " disabled"},
      {"rule set", std::string(rules.revision())}};
}

web::Report Pipeline::report() const {
  web::Report out;
  const std::lock_guard lock(mutex_);
  if (match_) append(out.parts, "match", match_->status());
  if (alert_) append(out.parts, "alert", alert_->status());
  if (deliver_) {
    for (const auto& destination : deliver_->status()) out.parts.push_back(part_of(destination));
  }
  out.facts = facts_;
  if (!started_) out.waiting_for = "the start";
  return out;
}

bool Pipeline::idle() const {
  const auto nothing_left = [](const kafka::LoopStatus& loop) {
    return loop.ready() && loop.caught_up && loop.lag == 0;
  };
  const std::lock_guard lock(mutex_);
  if (match_ && !std::ranges::all_of(match_->status(), nothing_left)) return false;
  if (alert_ && !std::ranges::all_of(alert_->status(), nothing_left)) return false;
  return !deliver_ || std::ranges::all_of(deliver_->status(), [&](const deliver::DestinationStatus& destination) {
    return nothing_left(destination.loop) && destination.in_hand == 0;
  });
}

}  // namespace newswatch::app
