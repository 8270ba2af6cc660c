// SPDX-License-Identifier: BSD-2-Clause
/*
 * The first process of a test machine: asks its kernel what it has, loads BPF objects, and prints
 * verdicts as lines that begin with "@@ ". See boot_kernels.py for what is compared with them.
 *
 *   @@ uname RELEASE
 *   @@ helper NUMBER absent|refused|known NAME   (NAME as the kernel's own log prints it, or -)
 *   @@ map_type NUMBER yes|no ERRNO
 *   @@ prog_type NUMBER yes|no ERRNO
 *   @@ log KIND NUMBER|FILE TEXT                 (of what was refused)
 *   @@ object FILE yes|no ERRNO                  (loaded; attach_* attached, too)
 *   @@ btf BYTES COMPRESSED                      (zlib stream on the second serial port)
 *   @@ done
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>
#include <zlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define MAX_HELPER 320
#define MAX_TYPE 48

static char verifier_log[1 << 20];

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* The last line of a log that is no statistics, without control characters. */
static void print_log(const char *kind, const char *subject, char *text)
{
	char *line, *next, *last = NULL;

	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line && strncmp(line, "processed ", 10) && strncmp(line, "verification time", 17) &&
		    strncmp(line, "stack depth", 11) && strncmp(line, "-- END", 6))
			last = line;
	}
	if (last)
		printf("@@ log %s %s %.300s\n", kind, subject, last);
}

static unsigned int log_level = 1;

static int load_insns(unsigned int type, unsigned int attach, unsigned int flags,
		      const struct bpf_insn *insns, unsigned int count)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = attach;
	attr.prog_flags = flags;
	attr.insns = (unsigned long)insns;
	attr.insn_cnt = count;
	attr.license = (unsigned long)"GPL";
	attr.log_buf = (unsigned long)verifier_log;
	attr.log_size = sizeof(verifier_log);
	attr.log_level = log_level;
	verifier_log[0] = '\0';
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void probe_helpers(void)
{
	char subject[16], name[128];
	int number;

	for (number = 1; number <= MAX_HELPER; number++) {
		const struct bpf_insn insns[] = {
			{ .code = BPF_JMP | BPF_CALL, .imm = number },
			{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
			{ .code = BPF_JMP | BPF_EXIT },
		};
		int err = load_insns(BPF_PROG_TYPE_KPROBE, 0, 0, insns, 3);
		const char *verdict = "known", *call;

		/* Of a program that is accepted, only the longer log has the instructions. */
		if (!err) {
			log_level = 2;
			load_insns(BPF_PROG_TYPE_KPROBE, 0, 0, insns, 3);
			log_level = 1;
		}
		strcpy(name, "-");
		call = strstr(verifier_log, "call ");
		if (call)
			sscanf(call, "call %127[A-Za-z0-9_]#", name);
		if (err && strstr(verifier_log, "invalid func "))
			verdict = "absent";
		else if (err && (strstr(verifier_log, "unknown func ") ||
				 strstr(verifier_log, "cannot use helper ")))
			verdict = "refused";
		printf("@@ helper %d %s %s\n", number, verdict, name);
		if (strcmp(verdict, "known")) {
			snprintf(subject, sizeof(subject), "%d", number);
			print_log("helper", subject, verifier_log);
		}
	}
}

struct map_probe {
	unsigned int key, value, entries, flags;
};

static const struct map_probe map_probes[MAX_TYPE] = {
	[7] = { 4, 8, 1 },	/* STACK_TRACE */
	[11] = { 8, 4, 1, BPF_F_NO_PREALLOC },	/* LPM_TRIE */
	[19] = { 16, 4, 0 },	/* CGROUP_STORAGE */
	[21] = { 16, 4, 0 },
	[22] = { 0, 4, 1 },	/* QUEUE, STACK */
	[23] = { 0, 4, 1 },
	[24] = { 4, 4, 0, BPF_F_NO_PREALLOC },	/* SK_STORAGE and the like */
	[27] = { 0, 0, 4096 },	/* RINGBUF */
	[28] = { 4, 4, 0, BPF_F_NO_PREALLOC },
	[29] = { 4, 4, 0, BPF_F_NO_PREALLOC },
	[30] = { 0, 4, 1 },	/* BLOOM_FILTER */
	[31] = { 0, 0, 4096 },	/* USER_RINGBUF */
	[32] = { 4, 4, 0, BPF_F_NO_PREALLOC },
	[33] = { 0, 0, 1, BPF_F_MMAPABLE },	/* ARENA */
	[34] = { 4, 16, 1 },	/* INSN_ARRAY */
};

/* One type, "int": storage maps want to know what they hold. */
static int load_btf(void)
{
	static const struct {
		unsigned short magic;
		unsigned char version, flags;
		unsigned int hdr_len, type_off, type_len, str_off, str_len;
		unsigned int name, info, size, encoding;
		char strings[5];
	} __attribute__((packed)) btf = {
		0xeb9f, 1, 0, 24, 0, 16, 16, 5, 1, 1 << 24, 4, 1 << 24 | 32, "\0int",
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.btf = (unsigned long)&btf;
	attr.btf_size = sizeof(btf);
	return sys_bpf(BPF_BTF_LOAD, &attr);
}

static void probe_map_types(void)
{
	int btf = load_btf();
	unsigned int type;

	for (type = 1; type < MAX_TYPE; type++) {
		struct map_probe probe = map_probes[type];
		union bpf_attr attr;
		int fd, err, inner = -1;

		if (!probe.key && !probe.value)
			probe = (struct map_probe){ 4, 4, 1, probe.flags };
		if (type == 27 || type == 31 || type == 33)
			probe = map_probes[type];
		if (type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS) {
			memset(&attr, 0, sizeof(attr));
			attr.map_type = BPF_MAP_TYPE_HASH;
			attr.key_size = attr.value_size = attr.max_entries = 4;
			inner = sys_bpf(BPF_MAP_CREATE, &attr);
		}
		memset(&attr, 0, sizeof(attr));
		attr.map_type = type;
		attr.key_size = probe.key;
		attr.value_size = probe.value;
		attr.max_entries = probe.entries;
		attr.map_flags = probe.flags;
		if (inner >= 0)
			attr.inner_map_fd = inner;
		/* No such type: ENOTSUPP instead of EINVAL. */
		if (type == BPF_MAP_TYPE_STRUCT_OPS)
			attr.btf_vmlinux_value_type_id = 1;
		if (type == 24 || type == 28 || type == 29 || type == 32) {
			attr.btf_fd = btf;
			attr.btf_key_type_id = attr.btf_value_type_id = 1;
		}
		fd = sys_bpf(BPF_MAP_CREATE, &attr);
		err = fd < 0 ? errno : 0;
		/* A type that the kernel has not gives EINVAL; these attributes give it to no other. */
		printf("@@ map_type %u %s %d\n", type, err == EINVAL ? "no" : "yes", err);
		if (fd >= 0)
			close(fd);
		if (inner >= 0)
			close(inner);
	}
	if (btf >= 0)
		close(btf);
}

static void probe_prog_types(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	/* What a load must say beside the type. */
	static const unsigned int attach[MAX_TYPE] = {
		[18] = 10,	/* CGROUP_SOCK_ADDR: INET4_CONNECT */
		[25] = 21,	/* CGROUP_SOCKOPT: GETSOCKOPT */
		[30] = 36,	/* SK_LOOKUP */
		[32] = 45,	/* NETFILTER */
	};
	unsigned int type;

	for (type = 1; type < MAX_TYPE; type++) {
		unsigned int flags = type == 31 ? BPF_F_SLEEPABLE : 0;
		int err = load_insns(type, attach[type], flags, insns, 2);

		/* Only a type that exists comes as far as the verifier, which writes the log. */
		printf("@@ prog_type %u %s %d\n", type, !err || verifier_log[0] ? "yes" : "no", -err);
	}
}

static char libbpf_log[1 << 16];
static size_t libbpf_log_len;

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t room = sizeof(libbpf_log) - libbpf_log_len;
	int len;

	if (level == LIBBPF_DEBUG)
		return 0;
	len = vsnprintf(libbpf_log + libbpf_log_len, room, format, args);
	if (len > 0)
		libbpf_log_len += (size_t)len < room ? (size_t)len : room - 1;
	return len;
}

/* Each line of a loader's log; the host looks for the messages. */
static void print_lines(const char *name, char *text)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("@@ log object %s %.300s\n", name, line);
}

/* Sections that this libbpf is too old for. */
static void set_new_types(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (!strcmp(bpf_program__section_name(program), "netfilter")) {
			bpf_program__set_type(program, 32);
			bpf_program__set_expected_attach_type(program, 45);
		}
}

/* The programs of an object named attach_* are attached as well: some kernels fail only there. */
static int attach_all(struct bpf_object *object)
{
	struct bpf_program *program;
	struct bpf_link *link;

	bpf_object__for_each_program(program, object) {
		link = bpf_program__attach(program);
		if (!link)
			return -errno;
		bpf_link__destroy(link);
	}
	return 0;
}

static void load_object(const char *name)
{
	struct bpf_object *object;
	char path[300];
	int err;

	snprintf(path, sizeof(path), "/objects/%s", name);
	libbpf_log_len = 0;
	libbpf_log[0] = '\0';
	object = bpf_object__open_file(path, NULL);
	if (object)
		set_new_types(object);
	err = object ? bpf_object__load(object) : -errno;
	if (!err && !strncmp(name, "attach_", 7))
		err = attach_all(object);
	printf("@@ object %s %s %d\n", name, err ? "no" : "yes", -err);
	if (err)
		print_lines(name, libbpf_log);
	if (object)
		bpf_object__close(object);
}

static void load_objects(void)
{
	struct dirent **names;
	int i, count = scandir("/objects", &names, NULL, alphasort);

	libbpf_set_print(keep_log);
	for (i = 0; i < count; i++)
		if (names[i]->d_name[0] != '.')
			load_object(names[i]->d_name);
}

static void write_all(int fd, const unsigned char *data, size_t size)
{
	while (size) {
		ssize_t done = write(fd, data, size);

		if (done <= 0)
			return;
		data += done;
		size -= done;
	}
}

/* The kernel's own types go out through the second serial port, as they are but smaller. */
static void send_btf(void)
{
	int in = open("/sys/kernel/btf/vmlinux", O_RDONLY), out = open("/dev/ttyS1", O_WRONLY);
	static unsigned char data[32 << 20], packed[32 << 20];
	uLongf length = sizeof(packed);
	struct termios mode;
	size_t size = 0;
	ssize_t got;

	if (in < 0 || out < 0) {
		printf("@@ btf 0 0\n");
		return;
	}
	tcgetattr(out, &mode);
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	tcsetattr(out, TCSANOW, &mode);
	while ((got = read(in, data + size, sizeof(data) - size)) > 0)
		size += got;
	if (compress2(packed, &length, data, size, 6) != Z_OK)
		length = 0;
	write_all(out, packed, length);
	tcdrain(out);
	printf("@@ btf %zu %lu\n", size, (unsigned long)length);
}

int main(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct utsname name;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	uname(&name);
	printf("@@ uname %s\n", name.release);
	probe_helpers();
	probe_map_types();
	probe_prog_types();
	load_objects();
	send_btf();
	printf("@@ done\n");
	fflush(stdout);
	sync();
	/* With -no-reboot this ends the machine. */
	reboot(RB_AUTOBOOT);
	return 0;
}
