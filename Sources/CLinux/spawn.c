// What runs between clone and exec. The child borrows its parent's memory (CLONE_VM), so nothing here allocates,
// takes a lock, or writes to anything but the result and its own stack.
#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
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
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const uint64_t clinux_clone_newns = CLONE_NEWNS, clinux_clone_newpid = CLONE_NEWPID, clinux_clone_newuts = CLONE_NEWUTS,
               clinux_clone_newipc = CLONE_NEWIPC, clinux_clone_newnet = CLONE_NEWNET,
               clinux_clone_newcgroup = CLONE_NEWCGROUP;

enum { child_stack_size = 64 * 1024 };

int clinux_loopback_up(void) {
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
    // A symbolic link, which something inside may have left in an earlier life, is not followed.
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, mode);
    return file < 0 ? -1 : close(file);
}

static int open_as(const char *path, int number) {
    int file = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (file < 0) return -1;
    if (file == number) return fcntl(file, F_SETFD, 0);
    int result = dup2(file, number), saved = errno;
    close(file);
    errno = saved;
    return result < 0 ? -1 : 0;
}

static int open_null_as(int number) {
    struct stat status;
    if (open_as("/dev/null", number) < 0 || fstat(number, &status) < 0) return -1;
    if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return 0;
    errno = ENODEV;
    return -1;
}

static int write_path(const clinux_step *step) {
    int file = open(step->target, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count = write(file, step->data, strlen(step->data));
    int saved = errno;
    close(file);
    errno = saved;
    return count < 0 ? -1 : 0;
}

static int write_file(const clinux_step *step) {
    // Nothing but a regular file: what else is there may block, or be a switch.
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

static int closed(int file, int result) {
    int saved = errno;
    if (file >= 0) close(file);
    errno = saved;
    return result;
}

enum { sent_limit = 2 };

static int send_descriptors(int socket, const int *descriptors, size_t count) {
    char byte = 0;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sent_limit * sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof(int));
    return (int)sendmsg(socket, &message, MSG_NOSIGNAL);
}

// The root and the mount namespace as they are now: the parent looks at files through them, also when this process has
// ended or has another root.
static int send_root(int socket) {
    int sent[2] = {open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)};
    int result = sent[0] < 0 || sent[1] < 0 ? -1 : send_descriptors(socket, sent, 2);
    return closed(sent[0], closed(sent[1], result));
}

// A pidfd of this process: its holder can kill it, also after an exec.
static int send_self(int socket) {
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return closed(self, self < 0 ? -1 : send_descriptors(socket, &self, 1));
}

static bool is_root(int directory) {
    struct statx one, other;
    return statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_INO, &one) == 0
        && statx(AT_FDCWD, "/", 0, STATX_MNT_ID | STATX_INO, &other) == 0 && one.stx_mnt_id == other.stx_mnt_id
        && one.stx_ino == other.stx_ino;
}

// A directory becomes the root of this process and of its mount namespace, and nothing else stays mounted there. A process in a chroot
// has a root that is not its namespace's: pivot_root(2) would change that one, and leave everything above it within reach. A process
// that joins a mount namespace, its own too, gets the root of that (setns(2)): this one does so before, and again after, where it
// learns what others will find that join.
static int change_root(const char *target) {
    int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC), own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int result = -1;
    // Both arguments the same: the old root is stacked on the new one (pivot_root(2), NOTES), so that no directory for it is needed
    // inside.
    if (root >= 0 && own >= 0 && setns(own, CLONE_NEWNS) == 0 && fchdir(root) == 0
        && syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && setns(own, CLONE_NEWNS) == 0) {
        if (is_root(root)) result = 0;
        else errno = EXDEV;
    }
    return closed(root, closed(own, result));
}

/// Without CAP_SYS_RESOURCE, and beyond fs.nr_open, the hard limit cannot be raised (EPERM).
static int limit_resource(const clinux_step *step, bool as_far_as_allowed) {
    struct rlimit limit = {step->number, step->other}, own;
    if (setrlimit(step->descriptor, &limit) == 0) return 0;
    if (!as_far_as_allowed || errno != EPERM || getrlimit(step->descriptor, &own) < 0) return -1;
    if (limit.rlim_max > own.rlim_max) limit.rlim_max = own.rlim_max;
    if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    return setrlimit(step->descriptor, &limit);
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
    case clinux_step_pivot_root: return change_root(step->target);
    case clinux_step_new_session: return (int)setsid();
    case clinux_step_file_mask: return umask((mode_t)step->number), 0;
    case clinux_step_unshare: return unshare((int)step->number);
    case clinux_step_set_hostname: return sethostname(step->source, strlen(step->source));
    case clinux_step_loopback_up: return clinux_loopback_up();
    case clinux_step_write: return write(step->descriptor, step->data, strlen(step->data)) < 0 ? -1 : 0;
    case clinux_step_open: return open_as(step->target, (int)step->number);
    case clinux_step_open_null: return open_null_as((int)step->number);
    case clinux_step_write_path: return write_path(step);
    case clinux_step_limit: return limit_resource(step, false);
    case clinux_step_limit_if_allowed: return limit_resource(step, true);
    case clinux_step_keep_capabilities: return keep_capabilities(step->number);
    case clinux_step_no_new_privileges: return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    case clinux_step_set_ids:
        // The raw calls: glibc's would tell its threads to follow, and they are the parent's.
        if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setgid, (gid_t)step->other) < 0) return -1;
        return (int)syscall(SYS_setuid, (uid_t)step->number);
    case clinux_step_filter_calls: return clinux_filter_calls(step->number);
    case clinux_step_parent_death_signal: return arm_parent_death_signal((int)step->number, step->descriptor);
    case clinux_step_descriptor: return dup2(step->descriptor, (int)step->number);
    case clinux_step_write_file: return write_file(step);
    case clinux_step_send_root: return send_root(step->descriptor);
    case clinux_step_send_self: return send_self(step->descriptor);
    case clinux_step_priority: return setpriority(PRIO_PROCESS, 0, (int)(int64_t)step->number);
    case clinux_step_join_network: return setns(step->descriptor, CLONE_NEWNET);
    case clinux_step_join_namespaces: return setns(step->descriptor, (int)step->number);
    case clinux_step_ignore_signals: return clinux_ignore_signals(step->number);
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

// Whether a container runtime would try to execute a path: it is there, no directory, and has an execute bit; with
// `checks_access`, this process may.
static bool is_candidate(const char *path, bool checks_access) {
    struct stat status;
    if (stat(path, &status) < 0) return false;
    errno = EACCES;
    if (S_ISDIR(status.st_mode) || !(status.st_mode & 0111)) return false;
    return !checks_access || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

static void write_text(const char *text) { (void)!write(2, text, strlen(text)); }

// As runc does it (libcontainer/init_linux.go, Go's exec.LookPath): what cannot be found or may not be executed is not started,
// errno says why; what is found is started, and when execve(2) fails then the process says why, and exits.
static void execute_as_runtime(const clinux_spawn_request *request) {
    char *const *arguments = (char *const *)request->arguments;
    char *const *environment = (char *const *)request->environment;
    const char *name = arguments[0], *found = NULL;
    char path[PATH_MAX];
    if (strchr(name, '/')) {
        if (!is_candidate(name, request->checks_access)) return;
        found = name;
    } else {
        size_t name_length = strlen(name);
        for (const char *directory = request->search_path; *directory && !found;) {
            size_t length = strcspn(directory, ":");
            if (length > 0 && length + 1 + name_length < sizeof path) {
                memcpy(path, directory, length);
                path[length] = '/';
                memcpy(path + length + 1, name, name_length + 1);
                if (is_candidate(path, request->checks_access)) found = path;
            }
            directory += length + (directory[length] == ':');
        }
        if (!found) {
            errno = ENOENT;
            return;
        }
    }
    execve(found, arguments, environment);
    const char *reason = strerrordesc_np(errno);
    char first[2] = {(char)((reason ? *reason : '?') | 0x20), 0};
    write_text("exec ");
    write_text(found);
    write_text(": ");
    write_text(first);
    write_text(reason ? reason + 1 : "");
    write_text("\n");
    _exit(request->status_of_exec_failure);
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
    clinux_reset_dispositions();
    for (; index < request->step_count; index++) {
        const clinux_step *step = &request->steps[index];
        if (step->kind == clinux_step_block_signals) mask |= step->number;
        if (perform(step) < 0 && !(step->may_be_missing && errno == ENOENT)) goto failed;
    }
    clinux_set_mask(mask, NULL);
    if (request->status_of_exec_failure < 0) execute(request);
    else execute_as_runtime(request);
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

// Every signal is blocked meanwhile: the child is to start with none that was meant for this process.
static long start_child(uint64_t flags, child_context *context, void *stack, int *pidfd) {
    int pid_namespace_of = context->request->pid_namespace_of, cgroup = context->request->cgroup;
    struct clone_args arguments = {
        .flags = flags | CLONE_PIDFD | (cgroup < 0 ? 0 : CLONE_INTO_CGROUP),
        .cgroup = cgroup < 0 ? 0 : (uint64_t)cgroup,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = child_stack_size,
    };
    uint64_t previous_mask;
    clinux_set_mask(~0ULL, &previous_mask);
    long pid = pid_namespace_of < 0 ? clone3_call(&arguments, child_main, context)
                                    : clone_into(pid_namespace_of, &arguments, context);
    clinux_set_mask(previous_mask, NULL);
    return pid;
}

static clinux_spawn_result outcome(long pid, int pidfd, clinux_spawn_result result) {
    if (pid < 0) {
        result.failed_errno = (int32_t)-pid;
        return result;
    }
    result.pid = (int32_t)pid;
    result.pidfd = pidfd;
    if (result.failed_errno != 0) {
        // It has ended, but for one that was given up.
        siginfo_t ignored;
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &ignored, WEXITED) < 0 && errno == EINTR) {}
        close(pidfd);
        result.pidfd = -1;
    }
    return result;
}

static const clinux_spawn_result nothing_yet = {.pid = 0, .pidfd = -1, .failed_step = -1, .failed_errno = 0};

static clinux_spawn_result failed(int error) {
    clinux_spawn_result result = nothing_yet;
    result.failed_errno = error;
    return result;
}

// Whether a child has become another program than this one.
static bool has_executed(long pid) {
    char path[32];
    struct stat own, its;
    snprintf(path, sizeof path, "/proc/%ld/exe", pid);
    return stat("/proc/self/exe", &own) == 0 && stat(path, &its) == 0
        && (own.st_ino != its.st_ino || own.st_dev != its.st_dev);
}

// How often it is looked at whether a child has executed, in milliseconds, where the pipe does not tell.
static const int look_interval = 100;

// A child that is born among others who may signal it, stop it, or look at it: it does not borrow this process's memory, and is
// not waited for without limit. What came of it is in a page of both; that it has exec'ed, the end of a pipe tells, unless another child,
// born meanwhile, holds a copy of the pipe until it execs itself: that may take long on a busy machine.
static clinux_spawn_result spawn_among_others(const clinux_spawn_request *request, void *stack) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return failed(errno);
    clinux_spawn_result *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        int saved = errno;
        close(ends[0]);
        close(ends[1]);
        return failed(saved);
    }
    *shared = nothing_yet;
    child_context context = {request, shared};
    int pidfd = -1, ready = 1;
    bool interrupted = false;
    long pid = start_child(request->clone_flags, &context, stack, &pidfd);
    close(ends[1]);
    if (pid > 0) {
        struct pollfd watched[] = {
            {.fd = ends[0], .events = POLLIN}, {.fd = request->interruption, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
        int left = (int)request->patience;
        do {
            int slice = left < look_interval ? left : look_interval;
            ready = poll(watched, 3, slice);
            if (ready == 0) left -= slice;
            if (ready == 0 && has_executed(pid)) ready = 1;
        } while ((ready == 0 && left > 0) || (ready < 0 && errno == EINTR));
        interrupted = watched[0].revents == 0 && watched[1].revents != 0 && watched[2].revents == 0;
    }
    close(ends[0]);
    clinux_spawn_result result = *shared;
    munmap(shared, sizeof *shared);
    if (ready == 0) result.failed_errno = ETIMEDOUT;
    if (interrupted) result.failed_errno = ECANCELED;
    return outcome(pid, pidfd, result);
}

clinux_spawn_result clinux_spawn(const clinux_spawn_request *request) {
    clinux_prepare_filters();
    void *stack = mmap(NULL, child_stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return failed(errno);
    clinux_spawn_result result = nothing_yet;
    if (request->pid_namespace_of >= 0) {
        result = spawn_among_others(request, stack);
    } else {
        child_context context = {request, &result};
        int pidfd = -1;
        long pid = start_child(request->clone_flags | CLONE_VM | CLONE_VFORK, &context, stack, &pidfd);
        result = outcome(pid, pidfd, result);
    }
    munmap(stack, child_stack_size);
    return result;
}
