// The filter of system calls that every container has.
#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define REFUSE(number, error)                                      \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),             \
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

// A call whose first argument is a set of CLONE_* flags, refused when CLONE_NEWUSER is among them.
#define REFUSE_NEW_USER(number)                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),                                         \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),                \
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER, 0, 1),                                 \
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),                                      \
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

// The calls by which a root without CAP_SYS_ADMIN could get it (in a namespace of its own, and with it a mount of the
// cgroups that limit it), or leave something in the kernel: refused as Docker's default profile does (moby,
// profiles/seccomp). clone3 hides its flags behind a pointer: ENOSYS makes the C libraries use clone.
int clinux_filter_calls(void) {
    static const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#if defined(__x86_64__)
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x40000000, 0, 1), // the x32 calls
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
#endif
        REFUSE(SYS_clone3, ENOSYS),
        REFUSE(SYS_setns, EPERM),
        REFUSE(SYS_kexec_load, EPERM), // CAP_SYS_BOOT is for reboot(2) alone
        REFUSE(SYS_kexec_file_load, EPERM),
        REFUSE(SYS_keyctl, EPERM),
        REFUSE(SYS_add_key, EPERM),
        REFUSE(SYS_request_key, EPERM),
        REFUSE(SYS_bpf, EPERM),
        REFUSE(SYS_userfaultfd, EPERM),
        REFUSE(SYS_perf_event_open, EPERM),
        REFUSE(SYS_io_uring_setup, EPERM),
        REFUSE_NEW_USER(SYS_unshare),
        REFUSE_NEW_USER(SYS_clone),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, (struct sock_filter *)filter};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
