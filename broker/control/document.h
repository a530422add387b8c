/* broker/control/document.h: a YAML file as nodes with places. The document API of libyaml resolves
 * aliases to the node they name, so that a node may be met twice, or in itself: whoever walks
 * counts. */
#ifndef WSB_BROKER_CONTROL_DOCUMENT_H
#define WSB_BROKER_CONTROL_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>
#include "broker/control/arena.h"
#include "broker/control/complaints.h"
#include "common/err.h"
#include "common/span.h"

#define DOCUMENT_BYTES_MAX ((size_t)4 << 20)
/* Nodes met on the way, each time an alias leads to one: "billion laughs" ends here. */
#define DOCUMENT_VISITS_MAX 200000
/* Deepest nesting of a free-form value. */
#define DOCUMENT_DEPTH_MAX 32

struct document {
	struct arena *arena;
	struct complaints *complaints;
	const char *folder; /* of the file, with its last slash; "" for the working one */
	size_t visits;
	bool overlaid; /* what was changed at runtime lies on top */
	bool loaded;   /* yaml must be given back */
	yaml_document_t yaml;
};

/* Reads all of a file that may be bytes_max long. *out lives in the arena and is terminated.
 * WSB_EIO: errno says why; WSB_ELIMIT: it is longer; WSB_ENOMEM. */
enum wsb_err file_read(struct arena *arena, const char *path, size_t bytes_max,
		       struct span *out) WSB_CHECKED;

/* text must stay until document_fini. Syntax errors, a second document and an empty one become
 * complaints and leave document without a root. */
void document_init(struct document *document, const char *file, struct span text,
		   struct arena *arena, struct complaints *complaints);
void document_fini(struct document *document);

yaml_node_t *document_root(struct document *document); /* NULL: there is none */
yaml_node_t *document_node(struct document *document, int index);

/* The value of key in a mapping (of several equal keys the first); NULL when there is none, or node
 * is no mapping or NULL. */
yaml_node_t *document_find(struct document *document, yaml_node_t *node, const char *key);
/* The position'th item of a sequence; NULL beyond its end or when node is no sequence or NULL. */
yaml_node_t *document_item(struct document *document, yaml_node_t *node, size_t position);

/* Of a scalar, as written. */
struct span node_text(const yaml_node_t *node);
/* Whether a scalar says nothing: empty, ~ or null without quotes. */
bool node_is_null(const yaml_node_t *node);
struct place node_place(const yaml_node_t *node);
struct place node_end(const yaml_node_t *node); /* just behind it */

/* Counts one step of a walk. False, with a complaint the first time, when there were too many. */
bool document_visit(struct document *document, const yaml_node_t *node);

/* A scalar with ${NAME} replaced from the environment and $$ by $. False, with a complaint, when a
 * variable is not set, a brace is not closed, the node is no scalar or has a tag of its own. */
bool document_scalar(struct document *document, const yaml_node_t *node, const char *expected,
		     struct span *out);

/* "a mapping", "a list" or a quoted scalar as written in the file: what a wrong value is. The
 * variable that a secret came from is shown, never what it held. */
void document_describe(struct strbuf *out, const yaml_node_t *node);

/* The folder of a file, with its last slash; "" for the working one. NULL: no memory. */
const char *document_folder(struct arena *arena, const char *file);

/* path as the file means it: relative ones begin at its folder. */
const char *document_path(struct document *document, struct span path);

#endif
