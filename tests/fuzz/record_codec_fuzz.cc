// libFuzzer: whatever the bytes are, decoders answer; what they accept can be written, read again, and is then the
// same.
//   clang++ -fsanitize=fuzzer,address,undefined; corpus: any records of P.matches, P.alerts and P.state.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/alert/position.h"
#include "daemon/alert/restore.h"
#include "daemon/alert/state.h"
#include "daemon/flow/record_codec.h"

namespace {

template <class Decode>
void there_and_back(std::string_view bytes, Decode decode) {
  const auto first = decode(bytes);
  if (!first) return;
  const std::string text = encode(*first);
  const auto second = decode(text);
  if (!second || encode(*second) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace newswatch;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  there_and_back(bytes, [](std::string_view text) { return flow::decode_match(text); });
  there_and_back(bytes, [](std::string_view text) { return flow::decode_alert(text); });
  there_and_back(bytes, [](std::string_view text) { return alert::decode_entry(text); });
  there_and_back(bytes, [](std::string_view text) { return alert::decode_position(text); });
  return 0;
}
