#include "broker/console/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "proto/position.h"

enum wsb_err cursor_load(const char *file, char place[SSE_ID_MAX])
{
	struct position position;
	char text[SSE_ID_MAX + 1];
	ssize_t len;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	place[0] = '\0';
	if (fd < 0)
		return errno == ENOENT ? WSB_OK : WSB_EIO;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len < 0)
		return WSB_EIO;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text[0] == '\0')
		return WSB_OK;
	if (!position_read(span_text(text), &position))
		return WSB_EINVAL;
	memcpy(place, text, strlen(text) + 1);
	return WSB_OK;
}

static bool write_all(int fd, const char *place)
{
	char line[SSE_ID_MAX + 1];
	int len = snprintf(line, sizeof(line), "%s\n", place);

	return write(fd, line, (size_t)len) == len && fsync(fd) == 0;
}

/* The name itself is on the disk only when its folder is. */
static bool sync_folder(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool synced = fd >= 0 && fsync(fd) == 0;

	free(folder);
	if (fd >= 0)
		close(fd);
	return synced;
}

enum wsb_err cursor_save(const char *file, const char *place)
{
	size_t size = strlen(file) + sizeof(".new");
	char *fresh = malloc(size);
	bool saved;
	int fd;

	if (!fresh)
		return WSB_ENOMEM;
	snprintf(fresh, size, "%s.new", file);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	saved = fd >= 0 && write_all(fd, place);
	if (fd >= 0)
		saved = close(fd) == 0 && saved;
	saved = saved && rename(fresh, file) == 0 && sync_folder(file);
	free(fresh);
	return saved ? WSB_OK : WSB_EIO;
}
