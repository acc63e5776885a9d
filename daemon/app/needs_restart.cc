#include "daemon/app/pipeline.h"

namespace newswatch::app {

std::vector<std::string> needs_restart(const config::Settings& running, const config::Settings& wanted) {
  std::vector<std::string> out;
  const auto compare = [&out](const char* name, const auto& was, const auto& is) {
    if (!(was == is)) out.emplace_back(name);
  };
  compare("instance", running.common.instance, wanted.common.instance);
  compare("prefix", running.common.prefix, wanted.common.prefix);
  compare("guarantee", running.common.guarantee, wanted.common.guarantee);
  compare("stages", running.stages, wanted.stages);
  compare("workers.match", running.match.workers, wanted.match.workers);
  compare("workers.alert", running.alert.workers, wanted.alert.workers);
  compare("commit_interval", running.common.commit_interval, wanted.common.commit_interval);
  compare("create_topics", running.common.create_topics, wanted.common.create_topics);
  compare("topics", running.common.topics, wanted.common.topics);
  compare("remember", running.alert.remember, wanted.alert.remember);
  compare("kafka", running.common.kafka, wanted.common.kafka);
  compare("articles", running.match.articles, wanted.match.articles);
  compare("log.format", running.log.format, wanted.log.format);
  compare("status", running.status, wanted.status);
  return out;
}

}  // namespace newswatch::app
