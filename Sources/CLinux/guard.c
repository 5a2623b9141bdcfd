// The guard: what remains of the harness after SIGKILL. Forked from a process that may have threads, so only
// async-signal-safe calls are made here.
#define _GNU_SOURCE
#include "clinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct directory_entry { // linux_dirent64, getdents64(2)
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

// Sends SIGKILL to every process listed in cgroup.procs, but for the harness, a thread of which may just be on its way out; returns how many there
// were.
static int kill_members(int cgroup) {
    int file = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC), members = 0, pid = 0;
    if (file < 0) return 0;
    char buffer[4096];
    for (ssize_t count; (count = read(file, buffer, sizeof buffer)) > 0;)
        for (ssize_t index = 0; index < count; index++) {
            if (buffer[index] >= '0' && buffer[index] <= '9') {
                pid = pid * 10 + (buffer[index] - '0');
            } else {
                if (pid > 0 && pid != getppid() && kill(pid, SIGKILL) == 0) members++;
                pid = 0;
            }
        }
    close(file);
    return members;
}

// Kills and removes the cgroup `name` below `parent`, children first. A process in the middle of fork can escape one
// pass, and removal waits for the last exit: hence the passes, a millisecond apart, for five seconds at most.
static void remove_cgroup(int parent, const char *name) {
    int cgroup = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup < 0) return;
    // Who is frozen takes no signal (version 1), and what is below a frozen cgroup is frozen too.
    int freezer = openat(cgroup, "freezer.state", O_WRONLY | O_CLOEXEC);
    if (freezer >= 0) {
        if (write(freezer, "THAWED", 6) < 0) {}
        close(freezer);
    }
    char buffer[4096];
    for (long count; (count = syscall(SYS_getdents64, cgroup, buffer, sizeof buffer)) > 0;)
        for (long offset = 0; offset < count;) {
            struct directory_entry *entry = (struct directory_entry *)(buffer + offset);
            if (entry->type == DT_DIR && entry->name[0] != '.') remove_cgroup(cgroup, entry->name);
            offset += entry->length;
        }
    for (int pass = 0; pass < 5000; pass++) {
        kill_members(cgroup);
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) break;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    close(cgroup);
}

static void write_to(int directory, const char *file, const char *text) {
    int opened = openat(directory, file, O_WRONLY | O_CLOEXEC);
    if (opened < 0) return;
    if (write(opened, text, strlen(text)) < 0) {}
    close(opened);
}

// Moves every process of one cgroup into another; a fork may come in between, hence the passes.
static void move_members(int from, int to) {
    for (int pass = 0, moved = 1; pass < 100 && moved > 0; pass++) {
        int file = openat(from, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        if (file < 0) return;
        char buffer[4096], number[16];
        size_t length = 0;
        moved = 0;
        for (ssize_t count; (count = read(file, buffer, sizeof buffer)) > 0;)
            for (ssize_t index = 0; index < count; index++) {
                if (buffer[index] != '\n') {
                    if (length < sizeof number - 1) number[length++] = buffer[index];
                    continue;
                }
                number[length] = 0;
                if (length > 0) write_to(to, "cgroup.procs", number), moved++;
                length = 0;
            }
        close(file);
    }
}

// Takes back what the run has changed in a cgroup that is not its own. Each run that needs it holds a lock on it.
static void restore(clinux_restoration restoration) {
    if (!restoration.directory) return;
    int directory = open(restoration.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int leaf = open(restoration.leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0 && leaf >= 0 && flock(leaf, LOCK_EX | LOCK_NB) == 0) {
        // One at a time: those that another has made use of stay.
        for (const char *rest = restoration.controllers; *rest;) {
            char name[32];
            size_t length = strcspn(rest, " ");
            if (length < sizeof name) {
                memcpy(name, rest, length);
                name[length] = 0;
                write_to(directory, "cgroup.subtree_control", name);
            }
            rest += length + (rest[length] == ' ');
        }
        move_members(leaf, directory);
        rmdir(restoration.leaf);
    }
    if (leaf >= 0) close(leaf);
    if (directory >= 0) close(directory);
}

static void remove_instance(int instances, const char *name) {
    // EBUSY as long as a reader that is being killed still has a file of the instance open.
    for (int pass = 0; pass < 5000 && unlinkat(instances, name, AT_REMOVEDIR) < 0 && errno == EBUSY; pass++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

// Takes a pidfd from the socket. Returns it, 0 when nobody can send any more, -1 when there was none.
static int receive_process(int socket) {
    int process;
    char byte;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof process)];
    } control;
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count <= 0) return count == 0 ? 0 : -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof process)) return -1;
    memcpy(&process, CMSG_DATA(header), sizeof process);
    return process;
}

enum { patience_with_an_end = 1000 }; // milliseconds

// Keeps the pidfds of living processes, until nobody can send any more; then kills them all at once. With a PID 1 its whole PID
// namespace dies, with its parent-death signal disarmed and its processes in no cgroup.
static void watch_processes(int socket) {
    int poller = epoll_create1(EPOLL_CLOEXEC), highest = poller;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
    epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event);
    for (;;) {
        if (epoll_wait(poller, &event, 1, -1) < 1) continue;
        if (event.data.fd != socket) { // this one has ended
            close(event.data.fd);
            continue;
        }
        int process = receive_process(socket);
        if (process == 0) break;
        if (process < 0) continue;
        if (process > highest) highest = process;
        event = (struct epoll_event){.events = EPOLLIN, .data.fd = process};
        epoll_ctl(poller, EPOLL_CTL_ADD, process, &event);
    }
    for (int process = poller + 1; process <= highest; process++)
        syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
    for (int process = poller + 1; process <= highest; process++)
        poll(&(struct pollfd){.fd = process, .events = POLLIN}, 1, patience_with_an_end);
}

int32_t clinux_fork_guard(
    int32_t lifeline, const char *const *cgroups, int32_t instances, const char *instance, const char *run,
    clinux_restoration restoration) {
    pid_t pid = fork();
    if (pid != 0) return pid < 0 ? -errno : pid;
    setsid();
    prctl(PR_SET_NAME, "harness-guard");
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    // 0 and 1 become the two descriptors that it needs; by way of higher ones, lest one overwrite the other.
    int high_lifeline = fcntl(lifeline, F_DUPFD, 10), high_instances = fcntl(instances, F_DUPFD, 10);
    dup2(high_lifeline, 0);
    if (high_instances >= 0) dup2(high_instances, 1);
    else close(1);
    close_range(2, ~0U, 0);
    watch_processes(0);
    for (; *cgroups; cgroups++) remove_cgroup(AT_FDCWD, *cgroups);
    restore(restoration);
    if (instance) remove_instance(1, instance);
    if (run) rmdir(run);
    _exit(0);
}
