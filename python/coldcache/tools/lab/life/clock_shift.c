/* Shifts the clocks of a process and of all that it starts, while it is frozen.
 *
 * Preloaded into the function. The shifts stand in a page that the lab writes while the process is
 * stopped, so nobody can read them half-written. Waits until a point in time are translated back:
 * the kernel knows its own clocks only. A wait that is in progress during a freeze is not.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAGIC INT64_C(0x636f6c64636c6b31)
#define SECOND INT64_C(1000000000)
/* Above it a point in time is one of the wall clock, below of the monotonic: since 1970, since boot. */
#define LONG_UPTIME_S INT64_C(1000000000)

struct page { int64_t magic, wall_ns, monotonic_ns, loaded; };
static struct page unshifted;
static volatile struct page *page = &unshifted;

#define REAL(name) \
    static __typeof__(name) *real_##name; \
    if (!real_##name) real_##name = (__typeof__(name) *)find(#name)

static void *find(const char *name) {
    /* Without a version the dynamic linker may give out condition variables of another layout. */
    void *found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    return found ? found : dlsym(RTLD_NEXT, name);
}

/* Opens the page at a path; called by a process that was restored from another's snapshot, too. */
int coldcache_lab_clock(const char *path) {
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return -1;
    struct page *opened = mmap(0, sizeof *opened, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (opened == MAP_FAILED || opened->magic != MAGIC) return -1;
    opened->loaded = 1;
    page = opened;
    return 0;
}

__attribute__((constructor)) static void load(void) {
    const char *path = getenv("COLDCACHE_LAB_CLOCK");
    if (path) coldcache_lab_clock(path);
}

static int64_t shift_of(clockid_t clock) {
    switch (clock) {
    case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_TAI: return page->wall_ns;
    case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_COARSE: case CLOCK_MONOTONIC_RAW: case CLOCK_BOOTTIME:
        return page->monotonic_ns;
    default: return 0;
    }
}
static void add(struct timespec *at, int64_t ns) {
    int64_t sum = at->tv_nsec + ns % SECOND;
    at->tv_sec += ns / SECOND;
    if (sum >= SECOND) { sum -= SECOND; at->tv_sec++; }
    if (sum < 0) { sum += SECOND; at->tv_sec--; }
    at->tv_nsec = sum;
}
static const struct timespec *back(const struct timespec *at, clockid_t clock, struct timespec *room) {
    if (!at) return at;
    *room = *at;
    add(room, -shift_of(clock));
    if (room->tv_sec < 0) room->tv_sec = room->tv_nsec = 0;
    return room;
}
static clockid_t clock_of(const struct timespec *at) {
    return at && at->tv_sec > LONG_UPTIME_S ? CLOCK_REALTIME : CLOCK_MONOTONIC;
}

/* What time is it */

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime);
    int result = real_clock_gettime(clock, now);
    if (result == 0) add(now, shift_of(clock));
    return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    REAL(gettimeofday);
    int result = real_gettimeofday(now, zone);
    if (result == 0) {
        struct timespec exact = {now->tv_sec, now->tv_usec * 1000};
        add(&exact, page->wall_ns);
        now->tv_sec = exact.tv_sec;
        now->tv_usec = exact.tv_nsec / 1000;
    }
    return result;
}
time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
int timespec_get(struct timespec *now, int base) {
    REAL(timespec_get);
    int result = real_timespec_get(now, base);
    if (result == TIME_UTC) add(now, page->wall_ns);
    return result;
}

/* Wait until */

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    REAL(clock_nanosleep);
    struct timespec room;
    if (flags & TIMER_ABSTIME) until = back(until, clock, &room);
    return real_clock_nanosleep(clock, flags, until, left);
}
int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until) {
    REAL(sem_timedwait);
    struct timespec room;
    return real_sem_timedwait(sem, back(until, CLOCK_REALTIME, &room));
}
int sem_clockwait(sem_t *restrict sem, clockid_t clock, const struct timespec *restrict until) {
    static int (*real)(sem_t *, clockid_t, const struct timespec *);
    if (!real) real = (int (*)(sem_t *, clockid_t, const struct timespec *))find("sem_clockwait");
    struct timespec room;
    return real(sem, clock, back(until, clock, &room));
}
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    REAL(pthread_cond_timedwait);
    struct timespec room;
    return real_pthread_cond_timedwait(cond, mutex, back(until, clock_of(until), &room));
}
int pthread_cond_clockwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           clockid_t clock, const struct timespec *restrict until) {
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    if (!real) real = (int (*)(pthread_cond_t *, pthread_mutex_t *, clockid_t,
                               const struct timespec *))find("pthread_cond_clockwait");
    struct timespec room;
    return real(cond, mutex, clock, back(until, clock, &room));
}
int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    REAL(pthread_mutex_timedlock);
    struct timespec room;
    return real_pthread_mutex_timedlock(mutex, back(until, CLOCK_REALTIME, &room));
}
int timerfd_settime(int file, int flags, const struct itimerspec *to, struct itimerspec *from) {
    REAL(timerfd_settime);
    struct itimerspec room;
    if (to && (flags & TFD_TIMER_ABSTIME) && (to->it_value.tv_sec || to->it_value.tv_nsec)) {
        room = *to;
        back(&to->it_value, clock_of(&to->it_value), &room.it_value);
        to = &room;
    }
    return real_timerfd_settime(file, flags, to, from);
}
/* Rust's standard library asks the kernel itself. */
long syscall(long number, ...) {
    static long (*real)(long, ...);
    if (!real) real = (long (*)(long, ...))find("syscall");
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_clock_gettime) return clock_gettime((clockid_t)a[0], (struct timespec *)a[1]);
    struct timespec room;
    if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET) {
        clockid_t clock = a[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        a[3] = (long)back((const struct timespec *)a[3], clock, &room);
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
