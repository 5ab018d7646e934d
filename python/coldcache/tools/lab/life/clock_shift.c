/* Shifts the clocks of a process and of all that it starts, while it is frozen.
 *
 * Preloaded into the function. The shifts stand in a page that the lab writes while the process is
 * stopped, so nobody can read them half-written. Who asks the C library finds the functions below;
 * who goes past it, as some native code does, finds the kernel's own page of functions (the vDSO)
 * with jumps to them. Waits until a point in time are translated back: the kernel knows its own
 * clocks only. A wait that is in progress during a freeze is not.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
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

enum { NOT_LOADED, LOADED, LOADED_EVERYWHERE };
struct page { int64_t magic, wall_ns, monotonic_ns, loaded; };
static struct page unshifted;
static int is_everywhere;
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
    opened->loaded = is_everywhere ? LOADED_EVERYWHERE : LOADED;
    page = opened;
    return 0;
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

/* What time is it: asked of the kernel, since its page of functions leads here. */

static long ask(long number, long a, long b) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    return x0;
#else
#error "the clocks can be shifted on x86-64 and aarch64 only"
#endif
}
static long vdso_clock_gettime(long clock, struct timespec *now) {
    long result = ask(SYS_clock_gettime, clock, (long)now);
    if (result == 0) add(now, shift_of((clockid_t)clock));
    return result;
}
static long vdso_gettimeofday(struct timeval *now, void *zone) {
    long result = ask(SYS_gettimeofday, (long)now, (long)zone);
    if (result == 0 && now) {
        struct timespec exact = {now->tv_sec, now->tv_usec * 1000};
        add(&exact, page->wall_ns);
        now->tv_sec = exact.tv_sec;
        now->tv_usec = exact.tv_nsec / 1000;
    }
    return result;
}
static long vdso_time(time_t *now) {
    struct timespec exact;
    vdso_clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
static int told(long result) {
    if (result == 0) return 0;
    errno = (int)-result;
    return -1;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    return told(vdso_clock_gettime(clock, now));
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    return told(vdso_gettimeofday(now, zone));
}
time_t time(time_t *now) { return vdso_time(now); }
int timespec_get(struct timespec *now, int base) {
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

/* The kernel's page of functions */

static void lead(uint8_t *from, void *to) {
#if defined(__x86_64__)
    uint8_t jump[12] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0}; /* mov rax, to; jmp rax */
    memcpy(jump + 2, &to, 8);
#elif defined(__aarch64__)
    uint8_t jump[16] = {0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6}; /* ldr x16, [pc, 8]; br x16 */
    memcpy(jump + 8, &to, 8);
#endif
    memcpy(from, jump, sizeof jump);
    __builtin___clear_cache((char *)from, (char *)from + sizeof jump);
}
static int lead_all(uint8_t *base) {
    Elf64_Ehdr *header = (Elf64_Ehdr *)base;
    Elf64_Phdr *segments = (Elf64_Phdr *)(base + header->e_phoff);
    Elf64_Shdr *sections = (Elf64_Shdr *)(base + header->e_shoff);
    Elf64_Dyn *dynamic = 0;
    uint64_t size = 0, count = 0;
    for (int i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD) size = segments[i].p_vaddr + segments[i].p_memsz;
        if (segments[i].p_type == PT_DYNAMIC) dynamic = (Elf64_Dyn *)(base + segments[i].p_offset);
    }
    for (int i = 0; i < header->e_shnum; i++)
        if (sections[i].sh_type == SHT_DYNSYM) count = sections[i].sh_size / sizeof(Elf64_Sym);
    Elf64_Sym *symbols = 0;
    char *names = 0;
    for (; dynamic && dynamic->d_tag; dynamic++) {
        if (dynamic->d_tag == DT_SYMTAB) symbols = (Elf64_Sym *)(base + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_STRTAB) names = (char *)(base + dynamic->d_un.d_ptr);
    }
    if (!symbols || !names) return 0;
    long page_size = sysconf(_SC_PAGESIZE);
    uint64_t whole = (size + page_size - 1) & -page_size;
    /* Refused where the kernel seals this mapping. */
    if (mprotect(base, whole, PROT_READ | PROT_WRITE | PROT_EXEC)) return 0;
    int found = 0;
    for (uint64_t i = 0; i < count; i++) {
        char *name = names + symbols[i].st_name;
        uint8_t *at = base + symbols[i].st_value;
        if (!strcmp(name, "__vdso_clock_gettime") || !strcmp(name, "__kernel_clock_gettime")) {
            lead(at, vdso_clock_gettime);
            found = 1;
        } else if (!strcmp(name, "__vdso_gettimeofday") || !strcmp(name, "__kernel_gettimeofday")) {
            lead(at, vdso_gettimeofday);
        } else if (!strcmp(name, "__vdso_time")) {
            lead(at, vdso_time);
        }
    }
    mprotect(base, whole, PROT_READ | PROT_EXEC);
    return found;
}
__attribute__((constructor)) static void load(void) {
    uint8_t *base = (uint8_t *)getauxval(AT_SYSINFO_EHDR);
    is_everywhere = base && lead_all(base);
    const char *path = getenv("COLDCACHE_LAB_CLOCK");
    if (path) coldcache_lab_clock(path);
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
