#pragma once
// The configuration file, read and checked in one pass.

#include <optional>
#include <string>

#include "config/loader/secrets.h"
#include "config/loader/settings.h"
#include "config/yaml/diagnostic.h"

namespace newswatch::config {

/// Reads the file and everything between its parts that can be checked without a broker. All that is wrong is reported;
/// empty when any of it is an error. What only a kind of destination knows is checked by deliver, rule files by the rule
/// reader: run them on the same Diagnostics, so that the user sees everything at once.
std::optional<Settings> load(const std::string& path, Purpose purpose, yaml::Diagnostics& diagnostics);
/// The same, but what could be read is returned with errors too, so that others check their parts of it in the same pass.
/// To be used only when nothing was reported.
std::optional<Settings> load_as_far_as_it_goes(const std::string& path, Purpose purpose, yaml::Diagnostics& diagnostics);
/// As load() of a text; `path` names it in messages, and relative paths are looked up beside it.
std::optional<Settings> load_text(std::string text, const std::string& path, Purpose purpose,
                                  yaml::Diagnostics& diagnostics);

/// The effective configuration as YAML that reads back, each value with its origin as a comment: its place in the file,
/// `default`, or `host name`. What came from `${…}` and every password stand as `<secret>`. Of destinations it shows
/// what the file has. Empty on errors. Needs no secrets.
std::optional<std::string> show(const std::string& path, yaml::Diagnostics& diagnostics);

/// docs/configuration.md: every option with its default, printed from the table that the reader knows too.
std::string reference();

}  // namespace newswatch::config
