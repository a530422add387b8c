#include "broker/console/completion.h"

#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/show.h"

/* The commands that are none of the console's. */
static const char others[] = "serve check-config call bench --help --version";

/* Whether commands[index] is the first one with its first word. */
static bool is_first(size_t index)
{
	size_t len = strcspn(commands[index].name, " ") + 1;

	for (size_t i = 0; i < index; i++) {
		if (strncmp(commands[i].name, commands[index].name, len - 1) == 0 &&
		    strchr(" ", commands[i].name[len - 1]))
			return false;
	}
	return true;
}

static struct span first_word(const struct command *command)
{
	return span_of(command->name, strcspn(command->name, " "));
}

static void add_first_words(struct strbuf *out)
{
	strbuf_text(out, others);
	for (size_t i = 0; i < command_count; i++) {
		if (!is_first(i))
			continue;
		strbuf_text(out, " ");
		strbuf_add(out, first_word(&commands[i]));
	}
}

/* The second words of a group; nothing for a command of one word. */
static void add_second_words(const struct command *of, struct strbuf *out)
{
	const char *separator = "";

	for (size_t i = 0; i < command_count; i++) {
		struct span word = first_word(&commands[i]);

		if (!span_equal(word, first_word(of)) || !commands[i].name[word.len])
			continue;
		strbuf_printf(out, "%s%s", separator, commands[i].name + word.len + 1);
		separator = " ";
	}
}

static void add_options(const struct command *of, struct strbuf *out)
{
	struct argument_option option;
	unsigned int bits = 0;

	for (size_t i = 0; i < command_count; i++) {
		if (span_equal(first_word(&commands[i]), first_word(of)))
			bits |= commands[i].options;
	}
	strbuf_text(out, "--help");
	for (size_t i = 0; arguments_option(bits, i, &option); i++)
		strbuf_printf(out, " %s", option.name);
}

/* One `case` for each first word, which sets verbs and options. */
static void add_cases(struct strbuf *out)
{
	for (size_t i = 0; i < command_count; i++) {
		if (!is_first(i))
			continue;
		strbuf_text(out, "\t");
		strbuf_add(out, first_word(&commands[i]));
		strbuf_text(out, ") verbs=\"");
		add_second_words(&commands[i], out);
		strbuf_text(out, "\"; options=\"");
		add_options(&commands[i], out);
		strbuf_text(out, "\" ;;\n");
	}
}

static void write_bash(struct strbuf *out)
{
	strbuf_text(out, "_wsbroker() {\n"
			 "\tlocal word=\"${COMP_WORDS[COMP_CWORD]}\" verbs= options=\n"
			 "\tCOMPREPLY=()\n"
			 "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
			 "\t\tCOMPREPLY=($(compgen -W \"");
	add_first_words(out);
	strbuf_text(out, "\" -- \"$word\"))\n\t\treturn\n\tfi\n\tcase \"${COMP_WORDS[1]}\" in\n");
	add_cases(out);
	strbuf_text(out, "\tesac\n"
			 "\t[ \"$COMP_CWORD\" -eq 2 ] || verbs=\n"
			 "\tcase \"$word\" in -*) verbs=$options ;; esac\n"
			 "\tCOMPREPLY=($(compgen -W \"$verbs\" -- \"$word\"))\n"
			 "}\n"
			 "complete -o default -F _wsbroker wsbroker\n");
}

static void write_zsh(struct strbuf *out)
{
	strbuf_text(out, "#compdef wsbroker\n"
			 "_wsbroker() {\n"
			 "\tlocal first=$words[2] verbs= options=\n"
			 "\tif (( CURRENT == 2 )); then\n"
			 "\t\tcompadd -- ");
	add_first_words(out);
	strbuf_text(out, "\n\t\treturn\n\tfi\n\tcase $first in\n");
	add_cases(out);
	strbuf_text(out, "\tesac\n"
			 "\tif [[ $PREFIX == -* ]]; then\n"
			 "\t\tcompadd -- ${=options}\n"
			 "\telif (( CURRENT == 3 )); then\n"
			 "\t\tcompadd -- ${=verbs}\n"
			 "\telse\n"
			 "\t\t_files\n"
			 "\tfi\n"
			 "}\n"
			 "compdef _wsbroker wsbroker\n");
}

static void add_quoted(struct strbuf *out, const char *text)
{
	strbuf_text(out, "'");
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			strbuf_text(out, "\\");
		strbuf_add(out, span_of(text, 1));
	}
	strbuf_text(out, "'");
}

static void write_fish(struct strbuf *out)
{
	strbuf_printf(out, "complete -c wsbroker -n __fish_use_subcommand -f -a '%s'\n", others);
	for (size_t i = 0; i < command_count; i++) {
		struct span word = first_word(&commands[i]);
		struct argument_option option;

		if (is_first(i)) {
			strbuf_text(out, "complete -c wsbroker -n __fish_use_subcommand -f -a ");
			strbuf_add(out, word);
			strbuf_text(out, " -d ");
			add_quoted(out, commands[i].name[word.len] ? "..." : commands[i].help);
			strbuf_text(out, "\n");
		}
		if (commands[i].name[word.len]) {
			strbuf_text(out,
				    "complete -c wsbroker -f -n '__fish_seen_subcommand_from ");
			strbuf_add(out, word);
			strbuf_printf(out, "' -a %s -d ", commands[i].name + word.len + 1);
			add_quoted(out, commands[i].help);
			strbuf_text(out, "\n");
		}
		for (size_t at = 0;
		     is_first(i) && arguments_option(commands[i].options, at, &option); at++) {
			strbuf_text(out, "complete -c wsbroker -n '__fish_seen_subcommand_from ");
			strbuf_add(out, word);
			strbuf_printf(out, "' %s %s -d ", option.name[1] == '-' ? "-l" : "-s",
				      option.name + (option.name[1] == '-' ? 2 : 1));
			add_quoted(out, option.help);
			strbuf_text(out, "\n");
		}
	}
}

enum wsb_err completion_write(const char *shell, struct strbuf *out)
{
	if (strcmp(shell, "bash") == 0)
		write_bash(out);
	else if (strcmp(shell, "zsh") == 0)
		write_zsh(out);
	else if (strcmp(shell, "fish") == 0)
		write_fish(out);
	else
		return WSB_EINVAL;
	return WSB_OK;
}

int completion_run(const struct invocation *invocation)
{
	struct strbuf script;
	int code;

	strbuf_init(&script);
	if (completion_write(invocation->operands[0], &script) == WSB_OK)
		code = show_text(&script);
	else
		code = ask_complain(EXIT_USAGE, invocation->operands[0],
				    "a shell is bash, zsh or fish");
	strbuf_fini(&script);
	return code;
}
