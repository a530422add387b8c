#include "broker/control/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "broker/control/arena.h"

#define STATE_VERSION	1
#define STATE_BYTES_MAX ((size_t)16 << 20)

static const char *const kinds[] = {
	[OVERRIDE_VALUE] = "value",
	[OVERRIDE_ADDED] = "added",
	[OVERRIDE_REMOVED] = "removed",
};

static bool kind_read(const char *text, enum override_kind *out)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (text && strcmp(text, kinds[i]) == 0) {
			*out = (enum override_kind)i;
			return true;
		}
	}
	return false;
}

static bool change_read(const json_t *json, struct override *out)
{
	json_t *at = json_object_get(json, "at");

	*out = (struct override){
		.key = json_string_value(json_object_get(json, "key")),
		.value = json_string_value(json_object_get(json, "value")),
		.under = json_string_value(json_object_get(json, "under")),
		.actor = json_string_value(json_object_get(json, "actor")),
		.reason = json_string_value(json_object_get(json, "reason")),
		.wall_us = (uint64_t)json_integer_value(at),
	};
	return kind_read(json_string_value(json_object_get(json, "kind")), &out->kind) &&
	       out->key && out->actor && out->reason && json_is_integer(at) &&
	       (out->kind == OVERRIDE_REMOVED || out->value);
}

static enum wsb_err changes_read(struct overrides *overrides, const json_t *tree,
				 struct strbuf *why)
{
	json_t *changes = json_object_get(tree, "changes");
	size_t position;
	json_t *json;

	if (json_integer_value(json_object_get(tree, "version")) != STATE_VERSION ||
	    !json_is_array(changes)) {
		strbuf_text(why, "not a state file of this version");
		return WSB_EPARSE;
	}
	json_array_foreach(changes, position, json)
	{
		struct override change;

		if (!change_read(json, &change)) {
			strbuf_printf(why, "its change %zu is not whole", position + 1);
			return WSB_EPARSE;
		}
		if (overrides_restore(overrides, &change))
			return WSB_ENOMEM;
	}
	return WSB_OK;
}

static enum wsb_err text_read(struct overrides *overrides, struct span text, struct strbuf *why)
{
	json_error_t error;
	json_t *tree = json_loadb(text.at, text.len, 0, &error);
	struct overrides read;
	struct list_node *node;
	enum wsb_err err;

	if (!tree) {
		strbuf_printf(why, "not valid JSON at its line %d, column %d", error.line,
			      error.column);
		return WSB_EPARSE;
	}
	overrides_init(&read);
	err = changes_read(&read, tree, why);
	while (err == WSB_OK && (node = list_pop(&read.list)))
		list_append(&overrides->list, node);
	overrides_fini(&read);
	json_decref(tree);
	return err;
}

enum wsb_err state_file_read(struct overrides *overrides, const char *path, struct strbuf *why)
{
	struct arena *arena;
	struct span text;
	enum wsb_err err;

	if (arena_create(&arena))
		return WSB_ENOMEM;
	err = file_read(arena, path, STATE_BYTES_MAX, &text);
	if (err == WSB_EIO && errno == ENOENT) {
		err = WSB_ENOENT;
	} else if (err == WSB_EIO) {
		strbuf_printf(why, "cannot be read: %s", strerror(errno));
	} else if (err == WSB_ELIMIT) {
		strbuf_text(why, "too large");
		err = WSB_EPARSE;
	} else if (err == WSB_OK) {
		err = text_read(overrides, text, why);
	}
	arena_destroy(arena);
	return err;
}

static json_t *change_write(const struct override *change)
{
	return json_pack("{s:s, s:s, s:s*, s:s*, s:s, s:s, s:I}", "key", change->key, "kind",
			 kinds[change->kind], "value", change->value, "under", change->under,
			 "actor", change->actor, "reason", change->reason, "at",
			 (json_int_t)change->wall_us);
}

char *state_file_text(const struct overrides *overrides)
{
	json_t *changes = json_array();
	json_t *tree = json_pack("{s:i, s:o}", "version", STATE_VERSION, "changes", changes);
	bool whole = tree != NULL;
	char *text = NULL;

	list_each(&overrides->list, node) {
		json_t *json = change_write(list_entry(node, struct override, link));

		whole = whole && json && json_array_append_new(changes, json) == 0;
	}
	/* A text that is no UTF-8 makes no JSON. */
	if (whole)
		text = json_dumps(tree, JSON_INDENT(2));
	json_decref(tree);
	return text;
}

static bool write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t written = write(fd, text, len);

		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			text += written;
			len -= (size_t)written;
		}
	}
	return true;
}

/* The name is only as safe as the folder that it stands in. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

static bool replace(const char *path, const char *fresh, const char *text)
{
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool whole;
	int reason;

	if (fd < 0)
		return false;
	whole = write_all(fd, text) && write_all(fd, "\n") && fsync(fd) == 0;
	reason = errno;
	close(fd);
	errno = reason;
	if (whole && rename(fresh, path) == 0) {
		sync_folder(path);
		return true;
	}
	reason = errno;
	unlink(fresh);
	errno = reason;
	return false;
}

/* strerror is not for threads. */
static void say_why(struct strbuf *why, const char *what)
{
	char room[128];

	strbuf_printf(why, "%s: %s", what, strerror_r(errno, room, sizeof(room)));
}

enum wsb_err state_file_write(const char *path, const char *text, struct strbuf *why)
{
	enum wsb_err err = WSB_ENOMEM;
	struct strbuf fresh;

	strbuf_init(&fresh);
	strbuf_printf(&fresh, "%s.new", path);
	if (!fresh.failed) {
		err = replace(path, fresh.text, text) ? WSB_OK : WSB_EIO;
		if (err)
			say_why(why, "cannot be written");
	}
	strbuf_fini(&fresh);
	return err;
}

/* Whoever holds the lock has written who he is. */
static void tell_holder(int fd, struct strbuf *why)
{
	char text[24] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	size_t digits = len > 0 ? strspn(text, "0123456789") : 0;

	strbuf_text(why, "another broker keeps its changes there");
	if (digits > 0)
		strbuf_printf(why, " (process %.*s)", (int)digits, text);
	strbuf_text(why, ": processes that share a configuration file need a `state` of their own "
			 "each: it may contain ${PORT_INDEX}");
}

/* Who holds it is a courtesy: the lock is what counts. */
static void tell_who(int fd)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
		return;
}

enum wsb_err state_file_lock(const char *path, int *out, struct strbuf *why)
{
	enum wsb_err err = WSB_OK;
	struct strbuf name;
	int fd;

	strbuf_init(&name);
	strbuf_printf(&name, "%s.lock", path);
	if (name.failed)
		return WSB_ENOMEM;
	fd = open(name.text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
		err = fd >= 0 && errno == EWOULDBLOCK ? WSB_EEXIST : WSB_EIO;
		if (err == WSB_EEXIST)
			tell_holder(fd, why);
		else
			say_why(why, "cannot be locked");
		if (fd >= 0)
			close(fd);
	} else {
		tell_who(fd);
		*out = fd;
	}
	strbuf_fini(&name);
	return err;
}

void state_file_set_aside(const char *path)
{
	struct strbuf aside;

	strbuf_init(&aside);
	strbuf_printf(&aside, "%s.broken", path);
	if (aside.failed || rename(path, aside.text) != 0)
		unlink(path);
	strbuf_fini(&aside);
}
