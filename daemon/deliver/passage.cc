#include "daemon/deliver/passage.h"

#include <algorithm>
#include <utility>

#include "daemon/deliver/text.h"

namespace newswatch::deliver {

std::vector<Piece> passage(const flow::Evidence& evidence) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> marks;  // code points of the snippet
  for (const Hit& hit : evidence.hits) {
    if (hit.field != evidence.snippet_field || hit.start >= hit.end || hit.end <= evidence.snippet_start) continue;
    const std::uint32_t from = std::max(hit.start, evidence.snippet_start) - evidence.snippet_start;
    marks.emplace_back(from, hit.end - evidence.snippet_start);
  }
  std::sort(marks.begin(), marks.end());

  std::vector<Piece> pieces;
  std::size_t mark = 0;
  std::uint32_t at = 0;
  for (const char32_t c : CodePoints(evidence.snippet)) {
    while (mark < marks.size() && marks[mark].second <= at) ++mark;
    bool inside = false;
    for (std::size_t i = mark; i < marks.size() && marks[i].first <= at; ++i) inside = inside || at < marks[i].second;
    if (pieces.empty() || pieces.back().hit != inside) pieces.push_back({{}, inside});
    append_utf8(pieces.back().text, c);
    ++at;
  }
  return pieces;
}

}  // namespace newswatch::deliver
