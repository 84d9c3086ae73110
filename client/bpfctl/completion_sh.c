/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bash and zsh: the tables become one function that both understand; what is around it is each
 * shell's own. */
#include "bpfctl/completion.h"

#include <string.h>

/*
 * From the words before the cursor: which command it is, the option whose value comes next, and
 * the socket to ask. Everything is the caller's variables.
 */
static const char parse_head[] = "_bpfctl_parse()\n"
				 "{\n"
				 "\tlocal word\n"
				 "\tfor word in \"$@\"; do\n"
				 "\t\tif [[ -n $option ]]; then\n"
				 "\t\t\t[[ $word == '=' ]] && continue\n"
				 "\t\t\t[[ $option == --socket ]] && socket=(--socket \"$word\")\n"
				 "\t\t\toption=\n"
				 "\t\t\tcontinue\n"
				 "\t\tfi\n"
				 "\t\tcase $word in\n"
				 "\t\t";
static const char parse_tail[] = ") option=$word ;;\n"
				 "\t\t-*) ;;\n"
				 "\t\t*)\n"
				 "\t\t\tif [[ -z $first ]]; then first=$word\n"
				 "\t\t\telif [[ -z $second ]]; then second=$word\n"
				 "\t\t\telse third=$word\n"
				 "\t\t\tfi ;;\n"
				 "\t\tesac\n"
				 "\tdone\n"
				 "}\n\n";

/* Ids are the keys of the outermost objects, which have four blanks before them. */
static const char ids[] =
	"_bpfctl_ids()\n"
	"{\n"
	"\tbpfctl \"${socket[@]}\" --timeout 2 -o json list \"$1\" 2>/dev/null |\n"
	"\t\tsed -n 's/^    \"id\": \\([0-9]*\\),$/\\1/p'\n"
	"}\n\n";

/* References are made of letters, digits and . _ - / : @ */
static const char images[] =
	"_bpfctl_images()\n"
	"{\n"
	"\tbpfctl \"${socket[@]}\" --timeout 2 -o json image list 2>/dev/null |\n"
	"\t\tsed -n 's/^    \"reference\": \"\\([][A-Za-z0-9._/:@-]*\\)\",$/\\1/p'\n"
	"}\n\n";

/* Names of interfaces are strangers' words: compgen -W would expand what is in them. */
static const char bash_tail[] =
	"_bpfctl_offer()\n"
	"{\n"
	"\tlocal word prefix=\n"
	"\tlocal -a list=()\n"
	"\tcase $1 in\n"
	"\t@file)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\treturn ;;\n"
	"\t@program) mapfile -t list < <(_bpfctl_ids programs) ;;\n"
	"\t@link) mapfile -t list < <(_bpfctl_ids links) ;;\n"
	"\t@image) mapfile -t list < <(_bpfctl_images) ;;\n"
	"\t@interface)\n"
	"\t\tfor word in /sys/class/net/*/; do\n"
	"\t\t\tword=${word%/}\n"
	"\t\t\tprintf -v word %q \"${word##*/}\"\n"
	"\t\t\tlist+=(\"$word\")\n"
	"\t\tdone ;;\n"
	"\t,*)\n"
	"\t\tprefix=${cur%\"${cur##*,}\"}\n"
	"\t\tread -ra list <<<\"${1#,}\" ;;\n"
	"\t*) read -ra list <<<\"$1\" ;;\n"
	"\tesac\n"
	"\tfor word in \"${list[@]}\"; do\n"
	"\t\t[[ $word == \"${cur#\"$prefix\"}\"* ]] && COMPREPLY+=(\"$prefix$word\")\n"
	"\tdone\n"
	"}\n\n"
	"_bpfctl()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} first='' second='' third='' option='' options='' "
	"values='' operands=''\n"
	"\tlocal -a socket=()\n"
	"\tCOMPREPLY=()\n"
	"\t_bpfctl_parse \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
	"\t_bpfctl_tables\n"
	"\t[[ $cur == '=' ]] && cur=\n"
	"\tif [[ -n $option ]]; then _bpfctl_offer \"$values\"\n"
	"\telif [[ $cur == -* ]]; then _bpfctl_offer \"$options\"\n"
	"\telse _bpfctl_offer \"$operands\"\n"
	"\tfi\n"
	"}\n\n"
	"complete -F _bpfctl bpfctl\n";

static const char zsh_tail[] =
	"_bpfctl_offer()\n"
	"{\n"
	"\tlocal -a list after\n"
	"\tcase $1 in\n"
	"\t@file) _files; return ;;\n"
	"\t@program) list=(${(f)\"$(_bpfctl_ids programs)\"}) ;;\n"
	"\t@link) list=(${(f)\"$(_bpfctl_ids links)\"}) ;;\n"
	"\t@image) list=(${(f)\"$(_bpfctl_images)\"}) ;;\n"
	"\t@interface) list=(/sys/class/net/*(-/N:t)) ;;\n"
	"\t,*)\n"
	"\t\tcompset -P '*,'\n"
	"\t\tafter=(-qS ,)\n"
	"\t\tlist=(${=1#,}) ;;\n"
	"\t*) list=(${=1}) ;;\n"
	"\tesac\n"
	"\tcompadd $after -a list\n"
	"}\n\n"
	"_bpfctl()\n"
	"{\n"
	"\tlocal first second third option options values operands cur=$words[CURRENT]\n"
	"\tlocal -a socket\n"
	"\t_bpfctl_parse \"${(@)words[2,CURRENT-1]}\"\n"
	"\tif [[ $cur == --*=* ]]; then\n"
	"\t\toption=${cur%%=*}\n"
	"\t\tcompset -P '*='\n"
	"\tfi\n"
	"\t_bpfctl_tables\n"
	"\tif [[ -n $option ]]; then _bpfctl_offer \"$values\"\n"
	"\telif [[ $cur == -* ]]; then _bpfctl_offer \"$options\"\n"
	"\telse _bpfctl_offer \"$operands\"\n"
	"\tfi\n"
	"}\n\n"
	"if [[ $funcstack[1] == _bpfctl ]]; then _bpfctl \"$@\"; else compdef _bpfctl bpfctl; "
	"fi\n";

static void option_names_print(FILE *out, const struct option_row *rows,
                               enum bpfd_program_type type)
{
	for (; rows && rows->name; rows++) {
		if (option_fits(rows, type))
			(void)fprintf(out, "--%s ", rows->name);
	}
}

/* A list with commas begins with one. */
static void option_values_print(FILE *out, const struct option_row *rows,
                                enum bpfd_program_type type)
{
	char text[VALUES_TEXT_SIZE];

	for (; rows && rows->name; rows++) {
		if (!rows->values || !option_fits(rows, type))
			continue;
		(void)fprintf(out, "\t\t--%s", rows->name);
		if (rows->letter)
			(void)fprintf(out, " | -%c", rows->letter);
		(void)fprintf(out, ") values='%s%s' ;;\n",
		              strcmp(rows->values, VALUES_ACTION) == 0 ? "," : "",
		              values_text(rows->values, type, text));
	}
}

static void leaf_case_print(FILE *out, const struct command *command, enum bpfd_program_type type)
{
	const char *second = leaf_second(command, type);

	if (second)
		(void)fprintf(out, "\t'%s %s')\n", command->words[0], second);
	else
		(void)fprintf(out, "\t'%s '*)\n", command->words[0]);
	(void)fputs("\t\toptions+='", out);
	option_names_print(out, command->options, type);
	(void)fputs("'\n", out);
	if (command->values)
		(void)fprintf(out, "\t\t%soperands='%s'\n",
		              command->operands_max == OPERANDS_ANY ? "" : "[[ -n $third ]] || ",
		              command->values);
	(void)fputs("\t\tcase $option in\n", out);
	option_values_print(out, command->options, type);
	(void)fputs("\t\tesac ;;\n", out);
}

/* Sets what can come next: `operands`, `options`, and the `values` of the option that was begun. */
static void tables_print(FILE *out)
{
	char words[TYPE_NAMES_SIZE];

	(void)fputs("_bpfctl_tables()\n{\n\toptions='", out);
	option_names_print(out, global_options, BPFD_PROGRAM_NONE);
	(void)fputs("'\n\tcase $option in\n", out);
	option_values_print(out, global_options, BPFD_PROGRAM_NONE);
	(void)fprintf(out, "\tesac\n\tcase \"$first $second\" in\n\t' ') operands='%s' ;;\n",
	              first_words(words, sizeof(words)));
	for (size_t i = 0; i < command_count; i++) {
		const char *first = commands[i].words[0];

		if (commands[i].words[1] && command_is_first(&commands[i]))
			(void)fprintf(out, "\t'%s ') operands='%s' ;;\n", first,
			              second_words(first, words, sizeof(words)));
	}
	leaves_print(out, leaf_case_print);
	(void)fputs("\tesac\n}\n\n", out);
}

static enum exit_code script_print(const char *head, const char *tail)
{
	(void)fputs(head, stdout);
	(void)fputs(parse_head, stdout);
	valued_options_print(stdout, " | ");
	(void)fputs(parse_tail, stdout);
	tables_print(stdout);
	(void)fputs(ids, stdout);
	(void)fputs(images, stdout);
	(void)fputs(tail, stdout);
	return EXIT_DONE;
}

enum exit_code completion_bash_run(struct arguments *arguments)
{
	(void)arguments;
	return script_print("# bash: completes bpfctl's command lines. Made by \"bpfctl "
	                    "completion bash\".\n\n",
	                    bash_tail);
}

enum exit_code completion_zsh_run(struct arguments *arguments)
{
	(void)arguments;
	return script_print("#compdef bpfctl\n# zsh: completes bpfctl's command lines. Made by "
	                    "\"bpfctl completion zsh\".\n\n",
	                    zsh_tail);
}
