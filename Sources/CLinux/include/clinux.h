/// CLinux: the part of Linux that Swift's Glibc module does not reach.
///
/// Admission rule. A function or constant is here for one of two reasons only:
///   1. Swift's Glibc module cannot see it (no wrapper in glibc, a macro with arguments, a header outside the module);
///   2. it runs between clone and exec, or in a process forked from a threaded one, where only C may run.
/// There is no policy here: which steps are taken, with which paths and flags, is decided by the caller.
///
/// Functions return 0 or a non-negative result, or a negated errno; they never print.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

// MARK: - Spawning into namespaces

/// What one step of a set-up plan does, in the child, between clone and exec.
typedef enum clinux_step_kind {
    clinux_step_mount,            // source, target, type, data; number = mount flags
    clinux_step_unmount,          // target; number = umount2 flags
    clinux_step_make_directory,   // target; number = mode
    clinux_step_make_file,        // target; number = mode (an empty file, as the target of a bind mount)
    clinux_step_make_link,        // source = what the link says, target = where it is
    clinux_step_unlink,           // target = a file or symbolic link
    clinux_step_change_directory, // target
    clinux_step_pivot_root,       // target = the new root, of the process and of its mount namespace (EXDEV when it is not
                                  // both); the old one is gone, and the working directory is the new one
    clinux_step_new_session,      // setsid: a process group and session of its own
    clinux_step_file_mask,        // number = umask
    clinux_step_unshare,          // number = CLONE_* flags
    clinux_step_set_hostname,     // source = the name
    clinux_step_loopback_up,      // brings `lo` up in a new network namespace
    clinux_step_write,            // descriptor = an open file, data = what to write (cgroup.procs, …)
    clinux_step_write_path,       // target = a file that is there (a setting in /proc/sys), data = what to write
    clinux_step_limit,            // descriptor = RLIMIT_*, number = soft limit, other = hard limit
    clinux_step_limit_if_allowed, // the same, as far as the hard limit may be raised
    clinux_step_keep_capabilities,// number = a bit set: the bounding, permitted and effective sets; the inheritable one is empty
    clinux_step_no_new_privileges,// no exec gives a privilege from here on (setuid files, file capabilities)
    clinux_step_set_ids,          // number = user id, other = group id (supplementary groups are cleared)
    clinux_step_filter_calls,     // Docker's default seccomp profile; number = the capabilities that are kept, a bit set
    clinux_step_parent_death_signal, // number = signal; descriptor = a pidfd of the parent, checked once it is armed
    clinux_step_descriptor,       // descriptor becomes descriptor `number`
    clinux_step_open,             // target = a file, opened for reading and writing as descriptor `number`
    clinux_step_open_null,        // opens /dev/null as descriptor `number`; ENODEV when something else is there
    clinux_step_write_file,       // target = a path, data = its text; number = mode, other = user id << 32 | group id
    clinux_step_send_root,        // descriptor = a socket: sends its own root and mount namespace, open (SCM_RIGHTS)
    clinux_step_send_self,        // descriptor = a socket: sends a pidfd of this process (SCM_RIGHTS)
    clinux_step_controlling_terminal, // descriptor = a terminal, which becomes that of the session
    clinux_step_priority,         // number = nice value, as a signed number
    clinux_step_join_network,     // descriptor = a network namespace
    clinux_step_join_namespaces,  // descriptor = a pidfd whose namespaces are joined; number = CLONE_NEW*
    clinux_step_ignore_signals,   // number = a bit set, bit n - 1 for signal n: ignored over exec
    clinux_step_block_signals,    // number = a bit set: blocked over exec
} clinux_step_kind;

/// One step. Strings that a kind does not use are NULL.
typedef struct clinux_step {
    clinux_step_kind kind;
    bool may_be_missing;          // ENOENT is not a failure (a path in /proc that this kernel does not have)
    int32_t descriptor;
    uint64_t number;
    uint64_t other;
    const char *_Nullable source;
    const char *_Nullable target;
    const char *_Nullable type;
    const char *_Nullable data;
} clinux_step;

/// A whole spawn: new namespaces, the steps in order, then exec.
typedef struct clinux_spawn_request {
    uint64_t clone_flags;         // CLONE_NEW*; CLONE_PIDFD, CLONE_VM and CLONE_VFORK are added
    int32_t pid_namespace_of;     // a pidfd: the child is born into the PID namespace of this process, and borrows no
                                  // memory; -1 = the caller's
    int32_t cgroup;               // an open directory of version 2: the child is born into this cgroup; -1 = the caller's
    uint32_t patience;            // how many milliseconds it has for its exec then, else ETIMEDOUT
    int32_t interruption;         // a descriptor that becomes readable when nobody waits any more, else ECANCELED; -1: none
    const clinux_step *_Nullable steps;
    size_t step_count;
    const char *_Nonnull const *_Nonnull arguments;   // NULL-terminated; arguments[0] without a slash is looked up in search_path
    const char *_Nonnull const *_Nonnull environment; // NULL-terminated
    const char *search_path;      // colon-separated directories, as in PATH
    int32_t status_of_exec_failure; // as runc: what is found is started, and exits with this when it cannot be executed;
                                  // -1 = that is a failure of the spawn
    bool checks_access;           // with the former: whether this process may execute it, not only whether it has an execute bit
} clinux_spawn_request;

/// What came of it. On success failed_errno is 0.
typedef struct clinux_spawn_result {
    int32_t pid;                  // in the caller's PID namespace; 0 when clone3 itself failed
    int32_t pidfd;                // owned by the caller; -1 when there is none
    int32_t failed_step;          // index into steps; step_count = exec; -1 = clone3
    int32_t failed_errno;
} clinux_spawn_result;

/// Spawns a process and returns when it has exec'ed or failed; a child that failed has been reaped.
///
/// The child borrows the caller's memory until exec (CLONE_VM | CLONE_VFORK), so that the cost does not grow with the
/// caller's size; it starts with every signal at its default action and none blocked. Blocks the calling thread, which
/// becomes the "parent" of PR_SET_PDEATHSIG. The corresponding C function is clone3(2).
clinux_spawn_result clinux_spawn(const clinux_spawn_request *request);

/// Starts a program from a small single-threaded process. new_group: 0 = the caller's group, 1 = setpgid(0, 0), which
/// becomes the foreground group of the terminal on descriptor 0, if it is one; 2 = setsid(). mask: what is blocked, bit
/// n - 1 for signal n. Dispositions are reset, or else kept as they are, but SIGCHLD ignored where it is to be. Returns
/// the pid, or a negated errno, also when exec failed.
int32_t clinux_start_program(
    const char *_Nonnull const *_Nonnull arguments, const char *_Nonnull const *_Nonnull environment, int new_group,
    uint64_t mask, bool resets_dispositions, bool ignores_children);
/// The mask of the calling thread, bit n - 1 for signal n.
uint64_t clinux_signal_mask(void);

/// Forks a process that does nothing but sleep, then exit with status 0. With `orphaned` it is forked twice and the
/// one in the middle is reaped, so that the sleeper is an orphan. Returns 0 or the pid, or a negated errno; EAGAIN also
/// when the second fork has failed.
int32_t clinux_fork_sleeper(uint64_t nanoseconds, bool orphaned);

/// Forks a child that has every signal blocked and does nothing. Returns its pid, or a negated errno.
int32_t clinux_fork_idler(void);

/// Forks a guard that outlives its creator. It takes the pidfds that come over the socket `lifeline`. When all other ends of that are
/// closed, it kills these processes and every process in `cgroups` (NULL-terminated) and the cgroups below them, removes these, then the directory `instance` below the open directory `instances`,
/// then the directory `run` (each NULL where there is none), and undoes `restoration` before these. It has a session of its own and keeps no other
/// descriptors. Returns its pid, or a negated errno.
/// What a run has changed in a hierarchy of version 2 that is not its own, to be undone when no other run needs it.
typedef struct clinux_restoration {
    const char *_Nullable directory;   // the cgroup that was given controllers to hand on; NULL: nothing was changed
    const char *_Nonnull leaf;         // a cgroup below it, which says so, and where its processes may have been moved
    const char *_Nonnull controllers;  // what is to be written to its cgroup.subtree_control: "-pids -memory"
} clinux_restoration;

int32_t clinux_fork_guard(
    int32_t lifeline, const char *_Nonnull const *_Nonnull cgroups, int32_t instances, const char *_Nullable instance,
    const char *_Nullable run, clinux_restoration restoration);

// MARK: - Wait statuses

bool clinux_exited(int32_t wait_status);
int32_t clinux_exit_code(int32_t wait_status);
int32_t clinux_terminating_signal(int32_t wait_status);
bool clinux_dumped_core(int32_t wait_status);

/// Reaps through a pidfd. Returns 1 and fills in wait_status; 0 when it is still running (no_hang); a negated errno.
/// The corresponding C function is waitid(2) with P_PIDFD.
int32_t clinux_wait_pidfd(int32_t pidfd, bool no_hang, int32_t *wait_status);

// MARK: - System calls without a visible wrapper

/// The number of rt_sigtimedwait(2), as /proc/PID/syscall shows it.
int32_t clinux_sigtimedwait_number(void);

/// Eight bytes of another process's memory, by its open /proc/PID/mem; 0 where they cannot be read.
uint64_t clinux_read_word(int32_t memory, uint64_t address);

int32_t clinux_pidfd_open(int32_t pid);
int32_t clinux_pidfd_send_signal(int32_t pidfd, int32_t signal);
int32_t clinux_unshare(uint64_t flags);
/// The calling thread joins a network namespace, by its descriptor (setns(2)).
int32_t clinux_join_network(int32_t network);
/// Brings up the loopback interface of the calling thread's network namespace.
int32_t clinux_bring_loopback_up(void);
/// Makes every mount of the calling thread's mount namespace private, also those above the root of a chroot, which it keeps.
int32_t clinux_make_mounts_private(void);
int32_t clinux_get_tid(void);
int32_t clinux_pipe(int32_t *read_end, int32_t *write_end, bool non_blocking_read);
int32_t clinux_accept(int32_t socket);
/// A listening socket at a path, to which every user may connect.
int32_t clinux_listen_seqpacket(const char *path, bool pass_credentials);
int32_t clinux_connect_seqpacket(const char *path);
/// Receives one message and its sender's pid (translated into the caller's PID namespace; 0 = a process outside it).
/// Returns the length, 0 at the end, or a negated errno.
int64_t clinux_receive(int32_t socket, void *buffer, size_t length, int32_t *sender);
/// Opens a file system that is mounted nowhere; the descriptor is its root. The corresponding C functions are
/// fsopen(2), fsconfig(2) and fsmount(2).
int32_t clinux_mount_detached(const char *type);
/// Opens a path below a directory as a process would whose root it is: no symbolic link leads out of it. Follows no
/// magic links. The corresponding C function is openat2(2) with RESOLVE_IN_ROOT.
int32_t clinux_open_in_root(int32_t root, const char *path, int32_t flags);
/// Receives two descriptors that were sent by clinux_step_send_root. Returns 0, or a negated errno.
int32_t clinux_receive_root(int32_t socket, int32_t *root, int32_t *mount_namespace);
/// A pair of sockets; with `is_connection` the one end tells when all of the other are closed.
int32_t clinux_socket_pair(int32_t *one, int32_t *other, bool is_connection);
/// Whether a file is one of the kernel's (of proc, sysfs, a cgroup hierarchy, …): to read it may be to change something.
bool clinux_is_of_kernel(int32_t file);
/// Makes a pair of pseudo-terminals in a mounted devpts: master (non-blocking) and slave, both close-on-exec, the slave
/// owned by a user. Returns the slave's number, its name in the devpts; or a negated errno.
int32_t clinux_open_terminal(const char *devpts, uint32_t owner, int32_t *master, int32_t *slave);
/// Sends a message to a datagram socket at a path, or in the abstract name space (`@NAME`), as sd_notify(3) does.
int32_t clinux_notify(const char *address, const char *message);
int32_t clinux_signalfd(uint64_t mask);
/// Reads one signal. Returns its number, fills in the sender's pid as the kernel tells it; or a negated errno.
int32_t clinux_read_signal(int32_t signalfd, int32_t *sender);
/// Whether nobody can change this process's executable through /proc/PID/exe: it is on a read-only mount, or sealed.
bool clinux_executable_is_sealed(void);
/// Executes a file again from a read-only mount of its own, or, where that cannot be had, from a sealed copy in memory. Returns
/// only when it cannot, with a negated errno. The corresponding C functions are open_tree(2), mount_setattr(2),
/// memfd_create(2) and execveat(2).
int32_t clinux_execute_sealed(const char *path, const char *_Nonnull const *_Nonnull arguments);
/// The corresponding C function is prctl(2) with PR_SET_NAME.
void clinux_set_name(const char *name);
int32_t clinux_become_subreaper(void);
/// Whether a directory has overlayfs's mark of what hides everything below it.
bool clinux_is_opaque(const char *path);
/// Gives a directory that mark. 0, or a negated errno.
int32_t clinux_make_opaque(const char *path);
/// Looks at the end of a child and leaves it a zombie. Returns 1 and fills in wait_status; 0 when it has not ended; a
/// negated errno. The corresponding C function is waitid(2) with WNOWAIT.
int32_t clinux_peek_at_end(int32_t pid, int32_t *wait_status);
/// The corresponding C function is prctl(2) with PR_SET_DUMPABLE and 0.
int32_t clinux_close_memory(void);
/// Sleeps up to a deadline on CLOCK_MONOTONIC (nanoseconds) for any of the descriptors to become readable or closed.
/// ready[i] is set for each that is. A deadline of UINT64_MAX never comes. Returns how many, or a negated errno.
int32_t clinux_poll(const int32_t *descriptors, bool *ready, size_t count, uint64_t deadline);
uint64_t clinux_monotonic_now(void);

// The commit that this was built from; empty: not known.
const char *clinux_commit(void);

// MARK: - Constants that Swift cannot import

extern const uint64_t clinux_clone_newns, clinux_clone_newpid, clinux_clone_newuts, clinux_clone_newipc,
    clinux_clone_newnet, clinux_clone_newcgroup;

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
