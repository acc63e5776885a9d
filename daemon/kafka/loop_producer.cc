#include <algorithm>

#include "daemon/kafka/session.h"
#include "daemon/observe/log.h"

namespace newswatch::kafka {

using namespace std::chrono_literals;

Properties producer_guarantees(const LoopOptions& options) {
  Properties properties{{"enable.idempotence", "true"}, {"acks", "all"}, {"partitioner", "murmur2_random"}};
  if (options.guarantee == config::Guarantee::exactly_once)
    properties.insert(properties.end(),
                      {{"transactional.id", transactional_id(options)}, {"transaction.timeout.ms", "10000"}});
  return properties;
}

struct LoopProducer::Impl {
  Impl(const LoopOptions& options, Watchdog::Slot& slot)
      : transactional(options.guarantee == config::Guarantee::exactly_once), watch(slot) {}

  const bool transactional;
  Watchdog::Slot& watch;
  HandlePtr handle;
  std::vector<TopicPtr> warmed;
  bool open_transaction = false;
  bool aborting = false;  ///< reports of purged records are no failures
  std::uint64_t produced = 0;
  std::optional<Error> failure;

  static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto& self = *static_cast<Impl*>(opaque);
    const rd_kafka_resp_err_t code = message->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || self.aborting) return;
    Error error = to_error(code, std::string("writing to ") + rd_kafka_topic_name(message->rkt));
    // Records behind a refused one are purged with it: the one that was refused says more.
    const bool consequence = code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (!self.failure || (!self.failure->permanent() && error.permanent() && !consequence))
      self.failure = std::move(error);
  }

  void fail(Error error) {
    if (!failure) failure = std::move(error);
  }

  /// What to do about an error of a transactional call. Whatever is not plainly abortable is unclear: the request may
  /// have been carried out or may still be, and only a new epoch makes sure.
  Outcome judge(const ErrorPtr& error, const char* doing, Error& why) const {
    if (!error) return Outcome::ok;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
    char reason[512] = "";
    if (code == RD_KAFKA_RESP_ERR__FATAL) code = rd_kafka_fatal_error(handle.get(), reason, sizeof reason);
    why = to_error(code, doing, *reason ? reason : rd_kafka_error_string(error.get()));
    if (rd_kafka_error_txn_requires_abort(error.get())) return Outcome::abort;
    return is_fenced(code) ? Outcome::fenced : Outcome::recreate;
  }
};

LoopProducer::LoopProducer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LoopProducer::~LoopProducer() {
  impl_->aborting = true;
  impl_->warmed.clear();
  rd_kafka_purge(impl_->handle.get(),
                 RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  rd_kafka_poll(impl_->handle.get(), 0);
  const Watchdog::Call call(impl_->watch, "rd_kafka_destroy (producer)", 15s);
  impl_->handle.reset();
}

Result<std::unique_ptr<LoopProducer>> LoopProducer::open(const LoopOptions& options, Watchdog::Slot& watch) {
  auto impl = std::make_unique<Impl>(options, watch);
  Properties properties{{"linger.ms", "5"},
                        {"compression.type", "lz4"},
                        // Bounds what one worker holds of output; produce() waits for room.
                        {"queue.buffering.max.kbytes", "32768"},
                        {"queue.buffering.max.messages", "200000"},
                        // Below the transaction's 10 s, so that a record fails before its transaction does.
                        {"message.timeout.ms", "8000"},
                        {"topic.metadata.propagation.max.ms", "5000"}};
  properties.insert(properties.end(), options.client.begin(), options.client.end());
  const Properties last = producer_guarantees(options);
  properties.insert(properties.end(), last.begin(), last.end());
  auto conf = make_conf(properties, "newswatchd-" + options.stage + "-" + options.worker);
  if (!conf) return conf.error();
  rd_kafka_conf_set_opaque(conf->get(), impl.get());
  rd_kafka_conf_set_dr_msg_cb(conf->get(), Impl::delivered);
  auto handle = make_handle(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!handle) return handle.error();
  impl->handle = std::move(*handle);
  return std::unique_ptr<LoopProducer>(new LoopProducer(std::move(impl)));
}

Result<void> LoopProducer::init() {
  if (!impl_->transactional) return {};
  const Watchdog::Call call(impl_->watch, "rd_kafka_init_transactions", call_timeout);
  const ErrorPtr error(rd_kafka_init_transactions(impl_->handle.get(), static_cast<int>(call_timeout.count())));
  if (!error) return {};
  Error why;
  impl_->judge(error, "taking the transactional id", why);
  if (!rd_kafka_error_is_retriable(error.get())) why.kind = ErrorKind::fatal;  // of this handle: make another
  return why;
}

void LoopProducer::warm(const std::vector<std::string>& topics) {
  for (const std::string& topic : topics) {
    TopicPtr handle(rd_kafka_topic_new(impl_->handle.get(), topic.c_str(), nullptr));
    const struct rd_kafka_metadata* raw = nullptr;
    const Watchdog::Call call(impl_->watch, "rd_kafka_metadata", 2s);
    if (rd_kafka_metadata(impl_->handle.get(), 0, handle.get(), &raw, 2000) == RD_KAFKA_RESP_ERR_NO_ERROR)
      rd_kafka_metadata_destroy(raw);
    impl_->warmed.push_back(std::move(handle));
  }
}

void LoopProducer::produce(OutRecord record) {
  if (impl_->failure) return;
  if (impl_->transactional && !impl_->open_transaction) {
    const ErrorPtr error(rd_kafka_begin_transaction(impl_->handle.get()));
    if (error) {
      impl_->fail(retryable_error("kafka", std::string("beginning a transaction: ") +
                                               rd_kafka_error_string(error.get())));
      return;
    }
    impl_->open_transaction = true;
  }
  // A full queue empties or its records time out, after message.timeout.ms.
  const Watchdog::Call call(impl_->watch, "rd_kafka_producev", call_timeout);
  const auto until = std::chrono::steady_clock::now() + call_timeout;
  for (;;) {
    const rd_kafka_resp_err_t code = produce_record(impl_->handle.get(), record, 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || std::chrono::steady_clock::now() >= until) {
      impl_->fail(to_error(code, "writing to " + record.topic));
      return;
    }
    rd_kafka_poll(impl_->handle.get(), 50);
    if (impl_->failure) return;
  }
  if (++impl_->produced % 64 == 0) rd_kafka_poll(impl_->handle.get(), 0);
}

void LoopProducer::poll() { rd_kafka_poll(impl_->handle.get(), 0); }
std::uint64_t LoopProducer::produced() const { return impl_->produced; }
const std::optional<Error>& LoopProducer::failure() const { return impl_->failure; }
bool LoopProducer::in_transaction() const { return impl_->open_transaction; }
void LoopProducer::forget_produced() { impl_->produced = 0; }

Outcome LoopProducer::flush(std::chrono::milliseconds limit, Error& why) {
  const Watchdog::Call call(impl_->watch, "rd_kafka_flush", call_timeout);
  const auto code = rd_kafka_flush(impl_->handle.get(), static_cast<int>(std::min(limit, call_timeout).count()));
  if (impl_->failure) {
    why = *impl_->failure;
    return Outcome::recreate;  // what is still on its way must not arrive among what comes again
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return Outcome::ok;
  why = to_error(code, "waiting for acknowledgements");
  return Outcome::recreate;
}

Outcome LoopProducer::commit(const std::vector<PartitionOffset>& offsets,
                             const rd_kafka_consumer_group_metadata_t* group, std::chrono::milliseconds limit,
                             Error& why) {
  rd_kafka_t* handle = impl_->handle.get();
  const int timeout = static_cast<int>(std::min(limit, call_timeout).count());
  if (!impl_->open_transaction) {
    const ErrorPtr error(rd_kafka_begin_transaction(handle));
    if (const Outcome outcome = impl_->judge(error, "beginning a transaction", why); outcome != Outcome::ok)
      return outcome;
    impl_->open_transaction = true;
  }
  const ListPtr list = make_list(static_cast<int>(offsets.size()));
  for (const PartitionOffset& at : offsets)
    rd_kafka_topic_partition_list_add(list.get(), at.partition.topic.c_str(), at.partition.partition)->offset =
        at.offset;
  {
    const Watchdog::Call call(impl_->watch, "rd_kafka_send_offsets_to_transaction", call_timeout);
    const ErrorPtr error(rd_kafka_send_offsets_to_transaction(handle, list.get(), group, timeout));
    if (const Outcome outcome = impl_->judge(error, "adding offsets to the transaction", why); outcome != Outcome::ok)
      return outcome;
  }
  const Watchdog::Call call(impl_->watch, "rd_kafka_commit_transaction", call_timeout);
  const ErrorPtr error(rd_kafka_commit_transaction(handle, timeout));
  const Outcome outcome = impl_->judge(error, "committing the transaction", why);
  if (outcome == Outcome::ok) impl_->open_transaction = false;
  return outcome;
}

Outcome LoopProducer::abort(Error& why) {
  if (!impl_->transactional) return Outcome::recreate;
  impl_->aborting = true;
  Outcome outcome = Outcome::ok;
  if (impl_->open_transaction) {
    const Watchdog::Call call(impl_->watch, "rd_kafka_abort_transaction", call_timeout);
    const ErrorPtr error(rd_kafka_abort_transaction(impl_->handle.get(), static_cast<int>(call_timeout.count())));
    outcome = impl_->judge(error, "aborting the transaction", why);
    if (outcome == Outcome::abort) outcome = Outcome::recreate;
  }
  rd_kafka_poll(impl_->handle.get(), 0);
  impl_->aborting = false;
  impl_->open_transaction = false;
  impl_->failure.reset();
  impl_->produced = 0;
  return outcome;
}

}  // namespace newswatch::kafka
