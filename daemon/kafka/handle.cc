#include "daemon/kafka/handle.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "daemon/observe/log.h"

namespace newswatch::kafka {
namespace {

using observe::LogLevel;

// Why there is no connection: what librdkafka's text says, and what the operator looks at. A wrong password shows here
// only; to a call that waits, librdkafka says no more than that there is no broker.
void log_no_connection(LogLevel level, const char* client, std::string_view text) {
  static observe::LogRepeat login, certificate, handshake, other;
  const auto says = [text](std::string_view words) { return text.find(words) != std::string_view::npos; };
  if (says("SASL authentication error"))
    login.log(level, "authentication failed at a Kafka broker",
              {{"client", client}, {"look_at", "kafka.security: mechanism, username, password"}, {"detail", text}});
  else if (says("certificate verify failed"))
    certificate.log(level, "the certificate of a Kafka broker is refused",
                    {{"client", client},
                     {"look_at", "kafka.security.ca_file: the authority that signed it; kafka.brokers: the names in it"},
                     {"detail", text}});
  else if (says("SSL handshake failed"))
    handshake.log(level, "no TLS connection to a Kafka broker",
                  {{"client", client}, {"look_at", "kafka.security.protocol; kafka.brokers: the port"}, {"detail", text}});
  else
    other.log(level, "no connection to a Kafka broker", {{"client", client}, {"detail", text}});
}

// librdkafka repeats itself while a broker is away; one line in half a minute a kind says as much.
void write_log(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  static observe::LogRepeat requests;
  const char* client = handle ? rd_kafka_name(handle) : "";
  const std::string_view kind = facility;
  const LogLevel wanted = level <= 3 ? LogLevel::warn : level <= 4 ? LogLevel::warn : LogLevel::debug;
  // One set of options serves consumers and producers; each warns of what is the other's.
  if (kind == "CONFWARN" || kind == "AUTOCREATE") return;
  if (kind == "FAIL") {
    log_no_connection(wanted, client, text);
  } else if (kind == "GETPID" || kind == "ERROR" || kind == "TXNERR" || kind == "ADDPARTS" || kind == "ADDOFFSETS") {
    // Told to us as an error too, and logged there in our words; or, of GETPID, asked again.
    observe::log(LogLevel::debug, "librdkafka", {{"client", client}, {"facility", facility}, {"detail", text}});
  } else if (kind == "REQTMOUT") {
    requests.log(wanted, "a request to a Kafka broker timed out", {{"client", client}, {"detail", text}});
  } else {
    observe::log(wanted, "librdkafka", {{"client", client}, {"facility", facility}, {"detail", text}});
  }
}

}  // namespace

bool is_fenced(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

ErrorKind error_kind(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return ErrorKind::permanent;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
      return ErrorKind::fatal;
    default:
      return ErrorKind::retryable;
  }
}

namespace {

std::string_view code_of(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return "record_too_large";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "topic_denied";
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return "unknown_topic";
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return "timed_out";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return "group_denied";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return "transactional_id_denied";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return "cluster_denied";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return "authentication";
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
      return "no_broker";
    default:
      if (is_fenced(code)) return "fenced";
      return error_kind(code) == ErrorKind::permanent ? "record_refused" : "kafka";
  }
}

}  // namespace

Error to_error(rd_kafka_resp_err_t code, std::string_view doing, std::string_view detail) {
  std::string message(doing);
  message += ": ";
  message += rd_kafka_err2str(code);
  if (!detail.empty()) {
    message += " (";
    message += detail;
    message += ')';
  }
  return {error_kind(code), std::string(code_of(code)), std::move(message)};
}

Result<ConfPtr> make_conf(const Properties& properties, const std::string& owner) {
  ConfPtr conf(rd_kafka_conf_new());
  std::array<char, 512> why{};
  const auto set = [&](const char* name, const char* value) {
    return rd_kafka_conf_set(conf.get(), name, value, why.data(), why.size()) == RD_KAFKA_CONF_OK;
  };
  if (!set("client.id", owner.c_str())) return fatal_error("bad_option", why.data());
  for (const auto& [name, value] : properties) {
    // The text of librdkafka's refusal may repeat the value, which may be a password.
    if (!set(name.c_str(), value.c_str()))
      return fatal_error("bad_option", "librdkafka refuses the value given for " + name);
  }
  rd_kafka_conf_set_log_cb(conf.get(), write_log);
  return conf;
}

Result<HandlePtr> make_handle(rd_kafka_type_t type, ConfPtr conf) {
  std::array<char, 512> why{};
  HandlePtr handle(rd_kafka_new(type, conf.get(), why.data(), why.size()));
  if (!handle) return fatal_error("bad_option", std::string("librdkafka cannot make a client: ") + why.data());
  conf.release();  // rd_kafka_new took it
  return handle;
}

ListPtr make_list(int size) { return ListPtr(rd_kafka_topic_partition_list_new(size)); }

rd_kafka_resp_err_t produce_record(rd_kafka_t* handle, const OutRecord& record, std::int64_t timestamp) {
  HeadersPtr headers;
  if (!record.headers.empty()) {
    headers.reset(rd_kafka_headers_new(record.headers.size()));
    for (const auto& [name, value] : record.headers)
      rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
  }
  // librdkafka takes a null pointer for "no value" and reads nothing behind it.
  const auto bytes = [](const std::optional<std::string>& text) {
    return text ? const_cast<char*>(text->data()) : nullptr;
  };
  const auto size = [](const std::optional<std::string>& text) { return text ? text->size() : std::size_t{0}; };
  // The macros of rd_kafka_producev() check their types with an extension of GNU's.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
  const rd_kafka_resp_err_t code = rd_kafka_producev(
      handle, RD_KAFKA_V_TOPIC(record.topic.c_str()), RD_KAFKA_V_PARTITION(record.partition.value_or(-1)),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(bytes(record.key), size(record.key)),
      RD_KAFKA_V_VALUE(bytes(record.value), size(record.value)), RD_KAFKA_V_TIMESTAMP(timestamp),
      RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_END);
#pragma GCC diagnostic pop
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) headers.release();  // the message owns them now
  return code;
}

}  // namespace newswatch::kafka
