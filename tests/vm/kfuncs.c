// SPDX-License-Identifier: BSD-2-Clause
/*
 * The first process of a test machine: loads BPF objects, and says which helpers and functions of
 * the kernel their programs call after the verifier has removed what cannot be reached.
 *
 *   @@ uname RELEASE
 *   @@ object FILE yes|no ERRNO
 *   @@ call FILE PROGRAM NAME            (a kfunc)
 *   @@ helper FILE PROGRAM NAME          (the kernel's function of a helper)
 *   @@ run FILE PROGRAM VALUE            (what a program that can be run returns)
 *   @@ log FILE TEXT                     (of what was refused)
 *   @@ btf NAME                          (of the names in /names/all: the kernel's BTF has it)
 *   @@ done
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#define MAX_SYMBOLS 300000
#define MAX_INSNS 4096

/* Of Linux 6.2 and newer; programs of this type can be run with a context of any size. */
#define SYSCALL_TYPE 31

static struct symbol {
	unsigned long long address;
	char name[64];
} symbols[MAX_SYMBOLS];
static int symbol_count;
static unsigned long long call_base;
static char verifier_log[1 << 20];

/* A static libbpf of a newer C library than this one asks for these. */
unsigned long long __attribute__((weak)) __isoc23_strtoull(const char *text, char **end, int base)
{
	return strtoull(text, end, base);
}
unsigned long __attribute__((weak)) __isoc23_strtoul(const char *text, char **end, int base)
{
	return strtoul(text, end, base);
}
long __attribute__((weak)) __isoc23_strtol(const char *text, char **end, int base)
{
	return strtol(text, end, base);
}
int __attribute__((weak)) __isoc23_sscanf(const char *text, const char *format, ...)
{
	__builtin_va_list args;
	int found;

	__builtin_va_start(args, format);
	found = vsscanf(text, format, args);
	__builtin_va_end(args);
	return found;
}
int __attribute__((weak)) __isoc23_fscanf(FILE *file, const char *format, ...)
{
	__builtin_va_list args;
	int found;

	__builtin_va_start(args, format);
	found = vfscanf(file, format, args);
	__builtin_va_end(args);
	return found;
}

static void read_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512];

	while (file && fgets(line, sizeof(line), file) && symbol_count < MAX_SYMBOLS) {
		struct symbol *found = &symbols[symbol_count];

		if (sscanf(line, "%llx %*c %63s", &found->address, found->name) != 2)
			continue;
		if (!strcmp(found->name, "__bpf_call_base"))
			call_base = found->address;
		symbol_count++;
	}
	if (file)
		fclose(file);
}

/* Several names can have one address: a kfunc's own is the one without a suffix of the compiler. */
static const char *symbol_at(unsigned long long address)
{
	int i;

	for (i = 0; i < symbol_count; i++)
		if (symbols[i].address == address && !strchr(symbols[i].name, '.') &&
		    strncmp(symbols[i].name, "__pfx_", 6))
			return symbols[i].name;
	return "?";
}

static void print_calls(const char *file, struct bpf_program *program)
{
	static struct bpf_insn insns[MAX_INSNS];
	struct bpf_prog_info info = {
		.xlated_prog_insns = (unsigned long long) (unsigned long) insns,
		.xlated_prog_len = sizeof(insns),
	};
	unsigned int size = sizeof(info), i;

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return;
	for (i = 0; i < info.xlated_prog_len / sizeof(insns[0]); i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && insns[i].src_reg != BPF_PSEUDO_CALL)
			printf("@@ %s %s %s %s\n", insns[i].src_reg ? "call" : "helper", file,
			       bpf_program__name(program), symbol_at(call_base + insns[i].imm));
}

static void run_program(const char *file, struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	if (bpf_program__type(program) == SYSCALL_TYPE &&
	    !bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		printf("@@ run %s %s %d\n", file, bpf_program__name(program), options.retval);
}

static void print_log(const char *file)
{
	char *line, *next;

	for (line = verifier_log; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		printf("@@ log %s %s\n", file, line);
	}
}

static void load(const char *file)
{
	char path[300];
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = verifier_log,
		    .kernel_log_size = sizeof(verifier_log), .kernel_log_level = 1);
	struct bpf_object *object;
	struct bpf_program *program;
	int error;

	snprintf(path, sizeof(path), "/objects/%s", file);
	memset(verifier_log, 0, sizeof(verifier_log));
	object = bpf_object__open_file(path, &options);
	error = object ? bpf_object__load(object) : -errno;
	printf("@@ object %s %s %d\n", file, error ? "no" : "yes", -error);
	if (error) {
		print_log(file);
	} else {
		bpf_object__for_each_program(program, object) {
			print_calls(file, program);
			run_program(file, program);
		}
	}
	if (object)
		bpf_object__close(object);
}

static void print_known(void)
{
	FILE *file = fopen("/names/all", "r");
	struct btf *btf = file ? btf__load_vmlinux_btf() : NULL;
	char name[128];

	while (btf && fscanf(file, "%127s", name) == 1)
		if (btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0)
			printf("@@ btf %s\n", name);
}

static int no_messages(enum libbpf_print_level level, const char *format, va_list args)
{
	return (void) level, (void) format, (void) args, 0;
}

int main(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct dirent **files;
	struct utsname name;
	int i, count;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	libbpf_set_print(no_messages);
	uname(&name);
	printf("@@ uname %s\n", name.release);
	read_symbols();
	count = scandir("/objects", &files, NULL, alphasort);
	for (i = 0; i < count; i++)
		if (files[i]->d_name[0] != '.')
			load(files[i]->d_name);
	print_known();
	printf("@@ done\n");
	fflush(stdout);
	/* With -no-reboot this ends the machine. */
	reboot(RB_AUTOBOOT);
	return 0;
}
