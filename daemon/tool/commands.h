#pragma once
// The commands that need no daemon. Each returns the exit code.

#include <optional>
#include <string>
#include <vector>

#include "config/yaml/diagnostic.h"

namespace newswatch::tool {

enum class Format { text, json };

struct CheckOptions {
  std::vector<std::string> paths;  ///< rule files, directories, globs
  std::string config;              ///< or a configuration, with the rules that it names
  Format format = Format::text;
};
int check(const CheckOptions& options);

int config_show(const std::string& path);
int config_reference();

struct TopicsOptions {
  std::string config;
  std::string principal;  ///< of the ACLs; empty: the user name of the configuration, else newswatch
  int brokers = 3;        ///< the replication that the commands ask for is at most this
};
int topics(const TopicsOptions& options);

struct MatchCommandOptions {
  std::vector<std::string> rules, files;
  std::string config, feed;  ///< rules and the shape of articles from a configuration
  Format format = Format::text;
  bool colour = false, hits = true, summary = true;
  int threads = 1;
};
int match(const MatchCommandOptions& options);

int metrics();

/// Diagnostics on standard error (as JSON on standard output), coloured on a terminal.
void print(const yaml::Diagnostics& diagnostics, Format format = Format::text);
/// Colour is welcome: a terminal, and NO_COLOR is not set.
bool colour_on(int descriptor);

}  // namespace newswatch::tool
