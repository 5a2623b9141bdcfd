// What the files of this target share; nobody outside sees it.
#ifndef CLINUX_INTERNAL_H
#define CLINUX_INTERNAL_H

#include <stdint.h>

// The kernel's view of signals, not glibc's: its own two (32 and 33) are among them.
enum { signal_count = 64, kernel_sigset_size = 8 };

int clinux_loopback_up(void);
void clinux_reset_dispositions(void);
int clinux_ignore_signals(uint64_t set);
void clinux_set_mask(uint64_t mask, uint64_t *_Nullable previous);
// The filter of system calls that every container has (filter.c), for a process that keeps a set of capabilities. It is prepared
// where the C library may be called.
void clinux_prepare_filters(void);
int clinux_filter_calls(uint64_t capabilities);

#endif
