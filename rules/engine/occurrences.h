#pragma once
// The algebra of occurrences (LANGUAGE section 3.1): pure functions over lists of word spans.

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace newswatch::engine {

/// Words [begin, end) of one region. A region is a paragraph, or a sentence where the caller says so.
struct Span {
  std::uint32_t region = 0, begin = 0, end = 0;
  auto operator<=>(const Span&) const = default;
};

/// Every list in this file is sorted and without doubles; so is every result.
using Spans = std::span<const Span>;

constexpr std::uint32_t unlimited_gap = UINT32_MAX;

/// `near`, `before` (ordered) and, with an unlimited gap, `same_sentence` and `same_paragraph`.
struct ChainKind {
  bool ordered = false;
  std::uint32_t gap = 5;  ///< words that may lie between neighbours
};

/// What one call may spend, in states; past it further choices are not looked for. Far above what any real text needs.
constexpr std::size_t chain_budget = std::size_t{1} << 22;

/// At least one choice of one span of each operand satisfies the chain.
bool chain_exists(std::span<const Spans> operands, ChainKind kind);

/// For each operand the spans that some satisfying choice uses.
std::vector<std::vector<Span>> chain_parts(std::span<const Spans> operands, ChainKind kind);

/// The spans of the whole: first word to last, of every satisfying choice.
std::vector<Span> chain_wholes(std::span<const Spans> operands, ChainKind kind);

/// As chain_parts, of the choices whose whole is in `wanted` only.
std::vector<std::vector<Span>> chain_parts_within(std::span<const Spans> operands, ChainKind kind, Spans wanted);

/// The largest number of spans no two of which overlap is at least `count`.
bool at_least_disjoint(Spans x, std::uint32_t count);

/// The spans of x with no span of y that overlaps it or stands at most `gap` words away.
std::vector<Span> not_near(Spans x, Spans y, std::uint32_t gap);

/// The spans of x that lie in no span of y.
std::vector<Span> outside(Spans x, Spans y);

std::vector<Span> merge(std::span<const Spans> lists);
std::vector<Span> intersect(Spans x, Spans y);

}  // namespace newswatch::engine
