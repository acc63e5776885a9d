// C11 threads on top of POSIX threads, for programs built with the thread sanitizer (NEWSWATCH_SANITIZE=thread).
//
// The thread sanitizer intercepts pthread_create, pthread_mutex_lock and the rest, but not glibc's thrd_create and
// mtx_lock, which do not go through them. A thread the sanitizer has not seen start has no state in its run-time: the
// first call it intercepts there is a crash. Debian's librdkafka is built on C11 threads, so a program that creates a
// client would not live to its first test. The definitions here come before libc's, are calls of POSIX threads, and so
// make librdkafka's threads and locks known; that an event or a callback goes from its threads to ours under one of
// its locks is then seen as order. glibc's own C11 types are its POSIX types under other names, which is what the
// assertions check.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t) && _Alignof(mtx_t) >= _Alignof(pthread_mutex_t), "mtx_t");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t) && _Alignof(cnd_t) >= _Alignof(pthread_cond_t), "cnd_t");
_Static_assert(sizeof(once_flag) >= sizeof(pthread_once_t), "once_flag");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "thrd_t");
_Static_assert(sizeof(tss_t) == sizeof(pthread_key_t), "tss_t");

const char* __tsan_default_options(void);
const char* __tsan_default_options(void) { return "halt_on_error=1:second_deadlock_stack=1:history_size=4"; }

// librdkafka is not instrumented: of its accesses the sanitizer sees only those of memcpy, pthread_rwlock_destroy and
// the like, of its atomics nothing, and so reports what is in order. This line ignores such calls when they come from
// librdkafka itself and hides nothing of ours: `race:librdkafka` would also hide every race in a callback (librdkafka
// made the thread), ignore_noninstrumented_modules every race through memcpy or memset in our own code.
const char* __tsan_default_suppressions(void);
const char* __tsan_default_suppressions(void) { return "called_from_lib:librdkafka.so\n"; }

struct start {
  thrd_start_t function;
  void* argument;
};

static void* run(void* memory) {
  const struct start start = *(struct start*)memory;
  free(memory);
  return (void*)(intptr_t)start.function(start.argument);
}

static int result(int error) {
  switch (error) {
    case 0: return thrd_success;
    case EBUSY: return thrd_busy;
    case ETIMEDOUT: return thrd_timedout;
    case ENOMEM:
    case EAGAIN: return thrd_nomem;
    default: return thrd_error;
  }
}

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  struct start* start = malloc(sizeof *start);
  if (start == NULL) {
    return thrd_nomem;
  }
  start->function = function;
  start->argument = argument;
  const int error = pthread_create((pthread_t*)thread, NULL, run, start);
  if (error != 0) {
    free(start);
  }
  return result(error);
}

int thrd_join(thrd_t thread, int* value) {
  void* returned = NULL;
  const int error = pthread_join((pthread_t)thread, &returned);
  if (error == 0 && value != NULL) {
    *value = (int)(intptr_t)returned;
  }
  return result(error);
}

int thrd_detach(thrd_t thread) { return result(pthread_detach((pthread_t)thread)); }
thrd_t thrd_current(void) { return (thrd_t)pthread_self(); }
int thrd_equal(thrd_t left, thrd_t right) { return pthread_equal((pthread_t)left, (pthread_t)right); }
void thrd_yield(void) { sched_yield(); }
void thrd_exit(int value) { pthread_exit((void*)(intptr_t)value); }

// A plain mutex is made unseen: librdkafka passes new ones on under read-write locks, which are ignored (above), and
// their first use by another thread would look like a race with pthread_mutex_init.
__attribute__((no_sanitize_thread)) int mtx_init(mtx_t* mutex, int kind) {
  if ((kind & mtx_recursive) == 0) {
    *(pthread_mutex_t*)mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    return thrd_success;
  }
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  const int error = pthread_mutex_init((pthread_mutex_t*)mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return result(error);
}

void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy((pthread_mutex_t*)mutex); }
int mtx_lock(mtx_t* mutex) { return result(pthread_mutex_lock((pthread_mutex_t*)mutex)); }
int mtx_trylock(mtx_t* mutex) { return result(pthread_mutex_trylock((pthread_mutex_t*)mutex)); }
int mtx_unlock(mtx_t* mutex) { return result(pthread_mutex_unlock((pthread_mutex_t*)mutex)); }
int mtx_timedlock(mtx_t* restrict mutex, const struct timespec* restrict until) {
  return result(pthread_mutex_timedlock((pthread_mutex_t*)mutex, until));
}

int cnd_init(cnd_t* condition) { return result(pthread_cond_init((pthread_cond_t*)condition, NULL)); }
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy((pthread_cond_t*)condition); }
int cnd_signal(cnd_t* condition) { return result(pthread_cond_signal((pthread_cond_t*)condition)); }
int cnd_broadcast(cnd_t* condition) { return result(pthread_cond_broadcast((pthread_cond_t*)condition)); }
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return result(pthread_cond_wait((pthread_cond_t*)condition, (pthread_mutex_t*)mutex));
}
int cnd_timedwait(cnd_t* restrict condition, mtx_t* restrict mutex, const struct timespec* restrict until) {
  return result(pthread_cond_timedwait((pthread_cond_t*)condition, (pthread_mutex_t*)mutex, until));
}

void call_once(once_flag* flag, void (*function)(void)) { pthread_once((pthread_once_t*)flag, function); }

int tss_create(tss_t* key, tss_dtor_t destructor) {
  return result(pthread_key_create((pthread_key_t*)key, destructor));
}
void tss_delete(tss_t key) { pthread_key_delete((pthread_key_t)key); }
void* tss_get(tss_t key) { return pthread_getspecific((pthread_key_t)key); }
int tss_set(tss_t key, void* value) { return result(pthread_setspecific((pthread_key_t)key, value)); }
