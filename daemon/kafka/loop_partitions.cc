// The loop's partitions: from an assignment to the first record, record by record, and back to the group.

#include <algorithm>
#include <cstring>

#include "daemon/kafka/loop_impl.h"

namespace newswatch::kafka {

using namespace std::chrono_literals;

namespace {

constexpr auto finish_limit = 10s;
constexpr int records_a_turn = 1000;  // then events are served; a turn is also ended by the commit interval

}  // namespace

// --- the group's decisions -------------------------------------------------------------------------------------------

std::vector<std::int64_t> Loop::Impl::on_assigned(const std::vector<TopicPartition>& partitions) {
  joined_ = true;
  if (std::exchange(consumer_was_fenced_, false)) joined_after_fence_ = Clock::now();
  last_found_ = nullptr;
  rebalances_.add();
  next_advance_ = {};
  observe::log_info("partitions assigned", {{"stage", options_.stage},
                                            {"worker", options_.worker},
                                            {"new", partitions.size()},
                                            {"held", held_.size() + partitions.size()}});
  // Looked up here, within the callback, because a partition must be assigned at a number. When the broker does not
  // answer, 0 will do: the place is looked up again until it is known, and sought then.
  auto offsets = partitions.empty() ? Result<std::map<TopicPartition, std::optional<std::int64_t>>>(
                                          std::map<TopicPartition, std::optional<std::int64_t>>())
                                    : consumer_->committed(partitions);
  bool answered = static_cast<bool>(offsets);
  const bool last_word = producer_ready_ && !broken_;  // else a transaction of ours may still be decided
  std::vector<std::int64_t> places;
  for (const TopicPartition& partition : partitions) {
    Held held;
    held.partition = partition;
    if (answered) held.committed = (*offsets)[partition];
    const auto place = answered ? place_of(partition, held.committed) : std::nullopt;
    answered = place.has_value();  // no call more than one that times out: the group waits for us
    places.push_back(place.value_or(0));
    held.at = place.value_or(-1);
    Held& there = held_.insert_or_assign(partition, std::move(held)).first->second;
    if (place && last_word) there.step = next_step(there);
  }
  return places;
}

/// Where reading of a new partition begins, as far as the loop knows before start().
std::optional<std::int64_t> Loop::Impl::place_of(const TopicPartition& partition,
                                                 std::optional<std::int64_t> committed) {
  if (const auto found = instead_.find(partition); found != instead_.end()) return found->second;
  const auto marks = consumer_->watermarks(partition);
  if (!marks) return std::nullopt;
  if (!committed) committed = consumer_->resolved_start(partition);
  return std::max(committed.value_or(marks->low), marks->low);
}

Loop::Impl::Held::Step Loop::Impl::next_step(Held& held) {
  held.sent = -1;
  if (!restores_) return Held::Step::wants_start;
  held.ticket = restores_->submit(held.partition, held.committed);
  return Held::Step::restoring;
}

void Loop::Impl::on_revoked(std::vector<TopicPartition> partitions, bool lost) {
  last_found_ = nullptr;
  rebalances_.add();
  if (lost) joined_ = false;  // not ready until the group answers again, though it holds all (no) partitions
  const bool unfinished =
      producer_ready_ && (producer_->produced() > 0 || processor_.wants_commit() || progressed() || offsets_pending_);
  if (lost || broken_ || dropping_consumer_ || !producer_ready_) {
    // Another member may have them already: what is not committed is not ours to commit. Without an open round there is
    // nothing to take back.
    if (unfinished && !dropping_consumer_)
      break_round(Outcome::abort, retryable_error("lost", "partitions were taken away"), true);
    else if (unfinished && !stopping_)
      break_round(Outcome::abort, retryable_error("lost", "the consumer is made anew"), true);
  } else {
    processor_.finish(partitions, finish_limit, *producer_);
    if (producer_->produced() > 0 || processor_.wants_commit() || progressed() || offsets_pending_) commit(true);
  }
  for (const TopicPartition& partition : partitions) {
    const auto found = held_.find(partition);
    if (found == held_.end()) continue;
    cancel_restore(found->second);
    if (round_last_ == &found->second) round_last_ = nullptr;
    held_.erase(found);
  }
  processor_.revoked(partitions);
  if (!partitions.empty())
    observe::log_info("partitions given back", {{"stage", options_.stage},
                                                {"worker", options_.worker},
                                                {"gone", partitions.size()},
                                                {"lost", lost},
                                                {"held", held_.size()}});
}

void Loop::Impl::on_message(MessagePtr message) { handle(std::move(message)); }

void Loop::Impl::on_client_error(rd_kafka_resp_err_t code, const char* reason) {
  if (consumer_ && code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && code != RD_KAFKA_RESP_ERR__TRANSPORT &&
      (is_fenced(code) || code == RD_KAFKA_RESP_ERR__FATAL)) {
    consumer_fenced_ = is_fenced(code);
    consumer_error_ = to_error(code, "group " + options_.group, reason);
    return;
  }
  trouble_ = to_error(code, "consuming", reason).message;
  trouble_told_ = Clock::now();
  repeat_group_.log(observe::LogLevel::warn, "trouble with the consumer",
                    {{"stage", options_.stage}, {"worker", options_.worker}, {"error", trouble_}});
}

// --- from assigned to running ------------------------------------------------------------------------------------------

void Loop::Impl::cancel_restore(Held& held) {
  if (held.ticket) held.ticket->cancelled = true;
  held.ticket.reset();
}

void Loop::Impl::reset(Held& held) {
  cancel_restore(held);
  if (consumer_) consumer_->lead_to_data_queue(held.partition, false);
  held.at = -1;
  held.step = Held::Step::wants_offset;
  held.stash.clear();
  held.restored.reset();
  held.at_end = false;
  next_advance_ = {};
}

void Loop::Impl::take_restores() {
  if (!restores_) return;
  for (RestoreThread::Done& done : restores_->take_done()) {
    const auto found = held_.find(done.partition);
    if (found == held_.end() || found->second.ticket != done.ticket) continue;  // given back or begun again since
    Held& held = found->second;
    held.ticket.reset();
    if (done.result) {
      restores_done_.add();
      restore_seconds_.observe(done.took);
      held.restored = std::move(*done.result);
      held.step = Held::Step::wants_start;
    } else if (done.result.error().fatal()) {
      fail(78, done.result.error());
    } else {
      trouble_ = done.result.error().message;
      repeat_group_.log(observe::LogLevel::warn, "state not restored yet; trying again",
                        {{"stage", options_.stage},
                         {"partition", held.partition.partition},
                         {"error", done.result.error().message}});
      held.step = Held::Step::wants_offset;
      next_advance_ = Clock::now() + 500ms;
    }
  }
}

void Loop::Impl::advance_partitions() {
  if (Clock::now() < next_advance_) return;
  if (!look_up_offsets()) {
    next_advance_ = Clock::now() + 500ms;
    return;
  }
  for (auto& [partition, held] : held_) {
    if (held.step == Held::Step::wants_start && !begin_partition(held)) next_advance_ = Clock::now() + 500ms;
    if (failure_) return;
    if (held.step == Held::Step::seeking && !seek_partition(held)) next_advance_ = Clock::now() + 20ms;
    if (consumer_error_) return;
  }
}

bool Loop::Impl::look_up_offsets() {
  std::vector<TopicPartition> wanted;
  for (const auto& [partition, held] : held_)
    if (held.step == Held::Step::wants_offset) wanted.push_back(partition);
  if (wanted.empty()) return true;
  const auto offsets = consumer_->committed(wanted);
  if (!offsets) {
    trouble_ = offsets.error().message;
    repeat_group_.log(observe::LogLevel::warn, "trouble with the consumer",
                      {{"stage", options_.stage}, {"worker", options_.worker}, {"error", trouble_}});
    return false;
  }
  for (const TopicPartition& partition : wanted) {
    Held& held = held_.at(partition);
    const auto found = offsets->find(partition);
    held.committed = found == offsets->end() ? std::nullopt : found->second;
    held.step = next_step(held);
  }
  return true;
}

bool Loop::Impl::begin_partition(Held& held) {
  auto committed = held.committed ? held.committed : consumer_->resolved_start(held.partition);
  std::int64_t earliest = 0;
  if (!committed) {
    const auto marks = consumer_->watermarks(held.partition);
    if (!marks) {
      trouble_ = marks.error().message;
      return false;
    }
    earliest = marks->low;
  }
  const auto offset = processor_.start(held.partition, committed, earliest, std::move(held.restored));
  if (!offset) {
    if (offset.error().fatal()) {
      fail(78, offset.error());
    } else {
      trouble_ = offset.error().message;
      repeat_group_.log(observe::LogLevel::warn, "a partition cannot begin yet; trying again",
                        {{"stage", options_.stage}, {"topic", held.partition.topic}, {"error", trouble_}});
      held.step = Held::Step::wants_offset;
    }
    return false;
  }
  held.sent = held.committed.value_or(-1);
  held.processed = *offset;
  if (const auto found = instead_.find(held.partition); found != instead_.end()) {
    held.processed = found->second;  // accounted for when the broker refused the offset
    instead_.erase(found);
  } else if (held.at != held.processed) {
    const auto marks = consumer_->watermarks(held.partition);
    if (!marks) {
      trouble_ = marks.error().message;
      held.step = Held::Step::wants_offset;
      return false;
    }
    if (held.processed < marks->low) {
      if (!account_lost(held.partition, held.processed, *marks)) return false;
      held.processed = marks->low;
    }
  }
  held.at_end = false;
  held.step = Held::Step::seeking;
  held.seeking_since = Clock::now();
  return true;
}

bool Loop::Impl::seek_partition(Held& held) {
  if (held.at != held.processed) {
    const auto done = consumer_->seek(held.partition, held.processed);
    if (!done) {
      // Right after the assignment librdkafka may not have begun with the partition yet.
      if (Clock::now() - held.seeking_since > 10s) consumer_error_ = done.error();
      return false;
    }
  }
  held.at = -1;
  held.step = Held::Step::running;
  consumer_->lead_to_data_queue(held.partition, true);
  if (held.sent != held.processed) must_commit_ = true;  // the group shall know the place before the first record
  return true;
}

// --- records -----------------------------------------------------------------------------------------------------------

Loop::Impl::Held* Loop::Impl::find(const rd_kafka_message_t& message) {
  if (last_found_ && last_topic_ == message.rkt && last_found_->partition.partition == message.partition)
    return last_found_;
  if (!message.rkt) return nullptr;
  const auto found = held_.find({rd_kafka_topic_name(message.rkt), message.partition});
  if (found == held_.end()) return nullptr;
  last_topic_ = message.rkt;
  return last_found_ = &found->second;
}

MessagePtr Loop::Impl::next_message() { return consumer_->next(); }

bool Loop::Impl::careful() const {
  return std::any_of(held_.begin(), held_.end(),
                     [](const auto& entry) { return entry.second.processed < entry.second.careful_until; });
}

/// True: nothing more waits.
bool Loop::Impl::read() {
  for (auto& [partition, held] : held_) {
    while (!held.stash.empty() && held.step == Held::Step::running && processor_.has_room(partition)) {
      const MessagePtr message = std::move(held.stash.front());
      held.stash.pop_front();
      deliver(held, message);
      if (broken_ || failure_) return false;
      if (held.stash.empty()) consumer_->lead_to_data_queue(partition, true);
    }
  }
  const bool one_by_one = careful();
  for (int i = 0; i < records_a_turn; ++i) {
    if (round_began_ && i % 16 == 15 && Clock::now() - *round_began_ >= options_.commit_interval) return false;
    MessagePtr message = next_message();
    if (!message) return true;
    handle(std::move(message));
    if (broken_ || failure_ || consumer_error_) return false;
    if (one_by_one && !careful()) return false;
  }
  return false;
}

void Loop::Impl::handle(MessagePtr message) {
  Held* held = find(*message);
  const bool end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && !end) return handle_error(held, *message);
  // Stray ones of a partition that was given back or begins anew.
  if (!held || held->step != Held::Step::running || message->offset < held->processed) return;
  if (!held->stash.empty() || !processor_.has_room(held->partition)) {
    if (held->stash.empty()) consumer_->lead_to_data_queue(held->partition, false);
    held->stash.push_back(std::move(message));
    return;
  }
  deliver(*held, message);
}

void Loop::Impl::deliver(Held& held, const MessagePtr& message) {
  if (!trouble_.empty()) trouble_.clear();
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    held.processed = std::max(held.processed, message->offset);
    held.at_end = true;
    processor_.end_of_partition(held.partition);
    return;
  }
  const bool watched = careful();
  deliver_record(held, message.get());
  if (!watched || broken_ || failure_) return;
  const bool over = !careful();
  if ((over || round_records_ >= round_limit_) && commit(false) && over) round_limit_ = 0;
}

void Loop::Impl::deliver_record(Held& held, rd_kafka_message_t* message) {
  const Record record(held.partition, message);
  if (!round_began_) round_began_ = Clock::now();
  ++round_records_;
  round_last_ = &held;
  round_last_offset_ = record.offset();
  held.at_end = false;
  if (held.culprit && held.culprit->offset == record.offset()) {
    const bool parked = processor_.poison(record, held.culprit->error, *producer_) == Processor::Poison::parked;
    repeat_poison_.log(observe::LogLevel::warn,
                       parked ? "Kafka refuses what a record gives; it is put aside"
                              : "Kafka refuses what a record gives; it is tried again",
                       {{"stage", options_.stage},
                        {"topic", held.partition.topic},
                        {"partition", held.partition.partition},
                        {"offset", record.offset()},
                        {"error", held.culprit->error.message}});
    if (!parked) {
      Error why = held.culprit->error;
      why.kind = ErrorKind::retryable;  // not to be searched for again: it is known
      held.culprit.reset();
      not_before_ = Clock::now() + 1s;
      return break_round(Outcome::abort, std::move(why), true);
    }
  } else {
    processor_.process(record, *producer_);
  }
  held.processed = record.offset() + 1;
  if (producer_->failure()) break_round(Outcome::abort, *producer_->failure());
}

void Loop::Impl::handle_error(Held* held, const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
    // librdkafka has stopped fetching the partition and would refuse to seek in it: begin with another consumer.
    if (!held) return;
    const std::int64_t offset = held->step == Held::Step::running ? held->processed : held->at;
    const auto marks = consumer_->watermarks(held->partition);
    if (marks && offset >= 0 && account_lost(held->partition, offset, *marks)) instead_[held->partition] = marks->low;
    consumer_error_ = to_error(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, "reading " + held->partition.topic);
    return;
  }
  if (message.err == RD_KAFKA_RESP_ERR__FATAL || is_fenced(message.err)) {
    on_client_error(is_fenced(message.err) ? message.err : RD_KAFKA_RESP_ERR__FATAL, rd_kafka_message_errstr(&message));
    return;
  }
  trouble_ = to_error(message.err, "consuming", rd_kafka_message_errstr(&message)).message;
  repeat_group_.log(observe::LogLevel::warn, "trouble with the consumer",
                    {{"stage", options_.stage}, {"worker", options_.worker}, {"error", trouble_}});
}

/// True: go on from the earliest.
bool Loop::Impl::account_lost(const TopicPartition& partition, std::int64_t offset,
                              const PartitionReader::Watermarks& marks) {
  const bool cut = offset < marks.low;
  const std::int64_t lost = cut ? marks.low - offset : 0;
  observe::log_error(cut ? "records were deleted by retention before they were read"
                         : "the offset to read from is behind the end: was the topic made anew?",
                     {{"stage", options_.stage},
                      {"topic", partition.topic},
                      {"partition", partition.partition},
                      {"offset", offset},
                      {"earliest", marks.low},
                      {"end", marks.high},
                      {"lost", lost}});
  metrics_.counter(observe::Metric::records_lost, {options_.stage, partition.topic})
      .add(static_cast<std::uint64_t>(lost));
  const auto own = options_.on_lost_offsets_of.find(partition.topic);
  const auto policy = own == options_.on_lost_offsets_of.end() ? options_.on_lost_offsets : own->second;
  if (policy != config::OnLostOffsets::stop) return true;
  fail(78, fatal_error("lost_offsets", "offset " + std::to_string(offset) + " of " + partition.topic + " " +
                                           std::to_string(partition.partition) +
                                           " is gone, and on_lost_offsets is stop; set the group's offset with "
                                           "kafka-consumer-groups.sh --reset-offsets, or on_lost_offsets: continue"));
  return false;
}

}  // namespace newswatch::kafka
