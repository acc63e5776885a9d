#include "rules/reader/rule_file.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace newswatch::rules {

using namespace engine::syntax;
using engine::AlertSettings;
using engine::RuleStatus;
using engine::Severity;
using engine::Stories;

namespace {

bool good_id(std::string_view id, bool capitals) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
           (capitals && c >= 'A' && c <= 'Z');
  });
}

// What `defaults` may hold and a rule may say for itself.
struct Settings {
  std::optional<Severity> severity;
  std::optional<RuleStatus> status;
  std::optional<bool> count_boilerplate;
  std::optional<std::vector<std::string>> to;
  std::optional<Stories> stories;
  std::optional<std::chrono::milliseconds> cooldown;
  std::map<std::string, std::string> labels;
};

class FileReader {
 public:
  explicit FileReader(FileContext context)
      : builder_(context.builder), diagnostics_(context.diagnostics), destinations_(context.destinations),
        watchlists_(context.watchlists), expressions_(context.diagnostics) {}

  void read(const yaml::Node& root) {
    if (root.is_null()) return;
    yaml::Mapping file(root, "a rule file", diagnostics_);
    if (!file.ok()) return;
    if (const auto* defaults = file.find("defaults"); defaults != nullptr && !defaults->is_null()) read_defaults(*defaults);
    for (const std::string_view key : {"lists", "entities", "watchlists", "rules"}) file.allow(key);
    // In the order written, which is the order in which circles are told.
    for (const auto& entry : root.entries) {
      if (entry.key == "lists") read_lists(entry.value);
      if (entry.key == "entities") read_entities(entry.value, scope_, no_target, expressions_, builder_, diagnostics_);
      if (entry.key == "watchlists") read_watchlists(entry.value);
      if (entry.key == "rules") read_rules(entry.value);
    }
    file.finish();
  }

 private:
  bool is_list(const yaml::Node& node, std::string_view what) {
    if (node.is_null()) return false;  // everything in it is commented out
    if (node.is_sequence()) return true;
    diagnostics_.error(node.place, "wrong-type", "`" + std::string(what) + "` must be a list", "each item begins with a dash");
    return false;
  }

  // --- settings ---

  void read_settings(yaml::Mapping& map, Settings& settings) {
    settings.severity = map.choice<Severity>("severity", {{"low", Severity::low}, {"medium", Severity::medium},
                                                          {"high", Severity::high}, {"critical", Severity::critical}});
    settings.status = map.choice<RuleStatus>("status", {{"live", RuleStatus::live}, {"shadow", RuleStatus::shadow},
                                                        {"disabled", RuleStatus::disabled}});
    settings.count_boilerplate = map.choice<bool>("boilerplate", {{"ignore", false}, {"count", true}});
    if (const auto* to = map.find("to")) settings.to = read_to(*to);
    if (const auto* alert = map.find("alert")) read_alert(*alert, settings);
    if (const auto* labels = map.find("labels")) {
      yaml::Mapping pairs(*labels, "labels", diagnostics_);
      for (const auto& entry : labels->entries) {
        if (entry.key.starts_with("x-")) continue;
        if (auto value = yaml::read_text(entry.value, "the label " + entry.key, diagnostics_))
          settings.labels.insert_or_assign(entry.key, std::move(*value));
      }
    }
  }

  std::optional<std::vector<std::string>> read_to(const yaml::Node& node) {
    const auto names = yaml::read_texts(node, "to", diagnostics_);
    if (!names) return std::nullopt;
    std::vector<std::string> out;
    for (std::size_t i = 0; i < names->size(); ++i) {
      const std::string& name = (*names)[i];
      if (destinations_ != nullptr && std::find(destinations_->begin(), destinations_->end(), name) == destinations_->end()) {
        std::string known;
        for (const auto& one : *destinations_) known += (known.empty() ? "" : ", ") + one;
        diagnostics_.error(node.items[i].place, "unknown-name", "the configuration has no destination `" + name + "`",
                           yaml::did_you_mean(name, *destinations_, known.empty() ? "it has none at all" : "it has: " + known));
      }
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    }
    return out;
  }

  void read_alert(const yaml::Node& node, Settings& settings) {
    yaml::Mapping map(node, "alert", diagnostics_);
    settings.stories = map.choice<Stories>("stories", {{"first", Stories::first}, {"updates", Stories::updates}, {"every", Stories::every}});
    if (settings.stories == Stories::updates)
      diagnostics_.error(map.place_of("stories"), "bad-value", "`stories: updates` is not supported yet", "use `first` or `every`");
    settings.cooldown = map.duration("cooldown");
    if (const auto* group_by = map.find("group_by")) {
      const auto names = yaml::read_texts(*group_by, "group_by", diagnostics_);
      if (names && !names->empty())
        diagnostics_.error(group_by->place, "bad-value", "`group_by` is not supported yet", "leave it out: alerts of a rule are one group");
    }
    if (const auto* threshold = map.find("threshold"); threshold != nullptr && !threshold->is_null())
      diagnostics_.error(threshold->place, "bad-value", "`threshold` is not supported yet", "leave it out: each story alerts");
    map.finish();
  }

  void read_defaults(const yaml::Node& node) {
    yaml::Mapping map(node, "defaults", diagnostics_);
    read_settings(map, defaults_);
    scope_ = scope_.with(read_match(map), read_case(map), Scope::Nearness::file);
    map.finish();
  }

  // --- lists ---

  void read_lists(const yaml::Node& node) {
    if (node.is_null()) return;
    if (!node.is_mapping()) {
      diagnostics_.error(node.place, "wrong-type", "`lists` must be a mapping: name, colon, list");
      return;
    }
    for (const auto& entry : node.entries) {
      if (entry.key.starts_with("x-")) continue;
      List list;
      list.place = entry.key_place;
      if (good_id(entry.key, true)) {
        list.id = entry.key;
      } else {
        diagnostics_.error(entry.key_place, "bad-id", "a list's name has letters a-z and A-Z, digits and `. _ -` only, at most 128");
        builder_.know_list(entry.key);
      }
      Scope scope = scope_;
      const yaml::Node* items = &entry.value;
      if (items->is_mapping()) {
        yaml::Mapping map(entry.value, "a list with settings", diagnostics_);
        scope = scope.with(read_match(map), read_case(map), Scope::Nearness::group);
        items = map.find("items", yaml::required);
        map.finish();
      }
      if (items != nullptr) read_list_items(*items, scope, list);
      builder_.add_list(std::move(list));
    }
  }

  void read_list_items(const yaml::Node& node, const Scope& scope, List& list) {
    if (!node.is_sequence()) {
      diagnostics_.error(node.place, "wrong-type", "a list must stand here",
                         node.is_scalar() ? "put it in brackets: [" + node.text.substr(0, 60) + "]" : "");
      return;
    }
    if (node.items.empty()) {
      diagnostics_.error(node.place, "empty-list", "the list `" + list.id + "` is empty");
      return;
    }
    if (node.items.size() > 1'000'000) {
      diagnostics_.error(node.place, "too-long", "a list may have at most 1,000,000 items", "a watchlist may have more");
      return;
    }
    list.items.reserve(node.items.size());
    for (const auto& item : node.items) {
      if (item.is_mapping() && item.find("text") == nullptr && item.find("list") == nullptr) {
        diagnostics_.error(item.place, "wrong-type", "a list holds terms and lists only", "expressions stand in a rule; refer to it with {rule: …}");
        continue;
      }
      list.items.push_back(expressions_.read(item, scope, 2, false));
    }
  }

  // --- watchlists ---

  void read_watchlists(const yaml::Node& node) {
    if (!is_list(node, "watchlists")) return;
    for (const auto& item : node.items) {
      yaml::Mapping map(item, "a watchlist", diagnostics_);
      if (!map.ok()) continue;
      const std::size_t errors = diagnostics_.errors();
      Watchlist watchlist;
      watchlist.place = item.place;
      if (const auto* id = map.find("id", yaml::required)) {
        watchlist.place = id->place;
        if (auto text = yaml::read_text(*id, "id", diagnostics_)) {
          if (good_id(*text, true)) {
            watchlist.id = std::move(*text);
          } else {
            diagnostics_.error(id->place, "bad-id", "a watchlist's id has letters a-z and A-Z, digits and `. _ -` only, at most 128");
            builder_.know_watchlist(*text);
          }
        }
      }
      WatchlistRequest request;
      request.scope = scope_;
      const auto file = map.text("file", yaml::required);
      request.path_place = map.place_of("file");
      if (file) {
        const std::filesystem::path beside = std::filesystem::path(std::string(item.place.file)).parent_path();
        request.path = (beside / *file).string();
      }
      using Format = WatchlistRequest::Format;
      const auto format = map.choice<Format>("format", {{"csv", Format::csv}, {"names", Format::names}, {"ftm", Format::ftm}, {"yaml", Format::yaml}});
      if (format)
        request.format = *format;
      else if (file && !map.has("format"))
        guess_format(*file, request, map);
      if (const auto* columns = map.find("columns")) read_columns(*columns, request);
      if (request.format == Format::csv && !map.has("columns"))
        request.columns = {"id", "name", "type", "aliases", ""};
      if (const auto separator = map.text("separator")) {
        request.separator = *separator;
        if (separator->empty()) diagnostics_.error(map.place_of("separator"), "bad-value", "the separator must not be empty");
      }
      map.finish();
      request.index = builder_.add_watchlist(std::move(watchlist));
      if (diagnostics_.errors() == errors)
        watchlists_.push_back(std::move(request));
      else
        builder_.miss_entities();
    }
  }

  void guess_format(const std::string& file, WatchlistRequest& request, const yaml::Mapping& map) {
    using Format = WatchlistRequest::Format;
    std::string name = file;
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    if (name.ends_with(".csv")) request.format = Format::csv;
    else if (name.ends_with(".txt")) request.format = Format::names;
    else if (name.ends_with(".json") || name.ends_with(".jsonl") || name.ends_with(".ndjson")) request.format = Format::ftm;
    else if (name.ends_with(".yaml") || name.ends_with(".yml")) request.format = Format::yaml;
    else
      diagnostics_.error(map.place(), "missing-key", "the name of the file does not tell its format: `format` is needed", "one of csv, names, ftm, yaml");
  }

  void read_columns(const yaml::Node& node, WatchlistRequest& request) {
    yaml::Mapping map(node, "columns", diagnostics_);
    auto& columns = request.columns;
    columns.id = map.text("id", yaml::required).value_or("");
    columns.name = map.text("name", yaml::required).value_or("");
    columns.type = map.text("type").value_or("");
    columns.aliases = map.text("aliases").value_or("");
    columns.weak = map.text("weak").value_or("");
    map.finish();
  }

  // --- rules ---

  void read_rules(const yaml::Node& node) {
    if (!is_list(node, "rules")) return;
    for (const auto& item : node.items) read_rule(item);
  }

  std::string read_rule_id(const yaml::Node& node) {
    auto text = yaml::read_text(node, "id", diagnostics_);
    if (!text) return {};
    if (good_id(*text, false)) return std::move(*text);
    diagnostics_.error(node.place, "bad-id", "a rule's id has small letters, digits and `. _ -` only, at most 128", suggestion(*text));
    builder_.know_rule(*text);
    return {};
  }

  static std::string suggestion(std::string_view id) {
    std::string out;
    for (const char c : id) {
      if (c >= 'A' && c <= 'Z') out += static_cast<char>(c - 'A' + 'a');
      else if (good_id(std::string_view(&c, 1), false)) out += c;
      else if (!out.empty() && out.back() != '-') out += '-';
    }
    while (!out.empty() && out.back() == '-') out.pop_back();
    return out.empty() ? "" : "for example `" + out.substr(0, 128) + "`";
  }

  void read_rule(const yaml::Node& node) {
    yaml::Mapping map(node, "a rule", diagnostics_);
    if (!map.ok()) return;
    Rule rule;
    rule.place = node.place;
    if (const auto* id = map.find("id", yaml::required)) {
      rule.place = id->place;
      rule.info.id = read_rule_id(*id);
    }
    rule.info.title = map.text("title").value_or(rule.info.id);
    std::vector<yaml::Place> formerly_places;
    if (const auto* formerly = map.find("formerly")) {
      if (const auto names = yaml::read_texts(*formerly, "formerly", diagnostics_)) {
        for (std::size_t i = 0; i < names->size(); ++i) {
          rule.formerly.push_back(read_rule_id(formerly->items[i]));
          formerly_places.push_back(formerly->items[i].place);
        }
      }
    }
    rule.info.key = rule.formerly.empty() ? rule.info.id : rule.formerly.front();
    Settings own;
    read_settings(map, own);
    apply(own, rule);
    const Scope scope = scope_.with(read_match(map), read_case(map), Scope::Nearness::group);
    if (const auto* where = map.find("where")) read_where(*where, rule.where);
    read_condition(map, scope, rule);
    map.finish();
    builder_.add_rule(std::move(rule), formerly_places);
  }

  void apply(const Settings& own, Rule& rule) const {
    rule.info.severity = own.severity.value_or(defaults_.severity.value_or(Severity::medium));
    rule.info.status = own.status.value_or(defaults_.status.value_or(RuleStatus::live));
    rule.info.to = own.to.value_or(defaults_.to.value_or(std::vector<std::string>{}));
    rule.count_boilerplate = own.count_boilerplate.value_or(defaults_.count_boilerplate.value_or(false));
    rule.info.alert.stories = own.stories.value_or(defaults_.stories.value_or(Stories::first));
    rule.info.alert.cooldown = own.cooldown.value_or(defaults_.cooldown.value_or(std::chrono::milliseconds(0)));
    auto labels = own.labels;
    labels.insert(defaults_.labels.begin(), defaults_.labels.end());
    rule.info.labels.assign(labels.begin(), labels.end());
  }

  void read_condition(yaml::Mapping& map, const Scope& scope, Rule& rule) {
    const std::size_t errors = diagnostics_.errors();
    std::vector<Expression> parts;
    bool given = false;
    // `all` is taken apart, so that the condition is one `all`.
    if (const auto* all = map.find("all")) {
      given = true;
      auto e = expressions_.read_operands(*all, Op::all, scope, 1);
      for (auto& operand : e.operands) parts.push_back(std::move(operand));
    }
    for (const auto& [key, op] : {std::pair<std::string_view, Op>{"any", Op::any}, {"none", Op::none}}) {
      const auto* list = map.find(key);
      if (list == nullptr) continue;
      given = true;
      parts.push_back(expressions_.read_operands(*list, op, scope, 1));
    }
    if (const auto* query = map.find("query")) {
      given = true;
      parts.push_back(expressions_.read_query(*query, scope));
    }
    if (!given) {
      diagnostics_.error(map.place(), "missing-key", "a rule needs one of the keys `any`, `all`, `none` and `query`");
      return;
    }
    rule.condition.op = Op::all;
    rule.condition.place = map.place();
    rule.condition.operands = std::move(parts);
    if (rule.condition.operands.size() == 1) {
      Expression only = std::move(rule.condition.operands[0]);
      rule.condition = std::move(only);
    }
    // What has an error is not judged.
    if (diagnostics_.errors() == errors && true_of_nothing(rule.condition))
      diagnostics_.error(map.place(), "only-negative", "this rule is true of an article without any text",
                         "add something that must be there: `any`, `all` or a query");
  }

  void read_where(const yaml::Node& node, Where& where) {
    yaml::Mapping map(node, "where", diagnostics_);
    const auto lists = {std::pair<std::string_view, IncludeExclude*>{"languages", &where.languages}, {"sources", &where.sources},
                        {"countries", &where.countries}, {"sections", &where.sections}, {"authors", &where.authors}, {"tags", &where.tags}};
    for (const auto& [key, list] : lists)
      if (const auto* value = map.find(key)) read_include_exclude(*value, key, *list);
    if (const auto* languages = map.find("languages")) check_languages(*languages);
    if (const auto* sources = map.find("sources")) check_sources(*sources);
    where.max_age = map.duration("max_age");
    if (const auto words = map.integer("min_words", 0, UINT32_MAX)) where.min_words = static_cast<std::uint32_t>(*words);
    if (const auto words = map.integer("max_words", 0, UINT32_MAX)) where.max_words = static_cast<std::uint32_t>(*words);
    if (where.min_words && where.max_words && *where.min_words > *where.max_words)
      diagnostics_.error(map.place_of("max_words"), "bad-value", "max_words is below min_words: no article can have both");
    map.finish();
  }

  // `english` would be true of no article, and nothing would say so.
  void check_languages(const yaml::Node& node) {
    for (const yaml::Entry& entry : node.entries)
      if (entry.key == "include" || entry.key == "exclude") check_languages(entry.value);
    for (const yaml::Node& item : node.items) {
      const auto letters = std::min(item.text.find('-'), item.text.size());
      if (item.is_scalar() && !item.is_null() && (letters < 2 || letters > 3))
        diagnostics_.error(item.place, "bad-value", "`" + item.text + "` is no language tag", "write its code, as in en, uk or pt-BR");
    }
  }

  void check_sources(const yaml::Node& node) {
    for (const yaml::Entry& entry : node.entries)
      if (entry.key == "include" || entry.key == "exclude") check_sources(entry.value);
    for (const yaml::Node& item : node.items)
      if (item.text.find("://") != std::string::npos)
        diagnostics_.error(item.place, "bad-value", "`" + item.text + "` is an address, and a source is a domain or a name",
                           "write bbc.co.uk, which takes its subdomains with it");
  }

  std::optional<std::vector<std::string>> read_where_list(const yaml::Node& node, std::string_view key) {
    auto texts = yaml::read_texts(node, key, diagnostics_);
    if (texts && texts->empty()) {
      diagnostics_.error(node.place, "empty-list", "this list is empty", "leave it out: then the field does not matter");
      return std::nullopt;
    }
    return texts;
  }

  void read_include_exclude(const yaml::Node& node, std::string_view key, IncludeExclude& out) {
    if (!node.is_mapping()) {
      out.include = read_where_list(node, key);
      return;
    }
    yaml::Mapping map(node, std::string(key), diagnostics_);
    if (const auto* include = map.find("include")) out.include = read_where_list(*include, "include");
    if (const auto* exclude = map.find("exclude")) out.exclude = read_where_list(*exclude, "exclude").value_or(std::vector<std::string>{});
    map.finish();
  }

  ProgramBuilder& builder_;
  yaml::Diagnostics& diagnostics_;
  const std::vector<std::string>* destinations_;
  std::vector<WatchlistRequest>& watchlists_;
  ExpressionReader expressions_;
  Settings defaults_;
  Scope scope_;
};

}  // namespace

void read_rule_file(const yaml::Node& root, FileContext context) { FileReader(context).read(root); }

}  // namespace newswatch::rules
