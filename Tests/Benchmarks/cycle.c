// The reference of the benchmark: what one cycle costs without this project.
//
//     cycle bare N COMMAND… --program FAKE-SERVICES   the system calls of one container, made by hand
//     cycle RUNTIME N BUNDLE                          an OCI runtime: `run`, `kill`
//     cycle docker N BUNDLE                           Docker, with an image `harness-cycle` made of the bundle's root
//     cycle start N PROGRAM ARGUMENT…                 start a program and wait for its end; prints its memory too, in KiB
//
// A cycle starts an init and its child, sees the child's report of readiness, sends SIGTERM, and sees PID 1 gone.
// Prints one time per line, in nanoseconds.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define must(call) must_be(#call, (long)(call))

static long must_be(const char *what, long result) {
    if (result >= 0) return result;
    dprintf(2, "%s: %s\n", what, strerror(errno));
    _exit(70);
}

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    unlink(path);
    int listener = must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    must(bind(listener, (struct sockaddr *)&address, sizeof address));
    must(listen(listener, 64));
    return listener;
}

// Reads reports until the service says that it is ready; returns the connection.
static int wait_until_ready(int listener) {
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    if (poll(&waiting, 1, 5000) != 1) {
        fprintf(stderr, "no service has reported within 5 s\n");
        exit(70);
    }
    int connection = must(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    char text[256];
    for (ssize_t count; (count = recv(connection, text, sizeof text - 1, 0)) > 0;) {
        text[count] = 0;
        if (strstr(text, " ready")) return connection;
    }
    fprintf(stderr, "the service ended before it was ready\n");
    exit(70);
}

// MARK: - By hand

static char base[] = "/tmp/cycle-XXXXXX";
static const char *program;
static char **command;

static void bind_on(const char *source, const char *target) { must(mount(source, target, NULL, MS_BIND, NULL)); }

static void bind_file(const char *source, const char *target) {
    close(must(open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0666)));
    bind_on(source, target);
}

// A device of the host on a read-only mount; in the place of a file of /proc it may be missing.
static void device(const char *source, const char *target, int may_be_missing) {
    if (mount(source, target, NULL, MS_BIND, NULL) < 0 && may_be_missing) return;
    must(mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL));
}

// The load of a filter, and its cost to every call; the harness's has more numbers in it.
static void filter_calls(void) {
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void keep_docker_capabilities(void) {
    static const int kept[] = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31};
    unsigned long long set = 0;
    for (size_t index = 0; index < sizeof kept / sizeof *kept; index++) set |= 1ULL << kept[index];
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        if (!(set >> capability & 1)) must(prctl(PR_CAPBSET_DROP, capability));
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{(unsigned)set, (unsigned)set, 0}, {set >> 32, set >> 32, 0}};
    must(syscall(SYS_capset, &header, data));
}

static int child(const char *directory, int members, int output, int errors) {
    static const char *read_only[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
    static const char *masked[] = {"proc/kcore", "proc/keys", "proc/timer_list", "proc/interrupts"};
    static const char *devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *links[][2] = {{"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"},
        {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"}, {"pts/ptmx", "dev/ptmx"}};
    char path[256], options[512];
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    must(prctl(PR_SET_PDEATHSIG, SIGKILL));
    if (members >= 0) must(write(members, "0", 1));
    must(unshare(CLONE_NEWCGROUP));
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    snprintf(options, sizeof options, "lowerdir=/,upperdir=%s/upper,workdir=%s/work", directory, directory);
    snprintf(path, sizeof path, "%s/root", directory);
    must(mount("overlay", path, "overlay", MS_NODEV, options));
    must(chdir(path));
    must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    for (int index = 0; index < 5; index++) {
        if (mount(read_only[index], read_only[index], NULL, MS_BIND, NULL) < 0) continue;
        must(mount(NULL, read_only[index], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    }
    for (int index = 0; index < 4; index++) device("/dev/null", masked[index], 1);
    mount("tmpfs", "proc/acpi", "tmpfs", MS_RDONLY, "size=0");
    must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=65536k"));
    for (int index = 0; index < 6; index++) {
        char source[64], target[64];
        snprintf(source, sizeof source, "/dev/%s", devices[index]);
        snprintf(target, sizeof target, "dev/%s", devices[index]);
        close(must(open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0666)));
        device(source, target, 0);
    }
    for (int index = 0; index < 5; index++) must(symlink(links[index][0], links[index][1]));
    must(mkdir("dev/pts", 0755));
    must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"));
    must(mkdir("dev/shm", 01777));
    must(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k"));
    must(mkdir("dev/mqueue", 01777));
    mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    must(mount("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    mount("tmpfs", "sys/firmware", "tmpfs", MS_RDONLY, "size=0");
    must(mkdir(".harness", 0755));
    snprintf(path, sizeof path, "%s/control", directory);
    bind_on(path, ".harness");
    snprintf(path, sizeof path, "%s/program", base);
    bind_file(path, ".harness/fake-services");
    must(syscall(SYS_pivot_root, ".", "."));
    must(umount2(".", MNT_DETACH));
    must(chdir("/"));
    must(sethostname("bare", 4));
    int control = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    struct ifreq request = {.ifr_name = "lo"};
    request.ifr_flags = IFF_UP;
    must(ioctl(control, SIOCSIFFLAGS, &request));
    close(control);
    struct rlimit limit = {1, 1};
    must(setrlimit(RLIMIT_CORE, &limit));
    must(dup2(output, 1));
    must(dup2(errors, 2));
    setsid();
    umask(022);
    filter_calls();
    keep_docker_capabilities();
    for (int number = 1; number <= 64; number++)
        if (number < 32 || number > 33) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(command[0], command);
    must(-1);
    return 0;
}

struct start {
    const char *directory;
    int members, output, errors;
};

static int child_entry(void *argument) {
    struct start *start = argument;
    return child(start->directory, start->members, start->output, start->errors);
}

static void bare_cycle(int number, const char *cgroups) {
    char directory[64], path[320], cgroup[256];
    static char stack[1 << 16];
    snprintf(directory, sizeof directory, "%s/%d", base, number);
    must(mkdir(directory, 0755));
    must(mount("bare", directory, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=256m,nr_inodes=65536"));
    static const char *names[] = {"upper", "work", "root", "control"};
    for (int index = 0; index < 4; index++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[index]);
        must(mkdir(path, 0755));
    }
    snprintf(path, sizeof path, "%s/control/services", directory);
    int listener = listen_at(path), members = -1;
    if (cgroups) {
        snprintf(cgroup, sizeof cgroup, "%s/bare-%d-%d", cgroups, getpid(), number);
        must(mkdir(cgroup, 0755));
        snprintf(path, sizeof path, "%s/pids.max", cgroup);
        int limit = must(open(path, O_WRONLY | O_CLOEXEC));
        must(write(limit, "2048", 4));
        close(limit);
        snprintf(path, sizeof path, "%s/members", cgroup);
        must(mkdir(path, 0755));
        snprintf(path, sizeof path, "%s/members/cgroup.procs", cgroup);
        members = must(open(path, O_WRONLY | O_CLOEXEC));
    }
    int output[2], errors[2], pidfd = -1;
    must(pipe2(output, O_CLOEXEC));
    must(pipe2(errors, O_CLOEXEC));
    struct start start = {directory, members, output[1], errors[1]};
    int pid = must(clone(child_entry, stack + sizeof stack,
        CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | SIGCHLD,
        &start, &pidfd));
    (void)pid;
    close(output[1]);
    close(errors[1]);
    int connection = wait_until_ready(listener);
    must(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    must(poll(&watched, 1, -1));
    siginfo_t info;
    must(waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED));
    if (info.si_code != CLD_EXITED || info.si_status != 0) {
        fprintf(stderr, "PID 1 ended with code %d, status %d\n", info.si_code, info.si_status);
        exit(70);
    }
    close(connection);
    close(listener);
    close(output[0]);
    close(errors[0]);
    close(pidfd);
    if (members >= 0) {
        close(members);
        snprintf(path, sizeof path, "%s/members", cgroup);
        must(rmdir(path));
        must(rmdir(cgroup));
    }
    must(umount2(directory, MNT_DETACH));
    must(rmdir(directory));
}

static void bare(int count) {
    must((long)mkdtemp(base) == 0 ? -1 : 0);
    must(unshare(CLONE_NEWNS));
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    must(mount("bare", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=64k"));
    char path[256];
    snprintf(path, sizeof path, "%s/program", base);
    bind_file(program, path);
    const char *cgroups = access("/sys/fs/cgroup/pids/cgroup.procs", W_OK) == 0 ? "/sys/fs/cgroup/pids" : NULL;
    for (int number = 0; number < count; number++) {
        long long began = now();
        bare_cycle(number, cgroups);
        printf("%lld\n", now() - began);
    }
    umount2(base, MNT_DETACH);
    rmdir(base);
}

// MARK: - With a runtime

extern char **environ;

static pid_t start_program(char **arguments, int quiet) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (quiet) posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int result = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (result == 0) return pid;
    fprintf(stderr, "%s: %s\n", arguments[0], strerror(result));
    exit(70);
}

static void finish(pid_t pid) {
    int status;
    must(waitpid(pid, &status, 0));
}

static void runtime(char *name, int count, char *bundle) {
    char path[256], id[64], volume[256];
    int is_docker = strcmp(name, "docker") == 0;
    snprintf(volume, sizeof volume, "%s/control:/.harness", bundle);
    snprintf(path, sizeof path, "%s/control/services", bundle);
    int listener = listen_at(path);
    for (int number = 0; number < count; number++) {
        snprintf(id, sizeof id, "cycle-%d-%d", getpid(), number);
        long long began = now();
        char *run_bundle[] = {name, "run", "--bundle", bundle, id, NULL}, *kill_bundle[] = {name, "kill", id, "TERM", NULL};
        char *run_image[] = {name, "run", "--rm", "--name", id, "--network", "none", "--volume", volume, "harness-cycle",
            "/fake-services", "init", "--service", "app", "--after", "", "--", "/fake-services", "service", "app", NULL};
        char *kill_image[] = {name, "kill", "--signal", "TERM", id, NULL};
        pid_t run = start_program(is_docker ? run_image : run_bundle, 0);
        int connection = wait_until_ready(listener);
        finish(start_program(is_docker ? kill_image : kill_bundle, 1));
        finish(run);
        close(connection);
        printf("%lld\n", now() - began);
    }
}

int main(int count, char **arguments) {
    if (count < 4) return 64;
    int cycles = atoi(arguments[2]);
    if (strcmp(arguments[1], "bare") == 0) {
        command = arguments + 3;
        for (int index = 3; index < count; index++)
            if (strcmp(arguments[index], "--program") == 0) {
                arguments[index] = NULL;
                program = arguments[index + 1];
                break;
            }
        bare(cycles);
    } else if (strcmp(arguments[1], "start") == 0) {
        for (int number = 0; number < cycles; number++) {
            long long began = now();
            finish(start_program(arguments + 3, 1));
            long long time = now() - began;
            // Of all children so far, the largest.
            struct rusage usage;
            must(getrusage(RUSAGE_CHILDREN, &usage));
            printf("%lld %ld\n", time, usage.ru_maxrss);
        }
    } else {
        runtime(arguments[1], cycles, arguments[3]);
    }
    return 0;
}
