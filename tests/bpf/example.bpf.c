/* An example of README.md: tells of programs that start, by a ring buffer where there is one. */
#include "common.h"

LICENSE("GPL")

enum bpf_func_id { BPF_FUNC_ringbuf_output = 130 };

struct task_struct {
	struct task_struct *real_parent;
	int tgid;
} __core;

struct event {
	u32 pid, ppid;
	char comm[16];
};

struct {
	__uint(type, 4); /* BPF_MAP_TYPE_PERF_EVENT_ARRAY */
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, 1); /* BPF_MAP_TYPE_HASH */
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} starts SEC(".maps");

SEC("tp/sched/sched_process_exec")
int on_exec(void *ctx)
{
	struct event event = {};
	struct task_struct *task = (void *)CALL0(35), *parent = 0; /* bpf_get_current_task */
	u64 now = CALL0(125);					    /* bpf_ktime_get_boot_ns */

	event.pid = CALL0(14) >> 32;				    /* bpf_get_current_pid_tgid */
	CALL3(113, &parent, sizeof(parent), &task->real_parent);    /* bpf_probe_read_kernel */
	CALL3(113, &event.ppid, sizeof(event.ppid), &parent->tgid);
	CALL2(16, event.comm, sizeof(event.comm));		    /* bpf_get_current_comm */
	CALL4(2, &starts, &event.pid, &now, 0);			    /* bpf_map_update_elem */
	if (enum_exists(enum bpf_func_id, BPF_FUNC_ringbuf_output))
		CALL4(130, &events, &event, sizeof(event), 0);	    /* bpf_ringbuf_output */
	else
		((u64(*)(void *, void *, u64, void *, u64))25)(	    /* bpf_perf_event_output */
			ctx, &events, 0xffffffff, &event, sizeof(event));
	return 0;
}
