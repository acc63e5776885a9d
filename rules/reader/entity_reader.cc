// Entities in YAML (LANGUAGE section 5).

#include <algorithm>

#include "rules/reader/rule_file.h"

namespace newswatch::rules {

using namespace engine::syntax;

namespace {

// What holds for a name that gives these settings; nothing given: the rules for names.
Setting name_setting(std::string_view text, std::optional<MatchMode> match, std::optional<CaseMode> letters) {
  Setting how{MatchMode::name, MatchMode::name, CaseMode::name};
  if (letters && *letters != CaseMode::automatic) how.letters = *letters;
  if (match)
    how.match = *match;
  else if (how.letters == CaseMode::exact)
    how.match = MatchMode::exact;
  how.others = how.match == MatchMode::prefix ? MatchMode::name : how.match;
  if (text.ends_with('*')) how.match = MatchMode::prefix;
  return how;
}

std::optional<Name> read_alias(const yaml::Node& node, std::string_view type, ExpressionReader& expressions,
                               yaml::Diagnostics& diagnostics) {
  Name name;
  const yaml::Node* text = &node;
  std::optional<MatchMode> match;
  std::optional<CaseMode> letters;
  if (node.is_mapping()) {
    yaml::Mapping map(node, "an alias", diagnostics);
    text = map.find("text", yaml::required);
    match = read_match(map);
    letters = read_case(map);
    name.weak = map.boolean("weak").value_or(false);
    map.finish();
    if (text == nullptr) return std::nullopt;
  }
  if (text->is_null()) {
    diagnostics.error(text->place, "empty-term", "there is no name here", "a name that begins with `#` must be quoted");
    return std::nullopt;
  }
  if (!yaml::read_text(*text, "a name", diagnostics)) return std::nullopt;
  name.how = name_setting(text->text, match, letters);
  if (!check_term(text->text, name.how, text->place, diagnostics, expressions.scratch())) return std::nullopt;
  name.text = name_of_term(text->text, name.how);
  name.comma = has_comma_form(name.text, type);
  return name;
}

Pairs read_pairs(const yaml::Node* node, std::string_view what, yaml::Diagnostics& diagnostics) {
  Pairs out;
  if (node == nullptr) return out;
  yaml::Mapping map(*node, std::string(what), diagnostics);
  for (const auto& entry : node->entries) {
    if (entry.key.starts_with("x-")) continue;
    if (auto value = yaml::read_text(entry.value, entry.key, diagnostics)) out.emplace_back(entry.key, std::move(*value));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

bool has_comma_form(std::string_view name, std::string_view type) {
  const std::size_t comma = name.find(',');
  if (comma == std::string_view::npos || name.find(',', comma + 1) != std::string_view::npos) return false;
  std::string lower(type);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower.empty() || lower == "person" || lower == "individual";
}

bool good_entity_id(std::string_view id) {
  if (id.empty()) return false;
  std::size_t count = 0;
  for (std::size_t at = 0; at < id.size(); ++count)
    if (engine::is_white_space(engine::next_code_point(id, at))) return false;
  return count <= 256;
}

void read_entities(const yaml::Node& node, const Scope& scope, std::uint32_t watchlist, ExpressionReader& expressions,
                   ProgramBuilder& builder, yaml::Diagnostics& diagnostics) {
  if (node.is_null()) return;
  if (!node.is_sequence()) {
    diagnostics.error(node.place, "wrong-type", "`entities` must be a list", "each entity begins with a dash");
    return;
  }
  for (const auto& item : node.items) {
    yaml::Mapping map(item, "an entity", diagnostics);
    if (!map.ok()) continue;
    Entity entity;
    entity.watchlist = watchlist;
    entity.place = item.place;
    if (const auto* id = map.find("id", yaml::required)) {
      entity.place = id->place;
      if (auto text = yaml::read_text(*id, "id", diagnostics)) {
        if (good_entity_id(*text))
          entity.id = std::move(*text);
        else
          diagnostics.error(id->place, "bad-id", "an entity's id has 1 to 256 characters and no white space");
      }
    }
    entity.type = map.text("type").value_or("");
    if (const auto* name = map.find("name", yaml::required)) {
      if (name->is_mapping())
        diagnostics.error(name->place, "wrong-type", "the name must be a text", "settings stand in `aliases`");
      else if (auto read = read_alias(*name, entity.type, expressions, diagnostics))
        entity.names.push_back(std::move(*read));
    }
    if (const auto* aliases = map.find("aliases")) {
      if (!aliases->is_sequence()) {
        diagnostics.error(aliases->place, "wrong-type", "`aliases` must be a list");
      } else {
        for (const auto& alias : aliases->items)
          if (auto read = read_alias(alias, entity.type, expressions, diagnostics)) entity.names.push_back(std::move(*read));
      }
    }
    if (const auto* context = map.find("context"))
      entity.context = std::make_unique<Expression>(expressions.read(*context, scope, 1, false));
    entity.ids = read_pairs(map.find("ids"), "ids", diagnostics);
    entity.labels = read_pairs(map.find("labels"), "labels", diagnostics);
    map.finish();
    builder.add_entity(std::move(entity));
  }
}

}  // namespace newswatch::rules
