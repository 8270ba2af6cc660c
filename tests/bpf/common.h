/* What the test programs need; nothing of the kernel's headers, so that nothing else decides. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define LICENSE(text) char _license[] SEC("license") = text;
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))
#define __weak __attribute__((weak))
#define __noinline __attribute__((noinline))
#define __core __attribute__((preserve_access_index))
#define __tag(text) __attribute__((btf_decl_tag(text)))

/* Helpers by number, so that a test shows which one is called. */
#define CALL0(number) (((u64(*)(void))number)())
#define CALL1(number, a) (((u64(*)(u64))number)((u64)(a)))
#define CALL2(number, a, b) (((u64(*)(u64, u64))number)((u64)(a), (u64)(b)))
#define CALL3(number, a, b, c) (((u64(*)(u64, u64, u64))number)((u64)(a), (u64)(b), (u64)(c)))
#define CALL4(number, a, b, c, d) \
	(((u64(*)(u64, u64, u64, u64))number)((u64)(a), (u64)(b), (u64)(c), (u64)(d)))

/* CO-RE questions: do an enumerator, a field, a type exist? */
#define enum_exists(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 0)
#define field_exists(field) __builtin_preserve_field_info(field, 2)
#define type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, 0)
