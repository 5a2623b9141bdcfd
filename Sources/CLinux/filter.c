// The filter of system calls that every container has: Docker's default profile for the capabilities that a container has here.
#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

// What is allowed with any arguments (moby/profiles, seccomp/default.json, June 2026). A program finds here what it finds under
// Docker: EPERM for what is on no list, ENOSYS for what is newer than the list (runc, libcontainer/seccomp/patchbpf), so
// that a C library tries the older way.
static const uint16_t allowed[] = {
    SYS_newfstatat, SYS_accept, SYS_accept4, SYS_adjtimex, SYS_bind, SYS_brk, SYS_capget, SYS_capset, SYS_chdir, SYS_chroot,
    SYS_clock_adjtime, SYS_clock_getres, SYS_clock_gettime, SYS_clock_nanosleep, SYS_close, SYS_close_range,
    SYS_connect, SYS_copy_file_range, SYS_dup, SYS_dup3, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
    SYS_epoll_pwait2, SYS_eventfd2, SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group, SYS_faccessat,
    SYS_faccessat2, SYS_fadvise64, SYS_fallocate, SYS_fanotify_mark, SYS_fchdir, SYS_fchmod, SYS_fchmodat,
    SYS_fchown, SYS_fchownat, SYS_fcntl, SYS_fdatasync, SYS_fgetxattr, SYS_flistxattr, SYS_flock, SYS_fremovexattr,
    SYS_fsetxattr, SYS_fstat, SYS_fstatfs, SYS_fsync, SYS_ftruncate, SYS_futex, SYS_futex_waitv,
    SYS_get_robust_list, SYS_getcpu, SYS_getcwd, SYS_getdents64, SYS_getegid, SYS_geteuid, SYS_getgid,
    SYS_getgroups, SYS_getitimer, SYS_getpeername, SYS_getpgid, SYS_getpid, SYS_getppid, SYS_getpriority,
    SYS_getrandom, SYS_getresgid, SYS_getresuid, SYS_getrlimit, SYS_getrusage, SYS_getsid, SYS_getsockname,
    SYS_getsockopt, SYS_gettid, SYS_gettimeofday, SYS_getuid, SYS_getxattr, SYS_inotify_add_watch,
    SYS_inotify_init1, SYS_inotify_rm_watch, SYS_io_cancel, SYS_io_destroy, SYS_io_getevents, SYS_io_pgetevents,
    SYS_io_setup, SYS_io_submit, SYS_ioctl, SYS_ioprio_get, SYS_ioprio_set, SYS_kill, SYS_landlock_add_rule,
    SYS_landlock_create_ruleset, SYS_landlock_restrict_self, SYS_lgetxattr, SYS_linkat, SYS_listen, SYS_listxattr,
    SYS_llistxattr, SYS_lremovexattr, SYS_lseek, SYS_lsetxattr, SYS_madvise, SYS_membarrier, SYS_memfd_create,
    SYS_memfd_secret, SYS_mincore, SYS_mkdirat, SYS_mknodat, SYS_mlock, SYS_mlock2, SYS_mlockall, SYS_mmap,
    SYS_mprotect, SYS_mq_getsetattr, SYS_mq_notify, SYS_mq_open, SYS_mq_timedreceive, SYS_mq_timedsend,
    SYS_mq_unlink, SYS_mremap, SYS_msgctl, SYS_msgget, SYS_msgrcv, SYS_msgsnd, SYS_msync, SYS_munlock,
    SYS_munlockall, SYS_munmap, SYS_name_to_handle_at, SYS_nanosleep, SYS_openat, SYS_openat2, SYS_pidfd_open,
    SYS_pidfd_send_signal, SYS_pipe2, SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect, SYS_ppoll, SYS_prctl,
    SYS_pread64, SYS_preadv, SYS_preadv2, SYS_prlimit64, SYS_process_mrelease, SYS_process_vm_readv,
    SYS_process_vm_writev, SYS_pselect6, SYS_ptrace, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_read,
    SYS_readahead, SYS_readlinkat, SYS_readv, SYS_recvfrom, SYS_recvmmsg, SYS_recvmsg, SYS_remap_file_pages,
    SYS_removexattr, SYS_renameat, SYS_renameat2, SYS_restart_syscall, SYS_rseq, SYS_rt_sigaction,
    SYS_rt_sigpending, SYS_rt_sigprocmask, SYS_rt_sigqueueinfo, SYS_rt_sigreturn, SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait, SYS_rt_tgsigqueueinfo, SYS_sched_get_priority_max, SYS_sched_get_priority_min,
    SYS_sched_getaffinity, SYS_sched_getattr, SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_rr_get_interval,
    SYS_sched_setaffinity, SYS_sched_setattr, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_yield,
    SYS_seccomp, SYS_semctl, SYS_semget, SYS_semop, SYS_semtimedop, SYS_sendfile, SYS_sendmmsg, SYS_sendmsg,
    SYS_sendto, SYS_set_robust_list, SYS_set_tid_address, SYS_setfsgid, SYS_setfsuid, SYS_setgid, SYS_setgroups,
    SYS_setitimer, SYS_setpgid, SYS_setpriority, SYS_setregid, SYS_setresgid, SYS_setresuid, SYS_setreuid,
    SYS_setrlimit, SYS_setsid, SYS_setsockopt, SYS_setuid, SYS_setxattr, SYS_shmat, SYS_shmctl, SYS_shmdt,
    SYS_shmget, SYS_shutdown, SYS_sigaltstack, SYS_signalfd4, SYS_socketpair, SYS_splice, SYS_statfs, SYS_statx,
    SYS_symlinkat, SYS_sync, SYS_sync_file_range, SYS_syncfs, SYS_sysinfo, SYS_tee, SYS_tgkill, SYS_timer_create,
    SYS_timer_delete, SYS_timer_getoverrun, SYS_timer_gettime, SYS_timer_settime, SYS_timerfd_create,
    SYS_timerfd_gettime, SYS_timerfd_settime, SYS_times, SYS_tkill, SYS_truncate, SYS_umask, SYS_uname,
    SYS_unlinkat, SYS_utimensat, SYS_vmsplice, SYS_wait4, SYS_waitid, SYS_write, SYS_writev,
#if defined(__x86_64__)
    SYS_access, SYS_alarm, SYS_arch_prctl, SYS_chmod, SYS_chown, SYS_creat, SYS_dup2, SYS_epoll_create,
    SYS_epoll_ctl_old, SYS_epoll_wait, SYS_epoll_wait_old, SYS_eventfd, SYS_fork, SYS_futimesat,
    SYS_get_thread_area, SYS_getdents, SYS_getpgrp, SYS_inotify_init, SYS_lchown, SYS_link, SYS_lstat, SYS_mkdir,
    SYS_mknod, SYS_modify_ldt, SYS_open, SYS_pause, SYS_pipe, SYS_poll, SYS_readlink, SYS_rename,
    SYS_rmdir, SYS_select, SYS_set_thread_area, SYS_signalfd, SYS_stat, SYS_symlink, SYS_time, SYS_unlink,
    SYS_utime, SYS_utimes, SYS_vfork,
    335, // uretprobe
#endif
    // Newer than the headers of some distributions; their numbers are the same everywhere.
    451, // cachestat
    452, // fchmodat2
    453, // map_shadow_stack
    454, // futex_wake
    455, // futex_wait
    456, // futex_requeue
    457, // statmount
    458, // listmount
    462, // mseal
    463, // setxattrat
    464, // getxattrat
    465, // listxattrat
    466, // removexattrat
};

enum { newest_number = 466 };

// What depends on a capability: reboot(2) and vhangup(2) fail without it anyway, but with another error.
enum { may_reboot = 1, may_hang_up = 2, variant_count = 4 };

enum { range_limit = 512, program_limit = 4096 };

typedef struct {
    uint32_t first, last;
} number_range;

typedef struct {
    struct sock_filter code[program_limit];
    unsigned short length;
} filter_program;

static filter_program programs[variant_count];

static void emit(filter_program *program, struct sock_filter instruction) {
    if (program->length == program_limit) abort();
    program->code[program->length++] = instruction;
}

static void emit_return(filter_program *program, uint32_t action) {
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

// A binary search over ranges: about 15 instructions for any call, and the kernel runs them once for each number
// (seccomp_cache_prepare in kernel/seccomp.c).
static void emit_search(filter_program *program, const number_range *ranges, size_t count) {
    if (count == 1) {
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, ranges->last, 2, 0));
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges->first, 0, 1));
        emit_return(program, SECCOMP_RET_ALLOW);
        emit_return(program, SECCOMP_RET_ERRNO | EPERM);
        return;
    }
    size_t middle = count / 2;
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges[middle].first, 0, 1));
    unsigned short upper = program->length;
    emit(program, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
    emit_search(program, ranges, middle);
    program->code[upper].k = (uint32_t)(program->length - upper - 1);
    emit_search(program, ranges + middle, count - middle);
}

// A rule for one number: if it is this one, the instructions that follow decide.
static void emit_rule(filter_program *program, uint32_t number, const struct sock_filter *rule, unsigned char length) {
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, length));
    for (unsigned char index = 0; index < length; index++) emit(program, rule[index]);
}

#define LENGTH(array) (sizeof array / sizeof *array)
// The kernel takes these arguments as 32 bits: so does the filter. Compared in full, a value with something above would pass.
#define LOAD_FIRST_ARGUMENT BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

static void emit_rules_with_arguments(filter_program *program) {
    // A filter cannot see flags to which the argument only points: ENOSYS makes the C libraries use clone.
    static const struct sock_filter clone3[] = {REFUSE(ENOSYS)};
    // No new namespace but of time, as CLONE_NEWTIME is not among the flags of clone.
    static const struct sock_filter clone[] = {
        LOAD_FIRST_ARGUMENT,
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7E020000, 0, 1),
        REFUSE(EPERM),
        ALLOW,
    };
    // AF_VSOCK, which no network namespace fences in, and AF_ALG.
    static const struct sock_filter socket[] = {
        LOAD_FIRST_ARGUMENT,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 40, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 38, 0, 1),
        REFUSE(EPERM),
        ALLOW,
    };
    // PER_LINUX, PER_LINUX32, each also with UNAME26, and the question which it is.
    static const struct sock_filter personality[] = {
        LOAD_FIRST_ARGUMENT,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0008, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x20000, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x20008, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xFFFFFFFF, 0, 1),
        ALLOW,
        REFUSE(EPERM),
    };
    emit_rule(program, SYS_clone3, clone3, LENGTH(clone3));
    emit_rule(program, SYS_clone, clone, LENGTH(clone));
    emit_rule(program, SYS_socket, socket, LENGTH(socket));
    emit_rule(program, SYS_personality, personality, LENGTH(personality));
}

static int compare_numbers(const void *one, const void *other) {
    return (int)*(const uint16_t *)one - (int)*(const uint16_t *)other;
}

static size_t find_ranges(int variant, number_range *ranges) {
    uint16_t numbers[LENGTH(allowed) + 2];
    size_t count = 0, range_count = 0;
    for (; count < LENGTH(allowed); count++) numbers[count] = allowed[count];
    if (variant & may_reboot) numbers[count++] = SYS_reboot;
    if (variant & may_hang_up) numbers[count++] = SYS_vhangup;
    qsort(numbers, count, sizeof *numbers, compare_numbers);
    for (size_t index = 0; index < count; index++) {
        if (range_count > 0 && numbers[index] <= ranges[range_count - 1].last + 1)
            ranges[range_count - 1].last = numbers[index];
        else ranges[range_count++] = (number_range){numbers[index], numbers[index]};
    }
    return range_count;
}

static void make_programs(void) {
    number_range ranges[range_limit];
    for (int variant = 0; variant < variant_count; variant++) {
        filter_program *program = &programs[variant];
        emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
        // Docker lets 32-bit programs run, and the x32 calls; here they are refused.
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0));
        emit_return(program, SECCOMP_RET_ERRNO | EPERM);
        emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
#if defined(__x86_64__)
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x40000000, 0, 1));
        emit_return(program, SECCOMP_RET_ERRNO | EPERM);
#endif
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, newest_number, 0, 1));
        emit_return(program, SECCOMP_RET_ERRNO | ENOSYS);
        emit_rules_with_arguments(program);
        emit_search(program, ranges, find_ranges(variant, ranges));
    }
}

void clinux_prepare_filters(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_programs);
}

int clinux_filter_calls(uint64_t capabilities) {
    int variant = (capabilities >> CAP_SYS_BOOT & 1 ? may_reboot : 0)
        | (capabilities >> CAP_SYS_TTY_CONFIG & 1 ? may_hang_up : 0);
    struct sock_fprog program = {programs[variant].length, programs[variant].code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
