#pragma once
// Numbers for values of bytes, while rules are compiled. Holds 128-bit hashes, not the values: two different ones would
// have to share all 128 bits to be taken for one.

#include <bit>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace newswatch::engine {

class Interner {
 public:
  /// The number that stands for the bytes, and whether it is `fresh_number`, now given to them.
  std::pair<std::uint32_t, bool> add(std::string_view bytes, std::uint32_t fresh_number);
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t low = 0, high = 0;
    std::uint32_t number = 0;
    bool used = false;
  };
  void grow();

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace newswatch::engine
