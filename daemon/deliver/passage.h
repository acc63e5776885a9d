#pragma once
// The snippet of an alert, cut where its hits begin and end, for kinds that show the hit marked.

#include <string>
#include <vector>

#include "daemon/flow/alert.h"

namespace newswatch::deliver {

struct Piece {
  std::string text;
  bool hit = false;
  bool operator==(const Piece&) const = default;
};

/// The whole snippet in order; overlapping hits count as one. Hits outside of it, or whose positions are no sense, mark
/// nothing.
std::vector<Piece> passage(const flow::Evidence& evidence);

}  // namespace newswatch::deliver
