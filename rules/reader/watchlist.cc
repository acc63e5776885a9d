#include "rules/reader/watchlist.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "rules/reader/lines.h"

namespace newswatch::rules {

using namespace engine::syntax;

namespace {

std::string trimmed(std::string_view text) {
  std::size_t begin = 0, end = text.size();
  while (begin < end && (text[begin] == ' ' || text[begin] == '\t')) ++begin;
  while (end > begin && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
  return std::string(text.substr(begin, end - begin));
}

class ListReader {
 public:
  ListReader(const WatchlistRequest& request, ProgramBuilder& builder, yaml::Diagnostics& diagnostics)
      : request_(request), builder_(builder), diagnostics_(diagnostics), file_(request.path),
        name_(yaml::intern_file(request.path)) {}

  void read() {
    if (!file_.is_open()) return unreadable();
    using Format = WatchlistRequest::Format;
    switch (request_.format) {
      case Format::names: read_names(); break;
      case Format::ftm: read_ftm(); break;
      case Format::csv: read_csv(); break;
      case Format::yaml: read_yaml(); break;
    }
    if (!file_.problem().empty()) unreadable();
  }

 private:
  void unreadable() {
    diagnostics_.error(request_.path_place, "unreadable-file", "cannot read `" + request_.path + "`: " + file_.problem(),
                       "the path is looked up beside the rule file that names it");
    builder_.miss_entities();
  }

  yaml::Place row() const { return {name_, line_, 1}; }
  void bad_row(std::string message, std::string hint = {}) {
    diagnostics_.error(row(), "bad-row", std::move(message), std::move(hint));
  }

  // A name as it stands in a file: nothing in it is a sign of the language. Why it is none, or nothing.
  std::optional<std::string> add_name(Entity& entity, std::string_view text, bool weak) {
    Name name;
    name.text = trimmed(text);
    if (name.text.empty()) return std::nullopt;
    for (const auto& other : entity.names)
      if (other.text == name.text) return std::nullopt;  // said already; strong names come first
    scratch_.prepare_paragraph(name.text);
    if (scratch_.words().empty()) return "the name `" + name.text + "` has no word in it";
    if (scratch_.words().size() > most_term_words) return "the name `" + name.text.substr(0, 60) + "…` has more than 64 words";
    name.weak = weak;
    name.comma = has_comma_form(name.text, entity.type);
    entity.names.push_back(std::move(name));
    return std::nullopt;
  }

  Entity start() const {
    Entity entity;
    entity.watchlist = request_.index;
    entity.place = row();
    return entity;
  }

  void read_names() {
    std::string line;
    while (file_.line(line)) {
      ++line_;
      if (!is_utf8(line)) {
        bad_row("this line is not UTF-8");
        continue;
      }
      Entity entity = start();
      if (const auto problem = add_name(entity, line, false)) {
        bad_row(*problem);
        continue;
      }
      if (entity.names.empty()) continue;  // an empty line
      entity.id = entity.names[0].text;
      // A line that comes twice says nothing new.
      const Entity* known = builder_.find_entity(entity.id);
      if (known == nullptr || known->watchlist != request_.index) builder_.add_entity(std::move(entity));
    }
  }

  // --- FollowTheMoney ---

  void read_ftm() {
    // The schemata that descend from LegalEntity, and the two kinds of things that are sanctioned by name.
    static constexpr std::array<std::string_view, 7> schemata{"LegalEntity", "Person", "Organization", "Company",
                                                              "PublicBody", "Vessel", "Airplane"};
    std::string line;
    while (file_.line(line)) {
      ++line_;
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      boost::system::error_code error;
      boost::json::value value = boost::json::parse(line, error);
      const auto* object = error ? nullptr : value.if_object();
      if (object == nullptr) {
        bad_row("this line is no JSON object", "one entity a line");
        continue;
      }
      const auto text = [&](std::string_view key) {
        const auto* found = object->if_contains(key);
        return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
      };
      const std::string schema = text("schema");
      if (std::find(schemata.begin(), schemata.end(), schema) == schemata.end()) {
        if (schema.empty()) bad_row("the entity has no `schema`");
        continue;
      }
      Entity entity = start();
      entity.id = text("id");
      entity.type = schema;
      if (!good_entity_id(entity.id)) {
        bad_row("the entity has no usable `id`", "1 to 256 characters without white space");
        continue;
      }
      const auto* properties = object->if_contains("properties");
      if (properties == nullptr || !properties->is_object()) {
        bad_row("the entity has no `properties`");
        continue;
      }
      add_properties(entity, properties->get_object());
      if (entity.names.empty())
        diagnostics_.warning(row(), "bad-row", "the entity `" + entity.id + "` has no name and will never be found");
      builder_.add_entity(std::move(entity));
    }
  }

  void add_properties(Entity& entity, const boost::json::object& properties) {
    struct Property {
      std::string_view key;
      bool weak;
    };
    static constexpr std::array<Property, 5> names{{{"name", false}, {"alias", false}, {"previousName", false},
                                                    {"weakAlias", true}, {"abbreviation", true}}};
    for (const auto& property : names)
      for_each_text(properties, property.key, [&](const std::string& value) {
        if (const auto problem = add_name(entity, value, property.weak))
          diagnostics_.warning(row(), "bad-row", *problem, "it is left out");
      });
    std::string topics;
    for_each_text(properties, "topics", [&](const std::string& value) { topics += (topics.empty() ? "" : ",") + value; });
    if (!topics.empty()) entity.labels.emplace_back("topics", topics);
  }

  template <class Use>
  static void for_each_text(const boost::json::object& properties, std::string_view key, Use&& use) {
    const auto* found = properties.if_contains(key);
    if (found == nullptr) return;
    if (found->is_string()) use(std::string(found->get_string()));
    if (!found->is_array()) return;
    for (const auto& one : found->get_array())
      if (one.is_string()) use(std::string(one.get_string()));
  }

  // --- CSV ---

  // One record after RFC 4180; false at the end. `line_` is where it begins.
  bool record(std::vector<std::string>& cells) {
    cells.clear();
    line_ = next_line_;
    if (file_.peek() < 0) return false;
    std::string cell;
    bool quoted = false, was_quoted = false;
    for (;;) {
      const int c = file_.get();
      if (c == '\n' || c < 0) ++next_line_;
      if (quoted) {
        if (c < 0) {
          bad_row("a quotation mark is not closed");
          return false;
        }
        if (c == '"' && file_.peek() == '"') {
          cell += '"';
          file_.get();
        } else if (c == '"') {
          quoted = false;
        } else {
          cell += static_cast<char>(c);
        }
        if (cell.size() > (16u << 20)) {
          bad_row("a cell has more than 16 MiB");
          return false;
        }
        continue;
      }
      if (c == '"' && cell.empty() && !was_quoted) {
        quoted = was_quoted = true;
      } else if (c == ',' || c == '\n' || c < 0) {
        if (c != ',' && !was_quoted && !cell.empty() && cell.back() == '\r') cell.pop_back();
        cells.push_back(std::move(cell));
        cell.clear();
        was_quoted = false;
        if (c != ',') return true;
      } else if (!(was_quoted && c == '\r')) {
        cell += static_cast<char>(c);
      }
    }
  }

  void read_csv() {
    std::vector<std::string> header, cells;
    if (!record(header)) return bad_row("the file is empty", "the first row names the columns");
    const auto& columns = request_.columns;
    const auto column = [&](const std::string& name, bool needed) -> std::optional<std::size_t> {
      if (name.empty()) return std::nullopt;
      for (std::size_t i = 0; i < header.size(); ++i)
        if (trimmed(header[i]) == name) return i;
      if (needed) {
        std::string known;
        for (const auto& one : header) known += (known.empty() ? "" : ", ") + trimmed(one);
        bad_row("no column has the name `" + name + "`", "there are: " + known.substr(0, 300));
      }
      return std::nullopt;
    };
    const bool named = columns.type != "type" || columns.aliases != "aliases";
    const auto id = column(columns.id, true), name = column(columns.name, true);
    const auto type = column(columns.type, named), aliases = column(columns.aliases, named), weak = column(columns.weak, true);
    if (!id || !name) return builder_.miss_entities();
    while (record(cells)) {
      if (cells.size() == 1 && trimmed(cells[0]).empty()) continue;  // an empty line
      if (cells.size() != header.size()) {
        bad_row("the row has " + std::to_string(cells.size()) + " cells, the first row has " + std::to_string(header.size()),
                "a comma or a quotation mark inside a cell needs the cell in quotation marks");
        continue;
      }
      if (!std::all_of(cells.begin(), cells.end(), is_utf8)) {
        bad_row("this row is not UTF-8");
        continue;
      }
      Entity entity = start();
      entity.id = trimmed(cells[*id]);
      if (!good_entity_id(entity.id)) {
        bad_row("`" + entity.id.substr(0, 60) + "` is no id", "1 to 256 characters without white space");
        continue;
      }
      if (type) entity.type = trimmed(cells[*type]);
      std::optional<std::string> problem = add_name(entity, cells[*name], false);
      if (!problem && entity.names.empty()) problem = "the row has no name";
      if (aliases && !problem) problem = add_names(entity, cells[*aliases], false);
      if (weak && !problem) problem = add_names(entity, cells[*weak], true);
      if (problem)
        bad_row(*problem);
      else
        builder_.add_entity(std::move(entity));
    }
  }

  std::optional<std::string> add_names(Entity& entity, std::string_view cell, bool weak) {
    while (!cell.empty()) {
      const std::size_t end = std::min(cell.find(request_.separator), cell.size());
      if (auto problem = add_name(entity, cell.substr(0, end), weak)) return problem;
      cell.remove_prefix(std::min(end + request_.separator.size(), cell.size()));
    }
    return std::nullopt;
  }

  // --- our own ---

  void read_yaml() {
    std::string text;
    constexpr std::size_t most = std::size_t{256} << 20;
    for (int c = file_.get(); c >= 0 && text.size() <= most; c = file_.get()) text += static_cast<char>(c);
    yaml::LoadLimits limits;
    limits.bytes = most;
    const auto root = yaml::load(std::move(text), request_.path, diagnostics_, limits);
    if (!root) return builder_.miss_entities();
    ExpressionReader expressions(diagnostics_);
    if (root->is_sequence()) return read_entities(*root, request_.scope, request_.index, expressions, builder_, diagnostics_);
    yaml::Mapping map(*root, "a watchlist file", diagnostics_);
    if (const auto* entities = map.find("entities", yaml::required))
      read_entities(*entities, request_.scope, request_.index, expressions, builder_, diagnostics_);
    map.finish();
  }

  const WatchlistRequest& request_;
  ProgramBuilder& builder_;
  yaml::Diagnostics& diagnostics_;
  TextFile file_;
  std::string_view name_;
  std::uint32_t line_ = 0, next_line_ = 1;
  engine::PreparedText scratch_;
};

}  // namespace

void read_watchlist(const WatchlistRequest& request, ProgramBuilder& builder, yaml::Diagnostics& diagnostics) {
  ListReader(request, builder, diagnostics).read();
}

}  // namespace newswatch::rules
