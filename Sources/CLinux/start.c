// How small single-threaded programs, the fakes, start others.
#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int32_t clinux_start_program(const char *const *arguments, const char *const *environment, int new_group,
    uint64_t mask, bool resets_dispositions, bool ignores_children) {
    volatile int failure = 0;
    uint64_t previous_mask;
    clinux_set_mask(~0ULL, &previous_mask);
    pid_t pid = vfork();
    if (pid == 0) {
        if (new_group == 1) {
            setpgid(0, 0);
            // As long as everything is blocked, SIGTTOU is too: a background group may do this then.
            tcsetpgrp(0, getpid());
        }
        if (new_group == 2) setsid();
        if (resets_dispositions) clinux_reset_dispositions();
        if (ignores_children) signal(SIGCHLD, SIG_IGN);
        clinux_set_mask(mask, NULL);
        execvpe(arguments[0], (char *const *)arguments, (char *const *)environment);
        failure = errno;
        _exit(127);
    }
    int saved = errno;
    clinux_set_mask(previous_mask, NULL);
    if (pid < 0) return -saved;
    if (failure != 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
        return -failure;
    }
    return pid;
}

static void sleep_and_exit(uint64_t nanoseconds) {
    clinux_reset_dispositions();
    clinux_set_mask(0, NULL);
    struct timespec duration = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
    while (nanosleep(&duration, &duration) < 0 && errno == EINTR) {}
    _exit(0);
}

int32_t clinux_fork_idler(void) {
    sigset_t all, own;
    sigfillset(&all);
    // Before the fork: the child is never without it.
    pthread_sigmask(SIG_SETMASK, &all, &own);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent) pause();
        _exit(0);
    }
    int32_t result = pid < 0 ? -errno : pid;
    pthread_sigmask(SIG_SETMASK, &own, NULL);
    return result;
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
