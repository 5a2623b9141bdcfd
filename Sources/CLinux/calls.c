#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int32_t result_or_errno(long result) { return result < 0 ? -errno : (int32_t)result; }

bool clinux_exited(int32_t wait_status) { return WIFEXITED(wait_status); }
int32_t clinux_exit_code(int32_t wait_status) { return WEXITSTATUS(wait_status); }
int32_t clinux_terminating_signal(int32_t wait_status) { return WTERMSIG(wait_status); }
bool clinux_dumped_core(int32_t wait_status) { return WCOREDUMP(wait_status); }

int32_t clinux_wait_pidfd(int32_t pidfd, bool no_hang, int32_t *wait_status) {
    siginfo_t info = {0};
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | (no_hang ? WNOHANG : 0)) < 0) return -errno;
    if (info.si_pid == 0) return 0;
    // Back to the form of wait(2), the one that the macros above take apart.
    switch (info.si_code) {
    case CLD_EXITED: *wait_status = (info.si_status & 0xff) << 8; break;
    case CLD_DUMPED: *wait_status = info.si_status | 0x80; break;
    default: *wait_status = info.si_status; break;
    }
    return 1;
}

int32_t clinux_pidfd_open(int32_t pid) { return result_or_errno(syscall(SYS_pidfd_open, pid, 0)); }

int32_t clinux_pidfd_send_signal(int32_t pidfd, int32_t signal) {
    return result_or_errno(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int32_t clinux_unshare(uint64_t flags) { return result_or_errno(syscall(SYS_unshare, flags)); }

int32_t clinux_make_mounts_private(void) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) return 0;
    if (errno != EINVAL) return -errno;
    // The root of this thread is no mount: it is in a chroot. To join a mount namespace, also one's own, is to get its root.
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), own = open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int result = 0;
    if (root < 0 || own < 0 || setns(own, CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
        || fchdir(root) < 0 || chroot(".") < 0)
        result = -errno;
    if (root >= 0) close(root);
    if (own >= 0) close(own);
    return result;
}

int32_t clinux_get_tid(void) { return (int32_t)syscall(SYS_gettid); }

int32_t clinux_pipe(int32_t *read_end, int32_t *write_end, bool non_blocking_read) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    if (non_blocking_read) fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

static int address_of(const char *path, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
    strcpy(address->sun_path, path);
    return 0;
}

int32_t clinux_listen_seqpacket(const char *path, bool pass_credentials) {
    struct sockaddr_un address;
    int result = address_of(path, &address), enabled = 1;
    if (result < 0) return result;
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return -errno;
    // Accepted sockets inherit SO_PASSCRED, so that the first message has its sender too.
    if ((pass_credentials && setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &enabled, sizeof enabled) < 0)
        || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0666) < 0
        || listen(listener, 4096) < 0) {
        result = -errno;
        close(listener);
        return result;
    }
    return listener;
}

int32_t clinux_accept(int32_t listener) {
    return result_or_errno(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

int32_t clinux_connect_seqpacket(const char *path) {
    struct sockaddr_un address;
    int result = address_of(path, &address);
    if (result < 0) return result;
    int connected = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connected < 0) return -errno;
    if (connect(connected, (struct sockaddr *)&address, sizeof address) < 0) {
        result = -errno;
        close(connected);
        return result;
    }
    return connected;
}

int64_t clinux_receive(int32_t receiver, void *buffer, size_t length, int32_t *sender) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec vector = {buffer, length};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *sender = 0;
    ssize_t count = recvmsg(receiver, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
            struct ucred credentials;
            memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
            *sender = credentials.pid;
        }
    return count;
}

int32_t clinux_mount_detached(const char *type) {
    int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (context < 0) return -errno;
    int result = -1;
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        result = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
    int saved = errno;
    close(context);
    return result < 0 ? -saved : result;
}

int32_t clinux_signalfd(uint64_t mask) {
    long blocked = syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, kernel_sigset_size);
    if (blocked < 0) return -errno;
    return result_or_errno(syscall(SYS_signalfd4, -1, &mask, kernel_sigset_size, SFD_CLOEXEC | SFD_NONBLOCK));
}

int32_t clinux_read_signal(int32_t signal_descriptor, int32_t *sender) {
    struct signalfd_siginfo info;
    ssize_t count = read(signal_descriptor, &info, sizeof info);
    if (count < 0) return -errno;
    *sender = (int32_t)info.ssi_pid;
    return (int32_t)info.ssi_signo;
}

int32_t clinux_notify(const char *path, const char *message) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) return -EINVAL;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = 0;
    int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sender < 0) return -errno;
    ssize_t count = sendto(
        sender, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    int saved = errno;
    close(sender);
    return count < 0 ? -saved : 0;
}

int32_t clinux_peek_at_end(int32_t pid, int32_t *wait_status) {
    siginfo_t information = {0};
    if (waitid(P_PID, (id_t)pid, &information, WEXITED | WNOHANG | WNOWAIT) < 0) return -errno;
    if (information.si_pid == 0) return 0;
    int status = information.si_status;
    *wait_status = information.si_code == CLD_EXITED ? (status & 0xFF) << 8 : status;
    return 1;
}

int32_t clinux_close_memory(void) { return result_or_errno(prctl(PR_SET_DUMPABLE, 0)); }

void clinux_set_name(const char *name) { prctl(PR_SET_NAME, name); }

int32_t clinux_become_subreaper(void) { return result_or_errno(prctl(PR_SET_CHILD_SUBREAPER, 1)); }

uint64_t clinux_monotonic_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int32_t clinux_poll(const int32_t *descriptors, bool *ready, size_t count, uint64_t deadline) {
    enum { inline_count = 64 };
    struct pollfd inline_entries[inline_count], *entries = inline_entries;
    if (count > inline_count && !(entries = calloc(count, sizeof *entries))) return -ENOMEM;
    for (size_t index = 0; index < count; index++)
        entries[index] = (struct pollfd){.fd = descriptors[index], .events = POLLIN};
    uint64_t now = clinux_monotonic_now();
    uint64_t left = deadline > now ? deadline - now : 0;
    struct timespec timeout = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
    int result = ppoll(entries, count, deadline == UINT64_MAX ? NULL : &timeout, NULL);
    int saved = errno;
    for (size_t index = 0; index < count; index++) ready[index] = result > 0 && entries[index].revents != 0;
    if (entries != inline_entries) free(entries);
    if (result < 0) return saved == EINTR ? 0 : -saved;
    return result;
}

int32_t clinux_open_in_root(int32_t root, const char *path, int32_t flags) {
    struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    long result = syscall(SYS_openat2, root, path, &how, sizeof how);
    return result < 0 ? -errno : (int32_t)result;
}

int32_t clinux_open_terminal(const char *devpts, uint32_t owner, int32_t *master, int32_t *slave) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/ptmx", devpts) >= (int)sizeof path) return -ENAMETOOLONG;
    int number = 0, unlock = 0, error;
    int opened = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0) return -errno;
    int other = -1;
    if (ioctl(opened, TIOCSPTLCK, &unlock) < 0 || ioctl(opened, TIOCGPTN, &number) < 0) goto failed;
    other = ioctl(opened, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (other < 0) goto failed;
    if (fchown(other, owner, (gid_t)-1) < 0) goto failed;
    *master = opened;
    *slave = other;
    return number;
failed:
    error = errno;
    if (other >= 0) close(other);
    close(opened);
    return -error;
}

int32_t clinux_socket_pair(int32_t *one, int32_t *other, bool is_connection) {
    int ends[2];
    if (socketpair(AF_UNIX, (is_connection ? SOCK_SEQPACKET : SOCK_DGRAM) | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
    *one = ends[0];
    *other = ends[1];
    return 0;
}

int32_t clinux_receive_root(int32_t socket, int32_t *root, int32_t *mount_namespace) {
    int received[2];
    char byte;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof received)];
    } control;
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof received)) return -EBADMSG;
    memcpy(received, CMSG_DATA(header), sizeof received);
    *root = received[0];
    *mount_namespace = received[1];
    return 0;
}

bool clinux_is_of_kernel(int32_t file) {
    static const uint32_t kinds[] = {
        PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
        SECURITYFS_MAGIC, DEVPTS_SUPER_MAGIC, BPF_FS_MAGIC, NSFS_MAGIC,
    };
    struct statfs status;
    if (fstatfs(file, &status) < 0) return true;
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++)
        if ((uint32_t)status.f_type == kinds[index]) return true;
    return false;
}

int32_t clinux_sigtimedwait_number(void) { return SYS_rt_sigtimedwait; }

uint64_t clinux_read_word(int32_t memory, uint64_t address) {
    uint64_t word;
    return pread(memory, &word, sizeof word, (off_t)address) == sizeof word ? word : 0;
}

bool clinux_executable_is_sealed(void) {
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    struct statvfs status;
    int seals = fcntl(file, F_GET_SEALS);
    bool sealed = (fstatvfs(file, &status) == 0 && status.f_flag & ST_RDONLY) || (seals >= 0 && seals & F_SEAL_WRITE);
    close(file);
    return sealed;
}

// A mount of one file, in nobody's tree, through which it cannot be changed.
static int open_read_only(const char *path) {
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if (tree < 0) return -1;
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) return tree;
    close(tree);
    return -1;
}

static int copy_sealed(const char *path) {
    int from = open(path, O_RDONLY | O_CLOEXEC), copy = memfd_create("harness", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat status;
    bool done = from >= 0 && copy >= 0 && fstat(from, &status) == 0;
    for (off_t rest = done ? status.st_size : 0; done && rest > 0;) {
        ssize_t count = sendfile(copy, from, NULL, (size_t)rest);
        done = count > 0;
        rest -= count;
    }
    done = done && fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
    if (from >= 0) close(from);
    if (done) return copy;
    if (copy >= 0) close(copy);
    return -1;
}

int32_t clinux_execute_sealed(const char *path, const char *const *arguments) {
    int file = open_read_only(path);
    if (file < 0) file = copy_sealed(path);
    if (file < 0) return -errno;
    execveat(file, "", (char *const *)arguments, environ, AT_EMPTY_PATH);
    int saved = errno;
    close(file);
    return -saved;
}

int32_t clinux_join_network(int32_t network) { return setns(network, CLONE_NEWNET) < 0 ? -errno : 0; }

int32_t clinux_bring_loopback_up(void) { return clinux_loopback_up() < 0 ? -errno : 0; }

// Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
static const char opaque[] = "trusted.overlay.opaque";

bool clinux_is_opaque(const char *path) {
    char value;
    return lgetxattr(path, opaque, &value, 1) == 1 && value == 'y';
}

int32_t clinux_make_opaque(const char *path) { return lsetxattr(path, opaque, "y", 1, 0) == 0 ? 0 : -errno; }
