#include "rules/engine/interner.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace newswatch::engine {

std::pair<std::uint32_t, bool> Interner::add(std::string_view bytes, std::uint32_t fresh_number) {
  if (size_ * 3 >= slots_.size() * 2) grow();
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash.low64 & mask;; i = (i + 1) & mask) {
    Slot& slot = slots_[i];
    if (!slot.used) {
      slot = {hash.low64, hash.high64, fresh_number, true};
      ++size_;
      return {fresh_number, true};
    }
    if (slot.low == hash.low64 && slot.high == hash.high64) return {slot.number, false};
  }
}

void Interner::grow() {
  std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
  old.swap(slots_);
  std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (!slot.used) continue;
    std::size_t i = slot.low & mask;
    while (slots_[i].used) i = (i + 1) & mask;
    slots_[i] = slot;
  }
}

}  // namespace newswatch::engine
