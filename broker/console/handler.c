#include "broker/console/handler.h"

#include <errno.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A file in memory and not a pipe: the command need not read it all, or at all. -1: errno. */
static int input_of(struct span text)
{
	int fd = memfd_create("event", MFD_CLOEXEC);

	while (fd >= 0 && text.len > 0) {
		ssize_t len = write(fd, text.at, text.len);

		if (len < 0) {
			close(fd);
			return -1;
		}
		text = span_of(text.at + len, text.len - (size_t)len);
	}
	if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int spawn_shell(const char *command, int input, pid_t *pid)
{
	char *const argv[] = {"sh", "-c", (char *)command, NULL};
	posix_spawn_file_actions_t actions;
	int code = posix_spawn_file_actions_init(&actions);

	if (code)
		return code;
	code = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (!code)
		code = posix_spawn(pid, "/bin/sh", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

enum wsb_err handler_run(const char *command, struct span text, int *status)
{
	int input = input_of(text);
	int how = 0;
	pid_t pid;
	int code;

	if (input < 0)
		return WSB_EIO;
	code = spawn_shell(command, input, &pid);
	close(input);
	if (code) {
		errno = code;
		return WSB_EIO;
	}
	while (waitpid(pid, &how, 0) < 0) {
		if (errno != EINTR)
			return WSB_EIO;
	}
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	return WSB_OK;
}
