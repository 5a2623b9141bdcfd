// What runs between clone and exec. The child borrows its parent's memory (CLONE_VM), so nothing here allocates,
// takes a lock, or writes to anything but the result and its own stack.
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const uint64_t clinux_clone_newns = CLONE_NEWNS, clinux_clone_newpid = CLONE_NEWPID, clinux_clone_newuts = CLONE_NEWUTS,
               clinux_clone_newipc = CLONE_NEWIPC, clinux_clone_newnet = CLONE_NEWNET,
               clinux_clone_newcgroup = CLONE_NEWCGROUP;

enum { signal_count = 64, kernel_sigset_size = 8, child_stack_size = 64 * 1024 };

// Every signal to its default action. The raw call, because glibc refuses its own two (32 and 33), which posix_spawn
// leaves ignored and the program under test would then inherit.
static void reset_dispositions(void) {
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {SIG_DFL, 0, NULL, 0};
    for (int number = 1; number <= signal_count; number++)
        syscall(SYS_rt_sigaction, number, &action, NULL, kernel_sigset_size);
}

static int ignore_signals(uint64_t set) {
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {SIG_IGN, 0, NULL, 0};
    for (int number = 1; number <= signal_count; number++)
        if (set >> (number - 1) & 1 && syscall(SYS_rt_sigaction, number, &action, NULL, kernel_sigset_size) < 0) return -1;
    return 0;
}

static void set_mask(uint64_t mask, uint64_t *_Nullable previous) {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, previous, kernel_sigset_size);
}

static int loopback_up(void) {
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0) return -1;
    struct ifreq request = {.ifr_name = "lo"};
    request.ifr_flags = IFF_UP;
    int result = ioctl(control, SIOCSIFFLAGS, &request), saved = errno;
    close(control);
    errno = saved;
    return result;
}

static int keep_capabilities(uint64_t kept) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        if (!(kept >> capability & 1) && prctl(PR_CAPBSET_DROP, capability) < 0) return -1;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct current[2];
    if (syscall(SYS_capget, &header, current) < 0) return -1;
    uint64_t permitted = (current[0].permitted | (uint64_t)current[1].permitted << 32) & kept;
    for (int half = 0; half < 2; half++) {
        uint32_t bits = (uint32_t)(permitted >> (32 * half));
        current[half] = (struct __user_cap_data_struct){.effective = bits, .permitted = bits, .inheritable = 0};
    }
    return (int)syscall(SYS_capset, &header, current);
}

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
static int filter_calls(void) {
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

// PR_SET_PDEATHSIG says nothing when the parent died before it was set, and getppid() is 0 in a new PID namespace:
// the parent's pidfd tells.
static int arm_parent_death_signal(int signal, int parent) {
    if (prctl(PR_SET_PDEATHSIG, signal) < 0) return -1;
    struct pollfd watched = {.fd = parent, .events = POLLIN};
    if (poll(&watched, 1, 0) > 0) {
        errno = ESRCH;
        return -1;
    }
    return 0;
}

static int make_file(const char *path, mode_t mode) {
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    return file < 0 ? -1 : close(file);
}

static int write_file(const clinux_step *step) {
    // Nothing but a regular file: what else stands there may block, or be a switch.
    int file = open(step->target, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (file < 0) return -1;
    struct stat status;
    if (fstat(file, &status) < 0 || !S_ISREG(status.st_mode) || clinux_is_of_kernel(file) || ftruncate(file, 0) < 0) {
        close(file);
        errno = EINVAL;
        return -1;
    }
    // The owner first: chown(2) takes the special bits away.
    bool done = fchown(file, (uid_t)(step->other >> 32), (gid_t)step->other) == 0 && fchmod(file, (mode_t)step->number) == 0;
    for (const char *rest = step->data; done && *rest;) {
        ssize_t count = write(file, rest, strlen(rest));
        done = count >= 0;
        if (done) rest += count;
    }
    int saved = errno;
    close(file);
    errno = saved;
    return done ? 0 : -1;
}

// The root and the mount namespace as they are now: the parent looks at files through them, also when this process has
// ended or has another root.
static int send_root(int socket) {
    int sent[2] = {open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)};
    char byte = 0;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof sent)];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof sent), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    memcpy(CMSG_DATA(&control.header), sent, sizeof sent);
    int result = sent[0] < 0 || sent[1] < 0 ? -1 : (int)sendmsg(socket, &message, MSG_NOSIGNAL), saved = errno;
    if (sent[0] >= 0) close(sent[0]);
    if (sent[1] >= 0) close(sent[1]);
    errno = saved;
    return result;
}

static int perform(const clinux_step *step) {
    switch (step->kind) {
    case clinux_step_mount: return mount(step->source, step->target, step->type, step->number, step->data);
    case clinux_step_unmount: return umount2(step->target, (int)step->number);
    case clinux_step_make_directory: return mkdir(step->target, (mode_t)step->number) < 0 && errno != EEXIST ? -1 : 0;
    case clinux_step_make_file: return make_file(step->target, (mode_t)step->number);
    case clinux_step_make_link: return symlink(step->source, step->target);
    case clinux_step_unlink: return unlink(step->target);
    case clinux_step_change_directory: return chdir(step->target);
    case clinux_step_pivot_root:
        // Both arguments the same: the old root is stacked on the new one (pivot_root(2), NOTES), so that no
        // directory for it is needed inside.
        return chdir(step->target) < 0 ? -1 : (int)syscall(SYS_pivot_root, ".", ".");
    case clinux_step_new_session: return (int)setsid();
    case clinux_step_file_mask: return umask((mode_t)step->number), 0;
    case clinux_step_unshare: return unshare((int)step->number);
    case clinux_step_set_hostname: return sethostname(step->source, strlen(step->source));
    case clinux_step_loopback_up: return loopback_up();
    case clinux_step_write: return write(step->descriptor, step->data, strlen(step->data)) < 0 ? -1 : 0;
    case clinux_step_limit: {
        struct rlimit limit = {step->number, step->number};
        return setrlimit(step->descriptor, &limit);
    }
    case clinux_step_keep_capabilities: return keep_capabilities(step->number);
    case clinux_step_set_ids:
        // The raw calls: glibc's would tell its threads to follow, and they are the parent's.
        if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setgid, (gid_t)step->other) < 0) return -1;
        return (int)syscall(SYS_setuid, (uid_t)step->number);
    case clinux_step_filter_calls: return filter_calls();
    case clinux_step_parent_death_signal: return arm_parent_death_signal((int)step->number, step->descriptor);
    case clinux_step_descriptor: return dup2(step->descriptor, (int)step->number);
    case clinux_step_write_file: return write_file(step);
    case clinux_step_send_root: return send_root(step->descriptor);
    case clinux_step_priority: return setpriority(PRIO_PROCESS, 0, (int)(int64_t)step->number);
    case clinux_step_join_namespaces: return setns(step->descriptor, (int)step->number);
    case clinux_step_ignore_signals: return ignore_signals(step->number);
    case clinux_step_block_signals: return 0; // taken last, by child_main
    case clinux_step_controlling_terminal: return ioctl(step->descriptor, TIOCSCTTY, 0);
    }
    errno = ENOSYS;
    return -1;
}

// execvp(3) without its allocations: EACCES from one directory is remembered while the others are tried.
static void execute(const clinux_spawn_request *request) {
    char *const *arguments = (char *const *)request->arguments;
    char *const *environment = (char *const *)request->environment;
    const char *name = arguments[0];
    if (strchr(name, '/')) {
        execve(name, arguments, environment);
        return;
    }
    char path[PATH_MAX];
    bool denied = false;
    size_t name_length = strlen(name);
    for (const char *directory = request->search_path; *directory;) {
        size_t length = strcspn(directory, ":");
        if (length > 0 && length + 1 + name_length < sizeof path) {
            memcpy(path, directory, length);
            path[length] = '/';
            memcpy(path + length + 1, name, name_length + 1);
            execve(path, arguments, environment);
            if (errno == EACCES) denied = true;
            else if (errno != ENOENT && errno != ENOTDIR) return;
        }
        directory += length + (directory[length] == ':');
    }
    errno = denied ? EACCES : ENOENT;
}

typedef struct {
    const clinux_spawn_request *request;
    clinux_spawn_result *result;
} child_context;

static int child_main(void *argument) {
    child_context *context = argument;
    const clinux_spawn_request *request = context->request;
    size_t index = 0;
    uint64_t mask = 0;
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    reset_dispositions();
    for (; index < request->step_count; index++) {
        const clinux_step *step = &request->steps[index];
        if (step->kind == clinux_step_block_signals) mask |= step->number;
        if (perform(step) < 0 && !(step->may_be_missing && errno == ENOENT)) goto failed;
    }
    set_mask(mask, NULL);
    execute(request);
failed:
    context->result->failed_errno = errno;
    context->result->failed_step = (int32_t)index;
    _exit(127);
}

// clone3 has no wrapper in glibc, and with CLONE_VM the child must not return on the parent's stack: the switch to
// the child's function is made by hand.
static long clone3_call(struct clone_args *arguments, int (*function)(void *), void *argument) {
    long result;
#if defined(__x86_64__)
    register int (*f)(void *) __asm__("r12") = function;
    register void *a __asm__("r13") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n\t"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(arguments), "S"(sizeof *arguments), "r"(f), "r"(a)
                     : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)arguments;
    register long x1 __asm__("x1") = sizeof *arguments;
    register int (*f)(void *) __asm__("x19") = function;
    register void *a __asm__("x20") = argument;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x20\n\t"
                     "blr x19\n\t"
                     "brk #1\n\t"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(f), "r"(a)
                     : "memory", "cc", "x30");
    result = x0;
#else
#error "clone3_call is written for x86_64 and aarch64"
#endif
    return result;
}

// The PID namespace for children is the thread's own choice (setns(2)); afterwards it is the process's again.
static long clone_into(int pid_namespace_of, struct clone_args *arguments, child_context *context) {
    int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (own < 0) return -errno;
    long result = setns(pid_namespace_of, CLONE_NEWPID) < 0 ? -errno : clone3_call(arguments, child_main, context);
    if (setns(own, CLONE_NEWPID) < 0) abort();
    close(own);
    return result;
}

enum { patience_with_exec = 10 * 1000 }; // milliseconds

// A child that is born among others who may signal it, stop it, or look at it: it does not borrow this process's memory, and is
// not waited for without limit. What came of it stands in a page of both; that it has exec'ed, the end of a pipe tells.
static clinux_spawn_result spawn_among_others(const clinux_spawn_request *request) {
    clinux_spawn_result failed = {.pid = 0, .pidfd = -1, .failed_step = -1, .failed_errno = 0};
    clinux_spawn_result *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *stack = mmap(NULL, child_stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    int ends[2] = {-1, -1};
    if (shared == MAP_FAILED || stack == MAP_FAILED || pipe2(ends, O_CLOEXEC) < 0) {
        failed.failed_errno = errno;
        if (shared != MAP_FAILED) munmap(shared, sizeof *shared);
        if (stack != MAP_FAILED) munmap(stack, child_stack_size);
        return failed;
    }
    *shared = failed;
    child_context context = {request, shared};
    int pidfd = -1;
    struct clone_args arguments = {
        .flags = request->clone_flags | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = child_stack_size,
    };
    uint64_t previous_mask;
    set_mask(~0ULL, &previous_mask);
    long pid = clone_into(request->pid_namespace_of, &arguments, &context);
    set_mask(previous_mask, NULL);
    close(ends[1]);
    if (pid < 0) {
        failed.failed_errno = (int32_t)-pid;
    } else {
        struct pollfd end = {.fd = ends[0], .events = POLLIN};
        int ready;
        do ready = poll(&end, 1, patience_with_exec);
        while (ready < 0 && errno == EINTR);
        failed = *shared;
        if (ready == 0) failed.failed_errno = ETIMEDOUT;
        failed.pid = (int32_t)pid;
        failed.pidfd = pidfd;
        if (failed.failed_errno != 0) {
            siginfo_t ignored;
            syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
            while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &ignored, WEXITED) < 0 && errno == EINTR) {}
            close(pidfd);
            failed.pidfd = -1;
        }
    }
    close(ends[0]);
    munmap(shared, sizeof *shared);
    munmap(stack, child_stack_size);
    return failed;
}

clinux_spawn_result clinux_spawn(const clinux_spawn_request *request) {
    if (request->pid_namespace_of >= 0) return spawn_among_others(request);
    clinux_spawn_result result = {.pid = 0, .pidfd = -1, .failed_step = -1, .failed_errno = 0};
    void *stack = mmap(NULL, child_stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        result.failed_errno = errno;
        return result;
    }
    child_context context = {request, &result};
    int pidfd = -1;
    struct clone_args arguments = {
        .flags = request->clone_flags | CLONE_PIDFD | CLONE_VM | CLONE_VFORK,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = child_stack_size,
    };
    uint64_t previous_mask;
    set_mask(~0ULL, &previous_mask);
    long pid = clone3_call(&arguments, child_main, &context);
    set_mask(previous_mask, NULL);
    munmap(stack, child_stack_size);
    if (pid < 0) {
        result.failed_errno = (int32_t)-pid;
        return result;
    }
    result.pid = (int32_t)pid;
    result.pidfd = pidfd;
    if (result.failed_errno != 0) {
        siginfo_t ignored;
        while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &ignored, WEXITED) < 0 && errno == EINTR) {}
        close(pidfd);
        result.pidfd = -1;
    }
    return result;
}

// MARK: - For small single-threaded programs

int32_t clinux_start_program(const char *const *arguments, const char *const *environment, int new_group,
    uint64_t mask, bool resets_dispositions, bool ignores_children) {
    volatile int failure = 0;
    uint64_t previous_mask;
    set_mask(~0ULL, &previous_mask);
    pid_t pid = vfork();
    if (pid == 0) {
        if (new_group == 1) {
            setpgid(0, 0);
            // As long as everything is blocked, SIGTTOU is too: a background group may do this then.
            tcsetpgrp(0, getpid());
        }
        if (new_group == 2) setsid();
        if (resets_dispositions) reset_dispositions();
        if (ignores_children) signal(SIGCHLD, SIG_IGN);
        set_mask(mask, NULL);
        execvpe(arguments[0], (char *const *)arguments, (char *const *)environment);
        failure = errno;
        _exit(127);
    }
    int saved = errno;
    set_mask(previous_mask, NULL);
    if (pid < 0) return -saved;
    if (failure != 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
        return -failure;
    }
    return pid;
}

uint64_t clinux_signal_mask(void) {
    uint64_t mask = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, kernel_sigset_size);
    return mask;
}

static void sleep_and_exit(uint64_t nanoseconds) {
    reset_dispositions();
    set_mask(0, NULL);
    struct timespec duration = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
    while (nanosleep(&duration, &duration) < 0 && errno == EINTR) {}
    _exit(0);
}

int32_t clinux_fork_sleeper(uint64_t nanoseconds, bool orphaned) {
    pid_t pid = fork();
    if (pid < 0) return -errno;
    if (pid > 0) {
        if (!orphaned) return pid;
        int status;
        while (waitpid(pid, &status, 0) < 0)
            if (errno != EINTR) return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
    }
    if (orphaned) {
        pid_t sleeper = fork();
        if (sleeper != 0) _exit(sleeper < 0);
    }
    sleep_and_exit(nanoseconds);
    return 0;
}
