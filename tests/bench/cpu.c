#include "cpu.h"

#include "wire.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

double cpu_seconds(pid_t pid)
{
	char path[64], line[1024];
	unsigned long user, system;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		die("%s", path);
	fclose(file);
	/* The name in parentheses may hold anything; utime and stime are fields 14 and 15. */
	const char *fields = strrchr(line, ')');
	if (!fields || sscanf(fields + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			      &user, &system) != 2)
		die("%s: unexpected text", path);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}
