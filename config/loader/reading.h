#pragma once
// Internal to config/loader: the readers of the larger sections.

#include "config/loader/secrets.h"
#include "config/loader/settings.h"
#include "config/yaml/document.h"

namespace newswatch::config {

struct Reading {
  const Secrets& secrets;
  yaml::Diagnostics& diagnostics;
};

void read_kafka(const yaml::Node& node, Kafka& kafka, const Reading& reading);
void read_topics(const yaml::Node& node, Topics& topics, const Reading& reading);
void read_articles(const yaml::Node& node, std::vector<ArticleInput>& inputs, const Reading& reading);
/// Names of topics and groups: a-z A-Z 0-9 . _ -, at most `most`.
bool is_name(std::string_view text, std::size_t most);
void check_name(const yaml::Node& node, std::string_view text, std::string_view what, yaml::Diagnostics& diagnostics);

}  // namespace newswatch::config
