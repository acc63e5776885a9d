#pragma once
// Rule files and the watchlists they name → the engine's program (LANGUAGE sections 2 to 6).

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/yaml/diagnostic.h"
#include "rules/engine/syntax.h"

namespace newswatch::rules {

struct ReaderOptions {
  /// The destinations that a rule's `to` may name; without it (no configuration at hand) any name is taken.
  std::optional<std::vector<std::string>> destinations;
  /// Looks for `unused-list`, `covered` and `ambiguous-capital` too.
  bool warnings = true;
};

struct LoadedRules {
  engine::syntax::Program program;
  std::vector<std::string> files;  ///< all that was read, watchlists too, sorted: what a reload has to look at
};

/// Reads rule files: files, directories (recursively, *.yaml and *.yml, no hidden ones) and globs;
/// `*.test.yaml` is read only when named itself. All errors of all files
/// are reported at once; nothing is returned when there is one. Files are read in the order of their names, so equal
/// files give an equal program. Not found, and a glob or directory without a rule file, is `unreadable-file`.
std::optional<LoadedRules> read_rules(std::span<const std::string> paths, const ReaderOptions& options,
                                      yaml::Diagnostics& diagnostics);

struct MemoryFile {
  std::string name;
  std::string text;
};
/// The same from memory, in the order given; watchlist files are still looked up on disk, beside `name`.
std::optional<LoadedRules> read_rules(std::span<const MemoryFile> files, const ReaderOptions& options,
                                      yaml::Diagnostics& diagnostics);

}  // namespace newswatch::rules
