/* A process preloaded with this has a wall clock that is off by the seconds in the file $WRONG_CLOCK, while it runs.

   No other clock and no timeout is touched. (libfaketime 0.9.10 breaks sleeps until a monotonic time, which Python's
   are since 3.11: its issue 426.) Build: cc -shared -fPIC -O1 -o wrong_clock.so wrong_clock.c */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t *off;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("WRONG_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *there = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *off, PROT_READ, MAP_SHARED, file, 0);

    if (there == MAP_FAILED)
        _exit(99);
    close(file);
    off = there;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int code = (int)syscall(SYS_clock_gettime, clock, now);

    if (code == 0 && off && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += atomic_load(off);
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int code = (int)syscall(SYS_gettimeofday, now, zone);

    if (code == 0 && off)
        now->tv_sec += atomic_load(off);
    return code;
}

time_t time(time_t *into)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (into)
        *into = now.tv_sec;
    return now.tv_sec;
}
