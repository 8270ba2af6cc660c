// SPDX-License-Identifier: BSD-2-Clause
/*
 * Load BPF objects with libbpf, and print verdicts as lines that begin with "@@ ".
 *
 *   objects [-d] [-e] [-b BTF] FILE...    as root, on the running kernel
 *   /init                                 as first process of a test machine: all of /objects
 *
 *   @@ uname RELEASE
 *   @@ begin FILE
 *   @@ program FILE NAME yes|no ERRNO     (-e: each program by itself, too)
 *   @@ log FILE TEXT                      (of what was refused; -d: all, on debug level)
 *   @@ object FILE yes|no ERRNO
 *   @@ done
 *
 * Each object is loaded by a process of its own; the variable "seconds" limits its time (a machine
 * gets it from the command line of its kernel). Nothing is attached.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define LINES 12

static const char *btf_path;
static const char *current;
static unsigned int seconds = 900;
static bool debug, each;
static char text[8 << 20];
static size_t length;

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t room = sizeof(text) - length;
	int len;

	if (level == LIBBPF_DEBUG && !debug)
		return 0;
	if (debug)
		return vprintf(format, args);
	len = vsnprintf(text + length, room, format, args);
	if (len > 0)
		length += (size_t)len < room ? (size_t)len : room - 1;
	return len;
}

/* What libbpf says, and of the verifier's log the last lines. */
static void print_lines(void)
{
	char *line, *rest = text, *last[LINES];
	int count = 0, i;
	bool inside = false;

	while ((line = strsep(&rest, "\n"))) {
		if (strstr(line, "-- BEGIN PROG LOAD LOG --")) {
			inside = true;
			count = 0;
		} else if (strstr(line, "-- END PROG LOAD LOG --")) {
			inside = false;
			for (i = count > LINES ? count - LINES : 0; i < count; i++)
				printf("@@ log %s   %.400s\n", current, last[i % LINES]);
		} else if (inside) {
			last[count++ % LINES] = line;
		} else if (*line) {
			printf("@@ log %s %.400s\n", current, line);
		}
	}
	length = 0;
	text[0] = '\0';
}

static struct bpf_object *open_object(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);

	return bpf_object__open_file(current, &opts);
}

static void load_alone(const char *name)
{
	struct bpf_object *object = open_object();
	struct bpf_program *program;
	int err;

	if (!object)
		return;
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
	err = bpf_object__load(object);
	printf("@@ program %s %s %s %d\n", current, name, err ? "no" : "yes", -err);
	if (err)
		print_lines();
	length = 0;
	bpf_object__close(object);
}

static void load_object(void)
{
	struct bpf_object *object = open_object();
	struct bpf_program *program;
	int err = object ? bpf_object__load(object) : -errno;

	if (err)
		print_lines();
	printf("@@ object %s %s %d\n", current, err ? "no" : "yes", -err);
	length = 0;
	if (!object)
		return;
	bpf_object__close(object);
	object = each ? open_object() : NULL;
	if (!object)
		return;
	bpf_object__for_each_program(program, object)
		load_alone(bpf_program__name(program));
	bpf_object__close(object);
}

static void load_file(const char *path)
{
	int status;
	pid_t child;

	printf("@@ begin %s\n", path);
	fflush(stdout);
	child = fork();
	if (!child) {
		current = path;
		alarm(seconds);
		load_object();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		printf("@@ object %s no -%d\n", path, WIFSIGNALED(status) ? WTERMSIG(status) : 1);
	fflush(stdout);
}

static int visit(const char *path, const struct stat *info, int kind, struct FTW *place)
{
	if (kind == FTW_F && place->level)
		load_file(path);
	return 0;
}

static void prepare_machine(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/sys/fs/bpf", 0755);
	mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	bool machine = getpid() == 1;
	struct utsname name;
	int option;

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	if (getenv("seconds"))
		seconds = atoi(getenv("seconds"));
	if (machine)
		prepare_machine();
	while (!machine && (option = getopt(argc, argv, "deb:")) != -1) {
		if (option == 'd')
			debug = true;
		else if (option == 'e')
			each = true;
		else if (option == 'b')
			btf_path = optarg;
		else
			return 2;
	}
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	libbpf_set_print(keep_log);
	uname(&name);
	printf("@@ uname %s\n", name.release);
	if (machine)
		nftw("/objects", visit, 16, FTW_PHYS);
	for (; !machine && optind < argc; optind++)
		load_file(argv[optind]);
	printf("@@ done\n");
	fflush(stdout);
	if (machine) {
		sync();
		reboot(RB_AUTOBOOT);
	}
	return 0;
}
