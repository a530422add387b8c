#include "rig.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rig_init(struct rig *rig)
{
	snprintf(rig->folder, sizeof(rig->folder), "/tmp/wsbroker-control-XXXXXX");
	cr_assert_not_null(mkdtemp(rig->folder));
	snprintf(rig->file, sizeof(rig->file), "%s/broker.yaml", rig->folder);
	strbuf_init(&rig->errors);
	rig->config = NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

void rig_fini(struct rig *rig)
{
	config_release(rig->config);
	strbuf_fini(&rig->errors);
	nftw(rig->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void rig_write(struct rig *rig, const char *name, const char *text)
{
	char path[RIG_PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
	file = fopen(path, "w");
	cr_assert_not_null(file, "%s", path);
	cr_assert_eq(fwrite(text, 1, strlen(text), file), strlen(text));
	fclose(file);
}

/* Each line begins with the file's name, which is another one each time. */
static void strip_file(struct rig *rig, const struct strbuf *errors)
{
	size_t prefix = strlen(rig->file) + 1;
	const char *line = strbuf_span(errors).at;

	strbuf_clear(&rig->errors);
	while (*line) {
		size_t len = strcspn(line, "\n") + 1;

		if (strncmp(line, rig->file, prefix - 1) == 0) {
			line += prefix;
			len -= prefix;
		}
		strbuf_add(&rig->errors, span_of(line, len));
		line += len;
	}
}

enum wsb_err rig_load(struct rig *rig, const char *text)
{
	struct strbuf errors;
	enum wsb_err err;

	config_release(rig->config);
	rig->config = NULL;
	rig_write(rig, "broker.yaml", text);
	strbuf_init(&errors);
	err = config_load(&rig->config, rig->file, &errors);
	strip_file(rig, &errors);
	strbuf_fini(&errors);
	return err;
}

const struct config *rig_good(struct rig *rig, const char *text)
{
	enum wsb_err err = rig_load(rig, text);

	cr_assert_eq(err, WSB_OK, "%s:\n%s\n%s", wsb_err_text(err), strbuf_span(&rig->errors).at,
		     text);
	cr_assert_eq(rig->errors.len, 0);
	return rig->config;
}

void rig_bad(struct rig *rig, const char *text, const char *errors)
{
	cr_assert_eq(rig_load(rig, text), WSB_EINVAL, "accepted:\n%s", text);
	cr_assert_null(rig->config);
	cr_expect_str_eq(strbuf_span(&rig->errors).at, errors, "of\n%s", text);
}

void rig_bad_somewhere(struct rig *rig, const char *text, const char *begin)
{
	const char *line;

	cr_assert_eq(rig_load(rig, text), WSB_EINVAL, "accepted:\n%s", text);
	cr_assert_null(rig->config);
	line = strbuf_span(&rig->errors).at;
	while (*line && strncmp(line, begin, strlen(begin)) != 0) {
		line += strcspn(line, "\n");
		line += *line ? 1 : 0;
	}
	cr_expect(*line, "no error begins with \"%s\":\n%s\nof\n%s", begin,
		  strbuf_span(&rig->errors).at, text);
}
