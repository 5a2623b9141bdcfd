// Signals as the kernel takes them: dispositions and masks between fork and exec.
#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

// The raw call, because glibc refuses its own two signals (32 and 33), which posix_spawn leaves ignored and the program under
// test would then inherit.
static int set_disposition(int number, void (*handler)(int)) {
    struct {
        void (*handler)(int);
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {handler, 0, NULL, 0};
    return (int)syscall(SYS_rt_sigaction, number, &action, NULL, kernel_sigset_size);
}

// Every signal to its default action; SIGKILL and SIGSTOP have no other.
void clinux_reset_dispositions(void) {
    for (int number = 1; number <= signal_count; number++) set_disposition(number, SIG_DFL);
}

int clinux_ignore_signals(uint64_t set) {
    for (int number = 1; number <= signal_count; number++)
        if (set >> (number - 1) & 1 && set_disposition(number, SIG_IGN) < 0) return -1;
    return 0;
}

void clinux_set_mask(uint64_t mask, uint64_t *_Nullable previous) {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, previous, kernel_sigset_size);
}

uint64_t clinux_signal_mask(void) {
    uint64_t mask = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, kernel_sigset_size);
    return mask;
}
