// The commit that this was built from. `make build` writes commit.h, which is not in git.
#include "clinux.h"

#if __has_include("commit.h")
#include "commit.h"
#else
#define HARNESS_COMMIT ""
#endif

const char *clinux_commit(void) { return HARNESS_COMMIT; }
