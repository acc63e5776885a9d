#pragma once
// What the alert stage remembers of one partition of P.matches, and how it stands in P.state.
//
// A key is a JSON array: ["a", rule key, article name], ["s", rule key, body hash] (a story), ["g", rule key, group].
// A value is a JSON object with `v`, the version of this codec. A record without value forgets its key.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/observe/result.h"
#include "rules/engine/article.h"

namespace newswatch::alert {

std::string article_key(std::string_view rule_key, std::string_view article_name);
std::string story_key(std::string_view rule_key, std::string_view body_hash);
std::string group_key(std::string_view rule_key, std::string_view group);

/// One remembered thing. Which members are used depends on the key.
struct Entry {
  Time until{};                       ///< forgotten from then on
  bool alerted = false;               ///< article: the rule has alerted it, or another of its story
  std::vector<std::string> versions;  ///< article: seen by the rule, oldest first, at most `most_versions`
  std::optional<Time> last;           ///< group: of the last alert
  bool operator==(const Entry&) const = default;
};

/// An article that goes through more versions than this has its oldest forgotten; should one of those come again under
/// `stories: every`, it alerts again, with the same id.
inline constexpr std::size_t most_versions = 256;

std::string encode(const Entry& entry);
/// Fatal when it is no entry: state that cannot be read must not be taken for state that is not there.
Result<Entry> decode_entry(std::string_view value);

/// One record of P.state; without value a tombstone.
struct StateChange {
  std::string key;
  std::optional<std::string> value;
  bool operator==(const StateChange&) const = default;
};

/// One thread at a time. About 300 bytes an entry.
class State {
 public:
  State() = default;
  State(State&&) = default;
  State& operator=(State&&) = default;

  /// Nothing when there is none or it is to be forgotten by `now`. Valid until the next change.
  const Entry* find(std::string_view key, Time now) const;
  void put(const std::string& key, Entry entry, std::vector<StateChange>& changes);
  /// Forgets at most `most` entries whose time has come, oldest first, keys in order.
  void forget(Time now, std::size_t most, std::vector<StateChange>& changes);

  /// From P.state. Fatal when the key or the value is not known here.
  Result<void> load(std::string_view key, std::optional<std::string_view> value);

  std::size_t size() const { return entries_.size(); }
  /// All of it, as it stands in P.state once compacted.
  std::map<std::string, std::string> snapshot() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  void set(const std::string& key, Entry entry);
  void erase(Entries::iterator entry);

  Entries entries_;
  std::set<std::pair<Time, std::string_view>>
      by_time_;  // views of the keys in entries_, whose nodes stay where they are
};

}  // namespace newswatch::alert
