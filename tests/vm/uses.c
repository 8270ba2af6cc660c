// SPDX-License-Identifier: BSD-2-Clause
/*
 * The first process of a test machine: loads a call of each helper and each kfunc from each kind
 * of program, and sends what the verifier says of it. vm_uses.py writes the plan and reads the
 * answers; nothing is judged here.
 *
 * The plan, /plan:
 *
 *   helpers FIRST LAST
 *   module NAME                            (/modules/NAME.ko, to be loaded)
 *   kfunc NAME BTF_ID MODULE               (MODULE vmlinux: the kernel's own)
 *   context NAME TYPE ATTACH FLAGS BTF_ID  (one after another with one NAME: the first that works)
 *
 * The answers, a zlib stream on the second serial port:
 *
 *   context NAME BTF_ID ERRNO TEXT         (ERRNO 0: programs of this kind reach the verifier)
 *   helper NUMBER SEEN TEXT                (SEEN 0: refused before the verifier came to the call)
 *   kfunc NAME SEEN TEXT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>
#include <zlib.h>

/* More than there are functions in any kernel. */
#define MAX_KFUNCS (1 << 17)
/* BPF_F_XDP_DEV_BOUND_ONLY, which headers before 6.3 have not. */
#define XDP_DEV_BOUND_ONLY (1U << 6)
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct context {
	char name[160];
	unsigned int type, attach, flags, btf_id;
};

struct kfunc {
	char name[128];
	int btf_id, module_btf;
};

static char verifier_log[1 << 16];
static struct kfunc kfuncs[MAX_KFUNCS];
static unsigned int kfunc_count, first_helper = 1, last_helper, device;
static char *answers;
static size_t answers_len, answers_room;

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static void answer(const char *format, ...)
{
	va_list args;

	if (answers_room - answers_len < 4096) {
		answers_room += 16 << 20;
		answers = realloc(answers, answers_room);
		if (!answers) {
			printf("@@ no memory for the answers\n");
			exit(1);
		}
	}
	va_start(args, format);
	answers_len += vsnprintf(answers + answers_len, 4096, format, args);
	va_end(args);
}

/*
 * The reason: what follows the call in the log, but for instructions and registers, whose lines
 * begin with a number. After it come statistics and, from Linux 7.3 on, a report with advice. Of
 * what is refused before the verifier comes to the call, it is the last line.
 */
static const char *reason(int *seen)
{
	char *call = strstr(verifier_log, "(85) call "), *line, *next, *found = "";

	*seen = call != NULL;
	for (line = call ? call + strcspn(call, "\n") : verifier_log; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!*line || (*line >= '0' && *line <= '9') || !strncmp(line, "processed ", 10) ||
		    !strncmp(line, "verification time", 17) || !strncmp(line, "stack depth", 11))
			continue;
		found = line;
		if (call)
			break;
	}
	return found;
}

/*
 * int main(int) and int sub(int), for programs that replace functions of others; values of maps with
 * a timer and with a lock, since what may use those is refused by the map and not by the call.
 */
enum { BTF_INT = 1, BTF_MAIN = 3, BTF_SUB, BTF_TIMER, BTF_TIMER_VALUE, BTF_LOCK, BTF_LOCK_VALUE };

static int load_btf(void)
{
	static const struct {
		struct btf_header header;
		unsigned int types[4 + 5 + 3 + 3 + 3 + 6 + 3 + 6];
		char strings[44];
	} __attribute__((packed)) btf = {
		{ BTF_MAGIC, BTF_VERSION, 0, sizeof(struct btf_header), 0, 132, 132, 44 },
		{
			1, BTF_KIND_INT << 24, 4, 1 << 24 | 32,
			0, BTF_KIND_FUNC_PROTO << 24 | 1, BTF_INT, 1, BTF_INT,
			5, BTF_KIND_FUNC << 24 | 1, 2,
			10, BTF_KIND_FUNC << 24 | 1, 2,
			14, BTF_KIND_STRUCT << 24, 16,
			38, BTF_KIND_STRUCT << 24 | 1, 16, 1, BTF_TIMER, 0,
			24, BTF_KIND_STRUCT << 24, 4,
			40, BTF_KIND_STRUCT << 24 | 1, 4, 1, BTF_LOCK, 0,
		},
		"\0int\0main\0sub\0bpf_timer\0bpf_spin_lock\0t\0l",
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.btf = (unsigned long)&btf;
	attr.btf_size = sizeof(btf);
	return sys_bpf(BPF_BTF_LOAD, &attr);
}

static int make_map(unsigned int value, unsigned int size)
{
	union bpf_attr attr;
	int btf = load_btf(), map;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = size;
	attr.max_entries = 1;
	attr.btf_fd = btf;
	attr.btf_key_type_id = BTF_INT;
	attr.btf_value_type_id = value;
	map = sys_bpf(BPF_MAP_CREATE, &attr);
	close(btf);
	return map;
}

/* The map that a helper needs something of, or one below 0. */
static int map_for(int helper)
{
	static int timer = -2, lock = -2;

	if (timer == -2) {
		timer = make_map(BTF_TIMER_VALUE, 16);
		lock = make_map(BTF_LOCK_VALUE, 4);
	}
	switch (helper) {
	case BPF_FUNC_timer_init:
	case BPF_FUNC_timer_set_callback:
	case BPF_FUNC_timer_start:
	case BPF_FUNC_timer_cancel:
		return timer;
	case BPF_FUNC_spin_lock:
	case BPF_FUNC_spin_unlock:
		return lock;
	default:
		return -1;
	}
}

static const struct bpf_func_info target_info[] = { { 0, BTF_MAIN }, { 3, BTF_SUB } };
static const struct bpf_func_info own_info[] = { { 0, BTF_SUB } };

static void set_btf(union bpf_attr *attr, int btf, const struct bpf_func_info *info, int count)
{
	attr->prog_btf_fd = btf;
	attr->func_info = (unsigned long)info;
	attr->func_info_cnt = count;
	attr->func_info_rec_size = sizeof(*info);
}

static int load(const struct context *context, const struct bpf_insn *insns, unsigned int count,
		int btf, int target, int module_btf)
{
	/* Of a module's function, the call's offset is the place of the module's BTF in here. */
	const int btfs[] = { 0, module_btf };
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = context->type;
	attr.expected_attach_type = context->attach;
	attr.prog_flags = context->flags;
	attr.attach_btf_id = context->btf_id;
	if (context->flags & XDP_DEV_BOUND_ONLY)
		attr.prog_ifindex = device;
	if (module_btf)
		attr.fd_array = (unsigned long)btfs;
	attr.insns = (unsigned long)insns;
	attr.insn_cnt = count;
	attr.license = (unsigned long)"GPL";
	attr.log_buf = (unsigned long)verifier_log;
	attr.log_size = sizeof(verifier_log);
	attr.log_level = 1;
	if (target >= 0) {
		set_btf(&attr, btf, own_info, LENGTH(own_info));
		attr.attach_prog_fd = target;
	} else if (btf >= 0) {
		set_btf(&attr, btf, target_info, LENGTH(target_info));
	}
	verifier_log[0] = '\0';
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	return fd < 0 ? -errno : fd;
}

/* A program with a function to replace; ATTACH of the replacing one is the type of this. */
static int load_target(unsigned int type, int btf)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 1 },
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct context context = { "", type, 0, 0, 0 };

	return load(&context, insns, LENGTH(insns), btf, -1, 0);
}

/*
 * A call, and then a read of a register that was never written: the verifier always ends with a
 * refusal, of the call or of what comes after it, and nothing is ever loaded.
 */
static int load_call(struct context context, unsigned char source, int function, int module_btf)
{
	int map = source ? -1 : map_for(function), btf = -1, target = -1, fd;
	const struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 0, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ .code = 0 },
		{ .code = BPF_JMP | BPF_CALL, .src_reg = source, .off = !!module_btf, .imm = function },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .src_reg = 6 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	/* Without the call, whether programs of this kind come so far at all. */
	unsigned int first = map >= 0 ? 0 : function ? 2 : 3;

	if (context.type == BPF_PROG_TYPE_EXT) {
		btf = load_btf();
		target = load_target(context.attach, btf);
		if (target < 0) {
			close(btf);
			return target;
		}
		context.attach = 0;
		context.btf_id = BTF_SUB;
	}
	fd = load(&context, insns + first, LENGTH(insns) - first, btf, target, module_btf);
	if (target >= 0)
		close(target);
	if (btf >= 0)
		close(btf);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int reaches_verifier(const struct context *context)
{
	int err = load_call(*context, 0, 0, 0);

	return strstr(verifier_log, "R6 !read_ok") ? 0 : err ? err : -1;
}

static void ask(const struct context *context)
{
	const char *text;
	unsigned int i;
	int seen;

	for (i = first_helper; i <= last_helper; i++) {
		load_call(*context, 0, i, 0);
		text = reason(&seen);
		answer("helper %u %d %.300s\n", i, seen, text);
	}
	for (i = 0; i < kfunc_count; i++) {
		load_call(*context, BPF_PSEUDO_KFUNC_CALL, kfuncs[i].btf_id, kfuncs[i].module_btf);
		text = reason(&seen);
		answer("kfunc %s %d %.300s\n", kfuncs[i].name, seen, text);
	}
}

static int load_module(const char *name)
{
	static char data[16 << 20];
	char path[160];
	ssize_t got, size = 0;
	int fd;

	snprintf(path, sizeof(path), "/modules/%s.ko", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	while ((got = read(fd, data + size, sizeof(data) - size)) > 0)
		size += got;
	close(fd);
	return syscall(SYS_init_module, data, size, "") ? -errno : 0;
}

/* Returns a file descriptor, or one below 0. */
static int find_btf(const char *module)
{
	struct bpf_btf_info info;
	union bpf_attr attr;
	char name[64];
	__u32 id = 0;
	int fd;

	for (;;) {
		memset(&attr, 0, sizeof(attr));
		attr.start_id = id;
		if (sys_bpf(BPF_BTF_GET_NEXT_ID, &attr))
			return -1;
		id = attr.next_id;
		memset(&attr, 0, sizeof(attr));
		attr.btf_id = id;
		fd = sys_bpf(BPF_BTF_GET_FD_BY_ID, &attr);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		info.name = (unsigned long)name;
		info.name_len = sizeof(name);
		memset(&attr, 0, sizeof(attr));
		attr.info.bpf_fd = fd;
		attr.info.info_len = sizeof(info);
		attr.info.info = (unsigned long)&info;
		name[0] = '\0';
		if (!sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) && !strcmp(name, module))
			return fd;
		close(fd);
	}
}

static void add_kfunc(const char *name, int btf_id, const char *module)
{
	struct kfunc *kfunc = &kfuncs[kfunc_count];
	static char last[64] = "vmlinux";
	static int module_btf;

	if (strcmp(module, last)) {
		snprintf(last, sizeof(last), "%s", module);
		module_btf = strcmp(module, "vmlinux") ? find_btf(module) : 0;
	}
	if (module_btf < 0)
		return;
	snprintf(kfunc->name, sizeof(kfunc->name), "%s", name);
	kfunc->btf_id = btf_id;
	kfunc->module_btf = module_btf;
	kfunc_count++;
}

/* A pair of virtual devices, of a kind that programs can be bound to. */
static void make_device(void)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr link;
		struct rtattr kind;
		char name[8];
	} request = {
		{ sizeof(request), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, 1, 0 },
		{ 0 },
		{ sizeof(struct rtattr) * 2 + 8, IFLA_LINKINFO },
		{ sizeof(struct rtattr) + 8, IFLA_INFO_KIND },
		"veth",
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd >= 0 && send(fd, &request, sizeof(request), 0) > 0)
		device = if_nametoindex("veth0");
}

static void follow(FILE *plan)
{
	struct context context;
	static char line[512];
	char done[160] = "", name[128], module[64];
	int err, id, seen;

	while (fgets(line, sizeof(line), plan)) {
		if (sscanf(line, "helpers %u %u", &first_helper, &last_helper) == 2)
			continue;
		if (sscanf(line, "module %63s", module) == 1) {
			printf("@@ module %s %d\n", module, -load_module(module));
			continue;
		}
		if (sscanf(line, "kfunc %127s %d %63s", name, &id, module) == 3) {
			if (kfunc_count < MAX_KFUNCS)
				add_kfunc(name, id, module);
			continue;
		}
		if (!device)
			make_device();
		if (sscanf(line, "context %159s %u %u %u %u", context.name, &context.type,
			   &context.attach, &context.flags, &context.btf_id) != 5) {
			printf("@@ bad line %s", line);
			continue;
		}
		if (!strcmp(context.name, done))
			continue;
		err = reaches_verifier(&context);
		answer("context %s %u %d %.300s\n", context.name, context.btf_id, -err,
		       reason(&seen));
		if (err)
			continue;
		strcpy(done, context.name);
		ask(&context);
	}
}

/* Through the second serial port, as it is but smaller. */
static void send_answers(void)
{
	uLongf length = compressBound(answers_len), at = 0;
	unsigned char *packed = malloc(length);
	int out = open("/dev/ttyS1", O_WRONLY);
	struct termios mode;
	ssize_t done;

	if (out < 0 || !packed || compress2(packed, &length, (void *)answers, answers_len, 6) != Z_OK)
		return;
	tcgetattr(out, &mode);
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	tcsetattr(out, TCSANOW, &mode);
	while (at < length && (done = write(out, packed + at, length - at)) > 0)
		at += done;
	tcdrain(out);
}

int main(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct utsname name;
	FILE *plan;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	uname(&name);
	printf("@@ uname %s\n", name.release);
	plan = fopen("/plan", "r");
	if (plan) {
		follow(plan);
		fclose(plan);
	}
	send_answers();
	printf("@@ done\n");
	fflush(stdout);
	sync();
	/* With -no-reboot this ends the machine. */
	reboot(RB_AUTOBOOT);
	return 0;
}
