/* tests/bench/cpu.h: CPU time of processes, read by the generator itself at the two ends of the
 * measured window, so that it belongs to exactly the requests counted. */
#ifndef WSB_TESTS_BENCH_CPU_H
#define WSB_TESTS_BENCH_CPU_H
#include <sys/types.h>

/* User and system time of all threads of a process since its start, in seconds, from
 * /proc/PID/stat. Children have their own; name them, too. Dies when there is no such process. */
double cpu_seconds(pid_t pid);
#endif
