#pragma once
// How enumerations are written in records. Private to the record codecs: one table for both directions.

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/flow/alert.h"
#include "daemon/flow/match.h"

namespace newswatch::flow {

/// Of match and alert records. A reader refuses what is newer.
inline constexpr int record_version = 1;

template <class Enum>
struct Words;

template <>
struct Words<RuleStatus> {
  static constexpr std::array<std::pair<RuleStatus, std::string_view>, 3> table{
      {{RuleStatus::live, "live"}, {RuleStatus::shadow, "shadow"}, {RuleStatus::disabled, "disabled"}}};
};
template <>
struct Words<Severity> {
  static constexpr std::array<std::pair<Severity, std::string_view>, 4> table{{{Severity::low, "low"},
                                                                               {Severity::medium, "medium"},
                                                                               {Severity::high, "high"},
                                                                               {Severity::critical, "critical"}}};
};
template <>
struct Words<Stories> {
  static constexpr std::array<std::pair<Stories, std::string_view>, 3> table{
      {{Stories::first, "first"}, {Stories::updates, "updates"}, {Stories::every, "every"}}};
};
template <>
struct Words<ArticleStatus> {
  static constexpr std::array<std::pair<ArticleStatus, std::string_view>, 6> table{
      {{ArticleStatus::live, "live"},
       {ArticleStatus::kill, "kill"},
       {ArticleStatus::withheld, "withheld"},
       {ArticleStatus::canceled, "canceled"},
       {ArticleStatus::deleted, "deleted"},
       {ArticleStatus::tombstone, "tombstone"}}};
};
template <>
struct Words<Field> {
  static constexpr std::array<std::pair<Field, std::string_view>, 2> table{
      {{Field::title, "title"}, {Field::body, "body"}}};
};
template <>
struct Words<AlertKind> {
  static constexpr std::array<std::pair<AlertKind, std::string_view>, 4> table{{{AlertKind::alert, "alert"},
                                                                                {AlertKind::update, "update"},
                                                                                {AlertKind::retraction, "retraction"},
                                                                                {AlertKind::digest, "digest"}}};
};

template <class Enum>
constexpr std::string_view word(Enum value) {
  for (const auto& [known, text] : Words<Enum>::table)
    if (known == value) return text;
  return {};
}

template <class Enum>
constexpr std::optional<Enum> value_of(std::string_view text) {
  for (const auto& [known, name] : Words<Enum>::table)
    if (name == text) return known;
  return std::nullopt;
}

}  // namespace newswatch::flow
