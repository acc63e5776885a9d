#pragma once
// Standard Webhooks 1.0.0, symmetric:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace newswatch::deliver {

/// The bytes of a secret as written in a configuration: `whsec_` (may be missing) and base64 (padding may be missing).
/// Nothing when it is no base64 or empty.
std::optional<std::string> decode_webhook_secret(std::string_view text);

/// `v1,` + base64(HMAC-SHA256(key, "ID.TIMESTAMP.BODY")): one entry of the header webhook-signature.
std::string webhook_signature(std::string_view key, std::string_view id, std::int64_t timestamp, std::string_view body);

}  // namespace newswatch::deliver
