#include "common/bearer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of a file, without the space around it. */
static enum wsb_err read_line(const char *path, char room[BEARER_MAX], const char **why)
{
	FILE *file = fopen(path, "re");

	*why = "cannot be read";
	if (!file)
		return WSB_EINVAL;
	if (!fgets(room, BEARER_MAX, file))
		room[0] = '\0';
	fclose(file);
	room[strcspn(room, "\r\n")] = '\0';
	for (size_t len = strlen(room); len > 0 && strchr(" \t", room[len - 1]); len--)
		room[len - 1] = '\0';
	*why = "holds no token in its first line";
	return room[0] ? WSB_OK : WSB_EINVAL;
}

/* A token is what may stand in a header. */
static bool is_token(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text <= ' ' || (unsigned char)*text > '~')
			return false;
	}
	return true;
}

enum wsb_err bearer_find(const char *file, char room[BEARER_MAX], const char **out,
			 const char **why)
{
	const char *from_environment = getenv("WSBROKER_TOKEN");
	const char *token = from_environment && from_environment[0] ? from_environment : NULL;

	*out = NULL;
	if (file) {
		if (read_line(file, room, why) != WSB_OK)
			return WSB_EINVAL;
		token = room;
	}
	*why = file ? "its first line is no token: it holds a space or a character beyond ASCII"
		    : "the token holds a space or a character beyond ASCII";
	if (token && !is_token(token))
		return WSB_EINVAL;
	*out = token;
	return WSB_OK;
}
