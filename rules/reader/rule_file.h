#pragma once
// One rule file (LANGUAGE section 3.3) into the builder; watchlists that it names are handed back, to be read after all
// rule files.

#include <optional>
#include <string>
#include <vector>

#include "config/yaml/document.h"
#include "rules/engine/term_check.h"
#include "rules/reader/expression_reader.h"
#include "rules/reader/program_builder.h"

namespace newswatch::rules {

struct WatchlistRequest {
  std::uint32_t index = 0;  ///< of the watchlist in the program
  std::string path;         ///< beside the rule file that names it
  yaml::Place path_place;
  enum class Format : std::uint8_t { csv, names, ftm, yaml } format = Format::csv;
  struct Columns {
    std::string id, name, type, aliases, weak;
  } columns;
  std::string separator = ";";  ///< between aliases in a cell
  engine::syntax::Scope scope;  ///< the file's defaults, for contexts
};

/// Checks the names in `to`; null: any.
struct FileContext {
  ProgramBuilder& builder;
  yaml::Diagnostics& diagnostics;
  const std::vector<std::string>* destinations = nullptr;
  std::vector<WatchlistRequest>& watchlists;
};

void read_rule_file(const yaml::Node& root, FileContext context);

/// A list of entities, in a rule file or a watchlist file of ours. `watchlist` and entities of it: no_target for none.
void read_entities(const yaml::Node& node, const engine::syntax::Scope& scope, std::uint32_t watchlist,
                   ExpressionReader& expressions, ProgramBuilder& builder, yaml::Diagnostics& diagnostics);

/// The flag of syntax::Name.
bool has_comma_form(std::string_view name, std::string_view type);
bool good_entity_id(std::string_view id);

}  // namespace newswatch::rules
